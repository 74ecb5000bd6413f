/**
 * Numbers, units and times as text.
 *
 * Grouping is always English, so that pictures of two screens compare.
 */

/** Stands for a value that does not apply. */
export const NONE = "–";
/** Stands for a value nobody told us. */
export const UNKNOWN = "?";

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SUFFIXES = ["", " k", " M", " G", " T", " P", " E"];

/** Three significant digits with a suffix: `1.23 M`. */
function short(value: number): string {
  let scaled = Math.abs(value);
  let step = 0;
  // 999.5 would be printed as 1000.
  while (scaled >= 999.5 && step < SUFFIXES.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  const digits = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${value < 0 ? "−" : ""}${scaled.toFixed(step === 0 ? 0 : digits)}${SUFFIXES[step]}`;
}

export function exact(value: number): string {
  return GROUPED.format(value).replace("-", "−");
}

/** Exact below a million, three digits above. */
export function count(value: number | null | undefined, always = false): string {
  if (value === null || value === undefined || Number.isNaN(value)) return UNKNOWN;
  return always || Math.abs(value) < 1e6 ? exact(value) : short(value);
}

/** For tiles and sparklines: three digits from ten thousand. */
export function brief(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return Math.abs(value) < 10_000 ? exact(value) : short(value);
}

/** A rate per second without its unit; `…` while there are too few samples. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return "…";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) return "0";
  if (size < 0.1) return `< 0.1`;
  if (size < 99.95) return `${sign}${size.toFixed(1)}`;
  if (size < 10_000) return `${sign}${exact(size)}`;
  return `${sign}${short(size)}`;
}

export function perSecond(value: number | null | undefined): string {
  return value === null || value === undefined ? "measuring…" : `${rate(value)}/s`;
}

/** A change per second, always with its sign. */
export function trend(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (Math.abs(value) < 0.05) return "steady";
  return `${value > 0 ? "+" : ""}${rate(value)}/s`;
}

export type Direction = "up" | "down" | "flat";

export function direction(value: number | null | undefined): Direction {
  if (value === null || value === undefined || Math.abs(value) < 0.05) return "flat";
  return value > 0 ? "up" : "down";
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  let scaled = value;
  let step = 0;
  while (scaled >= 1023.95 && step < UNITS.length - 1) {
    scaled /= 1024;
    step += 1;
  }
  return `${step === 0 ? Math.round(scaled) : scaled >= 99.95 ? scaled.toFixed(0) : scaled.toFixed(1)} ${UNITS[step]}`;
}

/** A part of one: integer percent, one decimal below ten. */
export function percent(part: number | null | undefined): string {
  if (part === null || part === undefined || !Number.isFinite(part)) return NONE;
  const value = part * 100;
  if (value === 0) return "0 %";
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

function pad(value: number): string {
  return value.toString().padStart(2, "0");
}

/** At most two units: `850 µs`, `45.2 s`, `1 m 00 s`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return NONE;
  if (seconds === Number.POSITIVE_INFINITY) return "∞";
  if (seconds <= 0) return "0 s";
  if (seconds < 1e-6) return `${Math.round(seconds * 1e9)} ns`;
  if (seconds < 0.000_999_5) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 59.95)
    return `${seconds < 9.95 || seconds % 1 !== 0 ? seconds.toFixed(1).replace(/\.0$/, "") : seconds} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A latency given in nanoseconds; a missing one is a dash, never a zero. */
export function latency(nanoseconds: number | null | undefined): string {
  if (nanoseconds === null || nanoseconds === undefined || nanoseconds <= 0) return NONE;
  return duration(nanoseconds / 1e9);
}

/** How long ago, in one unit: `34 s`, `3 min`. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Time of day, or date and time when it is not today. */
export function clock(at: number | null | undefined, utc: boolean, now = Date.now()): string {
  if (at === null || at === undefined) return UNKNOWN;
  const zone = utc ? { timeZone: "UTC" } : {};
  const day = (t: number) => new Date(t).toLocaleDateString("en-CA", zone);
  const time = new Date(at).toLocaleTimeString("en-GB", zone);
  return day(at) === day(now) ? time : `${day(at)} ${time}`;
}

/** Date, time and zone, for tooltips. */
export function stamp(at: number | null | undefined, utc: boolean): string {
  if (at === null || at === undefined) return UNKNOWN;
  const zone = utc ? { timeZone: "UTC" } : {};
  const date = new Date(at);
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short", ...zone }).formatToParts(date);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return `${date.toLocaleDateString("en-CA", zone)} ${date.toLocaleTimeString("en-GB", zone)} ${name}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${exact(value)} ${value === 1 ? one : many}`;
}

/** Seconds a queue needs to drain at this rate (Little's law): `null` if it is empty or still measured. */
export function wait(depth: number, out: number | null): number | null {
  if (depth === 0 || out === null) return null;
  return out > 0 ? depth / out : Number.POSITIVE_INFINITY;
}

/** What becomes of a backlog at this trend. */
export function forecast(backlog: number, change: number | null): string {
  if (change === null || backlog === 0 || Math.abs(change) < 0.05) return "";
  if (change < 0) return `empty in ${duration(backlog / -change)}`;
  return `${change * 60 < 99.95 ? (change * 60).toFixed(0) : brief(change * 60)} more per minute`;
}
