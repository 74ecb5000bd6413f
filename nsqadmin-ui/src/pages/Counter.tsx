import { useEffect, useRef, useState } from "preact/hooks";
import { useResource } from "../api/poller";
import type { Overview } from "../api/types";
import * as f from "../lib/format";
import { to } from "../router";
import { now } from "../state/live";
import { utc } from "../state/prefs";
import { GLYPH } from "../ui/Badge";
import { Chart } from "../ui/Chart";
import { Icon } from "../ui/Icon";
import { PageError } from "../ui/PageError";

/** A display for the wall: one number, and whether something is wrong. */
export function Counter() {
  const resource = useResource<Overview>("overview");
  const envelope = resource.envelope.value;
  const frame = useRef<HTMLDivElement>(null);
  useWakeLock();
  const data = envelope?.data;
  return (
    <div class="counter" ref={frame}>
      <h1 class="counter-title" tabIndex={-1}>
        Messages processed
      </h1>
      {data ? (
        <>
          <Rolling value={data.totals.channel_messages} partial={envelope?.partial ?? false} />
          <p class="counter-rates">
            <span>
              in <strong>{f.perSecond(data.totals.publish_rate)}</strong>
            </span>
            <span>
              out <strong>{f.perSecond(data.totals.out_rate)}</strong>
            </span>
            <span>
              backlog <strong>{f.brief(data.totals.depth)}</strong>
            </span>
          </p>
          <Chart
            title="Messages per second"
            unit="rate"
            seconds={900}
            lines={[
              { entity: "cluster", metric: "publish", label: "in" },
              { entity: "cluster", metric: "out", label: "out" },
            ]}
          />
          <Strip data={data} />
        </>
      ) : (
        <PageError error={resource.error.value} />
      )}
      <p class="counter-foot">
        <time>{f.clock(now.value, utc.value)}</time>
        {envelope && <span>updated {f.age(now.value - envelope.at)} ago</span>}
        <button
          type="button"
          class="button quiet small"
          onClick={() =>
            void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())
          }
        >
          <Icon name="full" /> Full screen
        </button>
      </p>
    </div>
  );
}

const STEP_MS = 1000;

/** The number runs to its next value; with reduced motion it steps. */
function Rolling({ value, partial }: { value: number; partial: boolean }) {
  const [shown, setShown] = useState(value);
  const from = useRef(value);
  useEffect(() => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || value < from.current) {
      from.current = value;
      setShown(value);
      return;
    }
    const [first, begun] = [from.current, performance.now()];
    let frame = 0;
    const step = (at: number) => {
      const part = Math.min(1, Math.max(0, (at - begun) / STEP_MS));
      from.current = Math.round(first + (value - first) * part);
      setShown(from.current);
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [value]);
  return (
    <p class="counter-number">
      <span class="sr">{f.exact(value)}</span>
      <span aria-hidden="true">
        {partial ? "≥ " : ""}
        {f.exact(shown)}
      </span>
    </p>
  );
}

const STRIP = 3;

function Strip({ data }: { data: Overview }) {
  const serious = data.problems.filter((p) => p.severity !== "info");
  if (serious.length === 0)
    return (
      <p class="counter-strip">
        <span class="mark ok" aria-hidden="true">
          ✓
        </span>{" "}
        No problems
      </p>
    );
  return (
    <ul class="counter-strip">
      {serious.slice(0, STRIP).map((p) => (
        <li key={`${p.rule} ${p.text}`}>
          <span class={`mark ${p.severity}`} aria-hidden="true">
            {GLYPH[p.severity]}
          </span>{" "}
          {p.text}
        </li>
      ))}
      {serious.length > STRIP && (
        <li>
          <a href={to.overview()}>and {serious.length - STRIP} more</a>
        </li>
      )}
    </ul>
  );
}

/** Keeps the screen awake where the browser lets us. */
function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let gone = false;
    const ask = async () => {
      if (document.hidden || !("wakeLock" in navigator)) return;
      try {
        lock = await navigator.wakeLock.request("screen");
        if (gone) void lock.release();
      } catch {
        // Refused, for instance on battery: the display may sleep then.
      }
    };
    void ask();
    document.addEventListener("visibilitychange", ask);
    return () => {
      gone = true;
      document.removeEventListener("visibilitychange", ask);
      void lock?.release();
    };
  }, []);
}
