import { signal } from "@preact/signals";
import { refreshAll } from "../api/poller";
import type { Source } from "../api/types";
import * as f from "../lib/format";
import { now, outage, sources } from "../state/live";
import { utc } from "../state/prefs";
import { Icon } from "./Icon";

/** Banners that were closed: the source and when it failed, so that a new failure shows again. */
const closed = signal<ReadonlySet<string>>(new Set());

const SHOWN_MAX = 4;

/** One line per process that does not answer. */
export function Banners() {
  const away = outage.value;
  const silent = sources.value.filter((s) => !s.ok && !closed.value.has(idOf(s)));
  if (!away && silent.length === 0) return null;
  return (
    <section class="banners" aria-label="Notices">
      {away && (
        <div class="banner crit" role="alert">
          <span aria-hidden="true">◆</span>
          <span>
            Cannot reach nsqadmin since {f.clock(away.since, utc.value)}
            {away.retryAt > now.value && `, retrying in ${Math.ceil((away.retryAt - now.value) / 1000)} s`}
          </span>
          <button type="button" class="button small" onClick={refreshAll}>
            Retry now
          </button>
        </div>
      )}
      {silent.slice(0, SHOWN_MAX).map((source) => (
        <SourceBanner key={idOf(source)} source={source} />
      ))}
      {silent.length > SHOWN_MAX && <div class="banner warn">and {silent.length - SHOWN_MAX} more do not answer</div>}
    </section>
  );
}

function idOf({ kind, id, since }: Source): string {
  return `${kind} ${id} ${since}`;
}

function SourceBanner({ source }: { source: Source }) {
  const { kind, id, since, last_ok: lastOk, error } = source;
  const how = since === null ? "does not answer" : `has not answered for ${f.age(now.value - since)}`;
  const old =
    lastOk === null
      ? " It never answered since nsqadmin started."
      : kind === "nsqd"
        ? ` Its numbers are from ${f.clock(lastOk, utc.value)}.`
        : "";
  const close = () => {
    closed.value = new Set([...closed.value, idOf(source)]);
  };
  return (
    <div class="banner warn">
      <span aria-hidden="true">▲</span>
      <span>
        {kind} {id} {how}.{old}
      </span>
      {error && (
        <details>
          <summary>Details</summary>
          <code>{error}</code>
        </details>
      )}
      <span class="spring" />
      <button type="button" class="icon-button" aria-label={`Close the note on ${id}`} onClick={close}>
        <Icon name="close" />
      </button>
    </div>
  );
}
