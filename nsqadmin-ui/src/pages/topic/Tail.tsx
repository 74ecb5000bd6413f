import { useEffect, useMemo, useState } from "preact/hooks";
import { encode } from "../../api/client";
import type { TailOpen, TopicDetail } from "../../api/types";
import { base } from "../../boot";
import { type BodyView, bytesOf, isJson, shown } from "../../lib/body";
import * as f from "../../lib/format";
import { compile } from "../../lib/jsonpath";
import { visible } from "../../lib/virtual";
import { isAdmin, meta } from "../../state/live";
import { utc } from "../../state/prefs";
import { copy, download } from "../../state/toasts";
import { TEXT } from "../../text/en";
import { openDialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { CreateDialog } from "../lookup/Create";
import { KEPT_MAX, type Kept, TailSession } from "./session";

const SAMPLES = [100, 50, 10, 1];
const RATES = [10, 50, 200];

/** Shows messages as they are published, through a channel of its own that goes when it ends. */
export function Tail({ topic, data }: { topic: string; data: TopicDetail }) {
  const session = useMemo(() => new TailSession(topic), [topic]);
  useEffect(() => () => void session.stop(), [session]);
  const [sample, setSample] = useState(100);
  const [rate, setRate] = useState(50);
  const known = meta.value;
  const state = session.state.value;
  if (!known?.can.tail)
    return (
      <Empty title="Tailing is not allowed here.">
        <p>{TEXT.readOnly(known?.user ?? "")}</p>
      </Empty>
    );
  const start = () => void session.start(rate, sample === 100 ? 0 : sample);
  const running = state.step === "running";
  return (
    <section class="tail" aria-label={`Tail of ${topic}`}>
      <div class="tools">
        {running ? (
          <>
            <span class="pill live">
              <span aria-hidden="true">●</span> {f.perSecond(session.rate.value)}
            </span>
            <button type="button" class="button" onClick={() => void session.stop()}>
              Stop
            </button>
          </>
        ) : (
          <button type="button" class="button primary" disabled={state.step === "starting"} onClick={start}>
            Start tail
          </button>
        )}
        <label>
          <span class="muted">sample </span>
          <select value={sample} disabled={running} onChange={(event) => setSample(Number(event.currentTarget.value))}>
            {SAMPLES.map((n) => (
              <option key={n} value={n}>
                {n} %
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="muted">at most </span>
          <select value={rate} disabled={running} onChange={(event) => setRate(Number(event.currentTarget.value))}>
            {RATES.map((n) => (
              <option key={n} value={n}>
                {n} msg/s
              </option>
            ))}
          </select>
        </label>
      </div>
      {state.step === "idle" && <Notice data={data} />}
      {state.step === "refused" && <Refused code={state.code} detail={state.detail} />}
      {(state.step === "running" || state.step === "ended") && <Status open={state.open} session={session} />}
      {state.step === "ended" && (
        <p role="status">
          <strong>{ENDS[state.reason] ?? "Ended."}</strong> {state.detail}
        </p>
      )}
      {(state.step === "running" || state.step === "ended") && <Messages session={session} id={state.open.id} />}
    </section>
  );
}

const ENDS: Record<string, string> = {
  stopped: "Stopped.",
  expired: "Ended after its time.",
  no_durable_channel: "Ended: the last other channel of the topic is gone.",
  upstream: "Ended: no nsqd is connected.",
};

function Notice({ data }: { data: TopicDetail }) {
  return (
    <div class="notice">
      <p>
        Adds one ephemeral channel to the topic; nsqd copies every message into it while you watch, and removes it when
        you stop. Waiting messages of other channels are not touched and not shown.
      </p>
      {data.row.paused !== "no" && <p>The topic is paused: nothing will arrive until it is unpaused.</p>}
      <p class="muted">
        Nodes where the topic has no other lasting channel are left out, because the first channel of a topic receives
        all that waits there.
      </p>
    </div>
  );
}

function Refused({ code, detail }: { code: string; detail: string }) {
  if (code !== "NO_DURABLE_CHANNEL")
    return (
      <Empty title="The tail could not start.">
        <p>{detail}</p>
      </Empty>
    );
  return (
    <Empty title="This topic has no lasting channel, so it cannot be tailed safely.">
      <p>
        The first channel of a topic receives everything that waits in it. A tail would take these messages and lose
        them when it ends.
      </p>
      <p>{detail}</p>
      {isAdmin.value && (
        <button type="button" class="button" onClick={() => openDialog(<CreateDialog />)}>
          Create a channel…
        </button>
      )}
    </Empty>
  );
}

function Status({ open, session }: { open: TailOpen; session: TailSession }) {
  const connected = open.nodes.filter((n) => n.ok).length;
  return (
    <div class="tail-status muted">
      <p>
        {TEXT.tailCost(open.channel)} {connected} of {connected + open.skipped.length} nodes.
      </p>
      {open.skipped.map((s) => (
        <p key={s.node} class="warn-text">
          <span aria-hidden="true">▲</span> {s.node} is left out: {s.detail || s.reason}
        </p>
      ))}
      {session.lost.value.map((text) => (
        <p key={text} class="warn-text">
          <span aria-hidden="true">▲</span> {text}
        </p>
      ))}
    </div>
  );
}

const LINE = 24;
const VIEW_HEIGHT = 520;

function Messages({ session, id }: { session: TailSession; id: string }) {
  const [filter, setFilter] = useState("");
  const [frozen, setFrozen] = useState<readonly Kept[] | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const [oldestFirst, setOldestFirst] = useState(false);
  const [top, setTop] = useState(0);
  const all = frozen ?? session.messages.value;
  const compiled = useMemo(() => compile(filter), [filter]);
  const matching = useMemo(() => {
    const test = "test" in compiled ? compiled.test : () => true;
    const kept = all.filter((m) => test(m.encoding === "text" ? m.body : ""));
    return oldestFirst ? kept.toReversed() : kept;
  }, [all, compiled, oldestFirst]);
  const detail = matching.find((m) => m.number === open);
  const part = visible(matching.length, LINE, top, VIEW_HEIGHT);
  const save = () => {
    const lines = matching.map(({ number: _, ...message }) => JSON.stringify(message));
    download("messages.ndjson", "application/x-ndjson", `${lines.join("\n")}\n`);
  };
  return (
    <>
      <div class="tools">
        <input
          class="filter"
          type="search"
          aria-label="Filter messages"
          placeholder="text, /regex/ or .total > 500"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        {"error" in compiled && <span class="crit-text">{compiled.error}</span>}
        <button
          type="button"
          class="button small"
          aria-pressed={frozen !== null}
          onClick={() => setFrozen(frozen ? null : session.messages.value)}
        >
          {frozen ? "Resume view" : "Pause view"}
        </button>
        <button type="button" class="button small" onClick={() => setOldestFirst(!oldestFirst)}>
          {oldestFirst ? "Oldest first" : "Newest first"}
        </button>
        <span class="spring" />
        <span class="muted">
          {f.exact(Math.min(session.received.value, KEPT_MAX))} kept of {f.exact(session.received.value)} received
          {matching.length < all.length && ` · ${f.exact(all.length - matching.length)} hidden by filter`}
          {session.skipped.value > 0 && ` · ${f.exact(session.skipped.value)} skipped by rate limit`}
        </span>
        <button type="button" class="button small" disabled={matching.length === 0} onClick={save}>
          Export .ndjson
        </button>
      </div>
      {matching.length === 0 ? (
        <Empty title={all.length === 0 ? "Waiting for messages…" : "Nothing matches."} />
      ) : (
        <div
          class="tail-list"
          role="region"
          aria-label="Messages"
          tabIndex={0}
          onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        >
          <div style={{ height: `${part.above}px` }} />
          {matching.slice(part.first, part.end).map((m) => (
            <button
              key={m.number}
              type="button"
              class="tail-line"
              aria-expanded={m.number === open}
              onClick={() => setOpen(m.number === open ? null : m.number)}
            >
              <span>{f.clock(m.at_ms, utc.value)}</span>
              <span>{m.node}</span>
              <span title={m.id}>
                #{m.id.slice(0, 4)}…{m.id.slice(-2)}
              </span>
              <span>att {m.attempts}</span>
              <span class="numeric">{f.bytes(m.size)}</span>
              <span class="tail-body">
                {m.encoding === "text" ? m.body.slice(0, 300) : shown(m, "raw").slice(10, 58)}
              </span>
            </button>
          ))}
          <div style={{ height: `${part.below}px` }} />
        </div>
      )}
      {detail && <Detail message={detail} session={id} />}
    </>
  );
}

const VIEWS: [BodyView, string][] = [
  ["pretty", "Pretty"],
  ["raw", "Raw"],
  ["hex", "Hex"],
  ["base64", "Base64"],
];

function Detail({ message, session }: { message: Kept; session: string }) {
  const binary = message.encoding === "base64";
  const [chosen, setChosen] = useState<BodyView | null>(null);
  const view = chosen ?? (binary ? "hex" : isJson(message.body) ? "pretty" : "raw");
  const whole = `${base}api/ext/tail/${encode(session)}/${encode(message.id)}?node=${encode(message.node)}`;
  return (
    <section class="tail-detail" aria-label={`Message ${message.id}`}>
      <div class="tools">
        <div class="chips" role="group" aria-label="Form of the body">
          {VIEWS.map(([id, label]) => (
            <button key={id} type="button" class="chip" aria-pressed={view === id} onClick={() => setChosen(id)}>
              {label}
            </button>
          ))}
        </div>
        <span class="muted">
          {f.stamp(Number(BigInt(message.timestamp_ns) / 1_000_000n), utc.value)}, attempt {message.attempts},{" "}
          {f.bytes(message.size)}
        </span>
        <span class="spring" />
        <button type="button" class="button small" onClick={() => void copy(shown(message, view), "the message")}>
          Copy
        </button>
        <button type="button" class="button small" onClick={() => void copy(message.id, message.id)}>
          Copy id
        </button>
        <button
          type="button"
          class="button small"
          onClick={() => download(message.id, "application/octet-stream", new Blob([bytesOf(message) as BlobPart]))}
        >
          Download
        </button>
      </div>
      {message.truncated && (
        <p class="warn-text">
          <span aria-hidden="true">▲</span> Only the first 64 KiB are shown.{" "}
          <a href={whole} download={message.id}>
            Whole body
          </a>
        </p>
      )}
      <pre tabIndex={0}>{shown(message, view)}</pre>
    </section>
  );
}
