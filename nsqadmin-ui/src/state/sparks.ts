/**
 * The small charts beside numbers.
 *
 * Tables have rows by the thousand and show some dozens: only the charts of those are asked for, apart from the rows,
 * which are sent when they change.
 */

import { type Signal, signal } from "@preact/signals";
import { encode, get } from "../api/client";
import type { Samples, SeriesData } from "../api/types";
import { held, hidden, outage } from "./live";

const SPAN_MS = 15 * 60_000;
const POINTS = 30;
/** A chart has a new point twice a minute. */
const FRESH_MS = 30_000;
/** While somebody scrolls, nothing is asked for. */
const PAUSE_MS = 120;
/** As many names as an address holds. */
const ENTITIES = 40;
/** Charts that are kept for when their rows are shown again. */
const KEPT = 1000;

interface Spark {
  values: Signal<Samples | null>;
  asked: number;
}

const known = new Map<string, Spark>();

function entry(entity: string, metric: string): Spark {
  const key = `${metric} ${entity}`;
  let found = known.get(key);
  if (!found) {
    found = { values: signal(null), asked: 0 };
    known.set(key, found);
  }
  return found;
}

/** The chart of a metric, as soon as there is one. */
export function sparkOf(entity: string, metric: string): Signal<Samples | null> {
  return entry(entity, metric).values;
}

/** Keeps the charts of the rows of one table fresh while they are on the screen. */
export class Sparks {
  #entities: readonly string[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #abort: AbortController | null = null;

  constructor(readonly metrics: readonly string[]) {}

  show(entities: readonly string[]): void {
    if (entities.length === this.#entities.length && entities.every((e, i) => e === this.#entities[i])) return;
    this.#entities = entities;
    this.#plan(PAUSE_MS);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#abort?.abort();
    this.#abort = null;
    this.#entities = [];
  }

  #plan(delay: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), delay);
  }

  async #ask(): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const shown = this.#entities;
    const due = shown.filter((e) => this.metrics.some((m) => Date.now() - entry(e, m).asked >= FRESH_MS));
    try {
      for (let i = 0; i < due.length && !hidden.peek() && !held.peek() && !outage.peek(); i += ENTITIES)
        await this.#fetch(due.slice(i, i + ENTITIES), abort.signal);
    } catch {
      // A table without its small charts is still a table; whoever asks for the rows tells of the outage.
    }
    if (abort.signal.aborted) return;
    forget(new Set(shown));
    this.#plan(FRESH_MS / 3);
  }

  async #fetch(entities: readonly string[], abort: AbortSignal): Promise<void> {
    const names = entities.map((e) => `entity=${encode(e)}`).join("&");
    const path = `series?${names}&metric=${this.metrics.join(",")}&range_ms=${SPAN_MS}&points=${POINTS}`;
    const { data } = await get<SeriesData>(path, abort);
    for (const { entity, metric, values } of data.series) {
      const spark = entry(entity, metric);
      spark.asked = Date.now();
      spark.values.value = values;
    }
  }
}

function forget(shown: ReadonlySet<string>): void {
  for (const key of known.keys()) {
    if (known.size <= KEPT) return;
    if (!shown.has(key.slice(key.indexOf(" ") + 1))) known.delete(key);
  }
}
