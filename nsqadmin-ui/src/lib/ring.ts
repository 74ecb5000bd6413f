/** The last half hour of what somebody watches, for charts when nsqadmin itself remembers nothing. */

import type { Samples } from "../api/types";

/** How long samples are kept. */
export const SPAN_MS = 30 * 60_000;
/** More samples than two a second do not come. */
const SAMPLES = 3600;
/** Times between samples vary; a longer pause than so many of them is a gap. */
const GAP = 3;

export type Values = Record<string, number | null>;

interface Sample {
  at: number;
  values: Values;
}

/** The samples of one entity, oldest first. */
export class Ring {
  #samples: Sample[] = [];

  /** Takes a sample. One that is not newer than the last is the same answer again, or of a clock that was set back. */
  push(at: number, values: Values): void {
    const last = this.#samples.at(-1);
    if (last && at <= last.at) return;
    this.#samples.push({ at, values });
    const oldest = at - SPAN_MS;
    let gone = this.#samples.length - SAMPLES;
    while ((this.#samples[Math.max(0, gone)]?.at ?? at) < oldest) gone = Math.max(0, gone) + 1;
    if (gone > 0) this.#samples.splice(0, gone);
  }

  get latest(): number | null {
    return this.#samples.at(-1)?.at ?? null;
  }

  /** The usual time between the samples from one time to another. */
  pace(from: number, to: number): number {
    const inside = this.#inside(from, to);
    const pauses = inside.slice(1).map((s, i) => s.at - (inside[i]?.at ?? s.at));
    return pauses.sort((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0;
  }

  /** A metric at even distances; `null` where nothing is known for longer than samples are apart. */
  line(metric: string, from: number, to: number, step: number): Samples {
    const values: Samples = Array.from({ length: Math.floor((to - from) / step) + 1 }, () => null);
    let before: { at: number; place: number } | null = null;
    for (const { at, values: known } of this.#inside(from, to)) {
      const place = Math.floor((at - from) / step);
      const value = known[metric] ?? null;
      values[place] = value;
      // Samples come a little early or late; the places between two neighbours are no gap.
      if (before && at - before.at <= GAP * step) values.fill(value, before.place + 1, place);
      before = { at, place };
    }
    return values;
  }

  #inside(from: number, to: number): Sample[] {
    return this.#samples.filter((s) => s.at >= from && s.at <= to);
  }
}

const ENTITIES = 200;

/** The rings of several entities; those that were not seen for longest are dropped. */
export class Rings {
  readonly #rings = new Map<string, Ring>();

  push(entity: string, at: number, values: Values): void {
    const ring = this.#rings.get(entity) ?? new Ring();
    this.#rings.delete(entity);
    this.#rings.set(entity, ring);
    ring.push(at, values);
    const [oldest] = this.#rings.keys();
    if (this.#rings.size > ENTITIES && oldest !== undefined) this.#rings.delete(oldest);
  }

  get(entity: string): Ring | undefined {
    return this.#rings.get(entity);
  }
}
