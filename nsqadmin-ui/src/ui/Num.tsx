import * as f from "../lib/format";
import { exactNumbers, utc } from "../state/prefs";

type Maybe = number | null | undefined;

/** `≥`: a part is missing in the sum; `~`: last known. */
export type Mark = "≥" | "~" | "";

/** A count; the exact value is in the tooltip when it is shortened. */
export function Num({ v, mark = "" }: { v: Maybe; mark?: Mark }) {
  if (v === null || v === undefined) return <span class="unknown">{f.UNKNOWN}</span>;
  const text = f.count(v, exactNumbers.value);
  const full = f.exact(v);
  const shown = mark ? `${mark} ${text}` : text;
  if (v === 0) return <span class="zero">{shown}</span>;
  return text === full ? <>{shown}</> : <span title={full}>{shown}</span>;
}

export function Rate({ v }: { v: Maybe }) {
  if (v === null || v === undefined)
    return (
      <span class="unknown" title="measuring…">
        …
      </span>
    );
  return v === 0 ? <span class="zero">0</span> : <>{f.rate(v)}</>;
}

export function Bytes({ v }: { v: Maybe }) {
  if (v === null || v === undefined) return <span class="unknown">{f.UNKNOWN}</span>;
  return v === 0 ? <span class="zero">0</span> : <span title={`${f.exact(v)} bytes`}>{f.bytes(v)}</span>;
}

const GLYPHS = { up: "▲", down: "▼", flat: "▬" } as const;
const WORDS = { up: "growing", down: "shrinking", flat: "steady" } as const;

/** Direction and speed of a backlog. */
export function Trend({ v, bare = false }: { v: Maybe; bare?: boolean }) {
  if (v === null || v === undefined) return <span class="unknown">…</span>;
  const way = f.direction(v);
  return (
    <span class={`trend ${way}`} title={`${WORDS[way]}: ${f.trend(v)}`}>
      <span aria-hidden="true">{GLYPHS[way]}</span>
      {way !== "flat" && !bare ? ` ${f.trend(v)}` : <span class="sr">{WORDS[way]}</span>}
    </span>
  );
}

/** How long a new message waits. */
export function Wait({ depth, out, paused }: { depth: number; out: number | null; paused: boolean }) {
  if (depth > 0 && paused) return <span class="muted">paused</span>;
  if (depth === 0) return <span class="zero">{f.NONE}</span>;
  const seconds = f.wait(depth, out);
  return <>{seconds === null ? "…" : f.duration(seconds)}</>;
}

export function Latency({ v }: { v: Maybe }) {
  const text = f.latency(v);
  return text === f.NONE ? <span class="zero">{text}</span> : <>{text}</>;
}

/** An instant: relative on the screen, exact in the tooltip. */
export function Ago({ at, now, suffix = "" }: { at: number | null; now: number; suffix?: string }) {
  if (at === null) return <span class="unknown">{f.UNKNOWN}</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={f.stamp(at, utc.value)}>
      {f.duration((now - at) / 1000)}
      {suffix}
    </time>
  );
}

/** Share of RDY in use, as a bar and as text. */
export function Saturation({ part }: { part: number | null }) {
  if (part === null) return <span class="zero">{f.NONE}</span>;
  const width = `${Math.round(Math.min(1, part) * 100)}%`;
  return (
    <span class={`bar${part >= 0.95 ? " full" : ""}`}>
      <span class="bar-track" aria-hidden="true">
        <span class="bar-fill" style={{ width }} />
      </span>
      {f.percent(Math.min(part, 9.99))}
    </span>
  );
}
