/** What this browser remembers. A browser that stores nothing works with the defaults. */

import { effect, type Signal, signal } from "@preact/signals";

function stored<T>(name: string, fallback: T, valid: (value: unknown) => value is T): Signal<T> {
  const key = `nsqadmin.${name}`;
  let initial = fallback;
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (valid(value)) initial = value;
  } catch {}
  const state = signal(initial);
  let first = true;
  effect(() => {
    const text = JSON.stringify(state.value);
    if (first) {
      first = false;
      return;
    }
    try {
      localStorage.setItem(key, text);
    } catch {}
  });
  return state;
}

function oneOf<T extends string | number>(...values: T[]): (value: unknown) => value is T {
  return (value): value is T => values.includes(value as T);
}

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((v) => typeof v === "string");
const isColumns = (value: unknown): value is Record<string, string[]> =>
  typeof value === "object" && value !== null && Object.values(value).every(isNames);

export type Theme = "system" | "light" | "dark";
export type Density = "compact" | "comfortable";

const touch = typeof matchMedia === "function" && matchMedia("(pointer: coarse)").matches;

export const theme = stored<Theme>("theme", "system", oneOf<Theme>("system", "light", "dark"));
export const density = stored<Density>(
  "density",
  touch ? "comfortable" : "compact",
  oneOf<Density>("compact", "comfortable"),
);
export const utc = stored("utc", false, isBoolean);
export const exactNumbers = stored("exact", false, isBoolean);
export const shortcuts = stored("shortcuts", true, isBoolean);
export const interval = stored<number>("interval", 2000, oneOf(0, 1000, 2000, 5000, 10_000));
/** Whose samples charts show, where Graphite has them too. */
export const chartSource = stored<"nsqadmin" | "graphite">(
  "source",
  "nsqadmin",
  oneOf<"nsqadmin" | "graphite">("nsqadmin", "graphite"),
);
/** `topic` or `topic/channel` */
export const favourites = stored<string[]>("favourites", [], isNames);
/** Chosen columns by table. */
export const columns = stored<Record<string, string[]>>("columns", {}, isColumns);

export function toggleFavourite(name: string): void {
  const now = favourites.value;
  favourites.value = now.includes(name) ? now.filter((n) => n !== name) : [...now, name];
}

/** Shown time ranges, with their length in seconds; `off` hides the charts. */
export const RANGES: Record<string, number> = {
  "5m": 300,
  "15m": 900,
  "30m": 1800,
  "1h": 3600,
  "2h": 7200,
  "12h": 43_200,
  "24h": 86_400,
  "48h": 172_800,
  "168h": 604_800,
  off: 0,
};

/** The key Go's nsqadmin stores the range under. */
const RANGE_KEY = "graph_interval";

function initialRange(): string {
  const asked = new URLSearchParams(location.search).get("t");
  if (asked !== null && asked in RANGES) return asked;
  try {
    const kept = localStorage.getItem(RANGE_KEY);
    if (kept !== null && kept in RANGES) return kept;
  } catch {}
  return "1h";
}

export const range = signal("1h");

export function startPrefs(): void {
  range.value = initialRange();
  effect(() => {
    const root = document.documentElement;
    if (theme.value === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = theme.value;
    root.dataset["density"] = density.value;
  });
}

export function setRange(value: string): void {
  range.value = value;
  try {
    localStorage.setItem(RANGE_KEY, value);
  } catch {}
}
