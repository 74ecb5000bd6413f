/**
 * Answers that are asked for again and again while somebody looks at them.
 *
 * One address is requested once, however many components show it. Nothing is requested while the tab is hidden or the
 * numbers are held, and after an outage only at the times of the back-off.
 */

import { effect, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { merge } from "../lib/columns";
import { held, hidden, noteAnswer, noteOutage, outage } from "../state/live";
import { interval } from "../state/prefs";
import { Failure, get } from "./client";
import type { Columnar, Envelope } from "./types";

/** A left page's answer is shown at once when it is opened again within this time. */
const KEEP_MS = 120_000;
/** Large answers are asked for less often: this times the time they took. */
const PATIENCE = 10;

export interface Resource<T> {
  envelope: Signal<Envelope<T> | null>;
  error: Signal<Failure | null>;
  refresh: () => void;
}

class Entry<T> implements Resource<T> {
  readonly envelope = signal<Envelope<T> | null>(null);
  readonly error = signal<Failure | null>(null);
  /** Least time between two requests, of each who looks. */
  readonly #viewers = new Map<symbol, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #abort: AbortController | null = null;
  #asked = 0;
  #cost = 0;
  #left = Date.now();

  /** `since` asks only for what has changed since a state, in answers that can say so. */
  constructor(
    readonly path: string,
    readonly since: (() => number | null) | null = null,
  ) {}

  get watched(): boolean {
    return this.#viewers.size > 0;
  }

  get expired(): boolean {
    return !this.watched && Date.now() - this.#left > KEEP_MS;
  }

  join(pace: number): () => void {
    const viewer = Symbol();
    this.#viewers.set(viewer, pace);
    this.schedule();
    return () => {
      this.#viewers.delete(viewer);
      if (this.watched) return;
      this.#left = Date.now();
      this.stop();
    };
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#abort?.abort();
    this.#abort = null;
  }

  /** Plans the next request; called again whenever something it depends on changed. */
  schedule(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.watched || this.#abort) return;
    const first = this.envelope.peek() === null && this.error.peek() === null;
    const away = outage.peek();
    if (hidden.peek()) return;
    if (!first && !away && (held.peek() || interval.peek() === 0)) return;
    const pace = Math.max(interval.peek(), Math.min(...this.#viewers.values()), this.#cost * PATIENCE);
    const due = away ? away.retryAt : first ? 0 : this.#asked + pace;
    this.#timer = setTimeout(() => void this.#ask(), Math.max(0, due - Date.now()));
  }

  readonly refresh = (): void => {
    this.stop();
    if (this.watched) void this.#ask();
  };

  #address(): string {
    const since = this.since?.() ?? null;
    return since === null ? this.path : `${this.path}${this.path.includes("?") ? "&" : "?"}since=${since}`;
  }

  async #ask(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    this.#asked = Date.now();
    try {
      const envelope = await get<T>(this.#address(), abort.signal);
      this.#cost = Date.now() - this.#asked;
      noteAnswer(envelope);
      this.envelope.value = envelope;
      this.error.value = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      const failure = error instanceof Failure ? error : new Failure(0, "INTERNAL", String(error));
      if (failure.unreachable) noteOutage();
      else noteAnswer(null);
      this.error.value = failure;
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
    this.schedule();
  }
}

const entries = new Map<string, Entry<unknown>>();

function entry<T>(path: string): Entry<T> {
  for (const [key, old] of entries) if (old.expired) entries.delete(key);
  let found = entries.get(path);
  if (!found) {
    found = new Entry<unknown>(path);
    entries.set(path, found);
  }
  return found as Entry<T>;
}

/** What is not asked for. */
const NOTHING: Resource<never> = { envelope: signal(null), error: signal(null), refresh: () => {} };

/**
 * An answer that is kept fresh while the component is shown. `pace`: at most once in so many milliseconds; without a path
 * nothing is asked for.
 */
export function useResource<T>(path: string | null, pace = 0): Resource<T> {
  const found = useMemo(() => (path === null ? null : entry<T>(path)), [path]);
  useEffect(() => found?.join(pace), [found, pace]);
  return found ?? NOTHING;
}

interface TableEntry<R> {
  rows: Signal<R[] | null>;
  source: Entry<Columnar>;
}

const tables = new Map<string, TableEntry<unknown>>();

function tableEntry<R extends { key: string }>(path: string): TableEntry<R> {
  const old = tables.get(path);
  if (old && !old.source.expired) return old as TableEntry<R>;
  let known = new Map<string, R>();
  let seq: number | null = null;
  const source = new Entry<Columnar>(path, () => seq);
  const rows = signal<R[] | null>(null);
  effect(() => {
    const envelope = source.envelope.value;
    if (!envelope) return;
    known = merge(known, envelope.data);
    seq = envelope.seq;
    rows.value = [...known.values()];
  });
  const made: TableEntry<R> = { rows, source };
  tables.set(path, made as TableEntry<unknown>);
  entries.set(path, source as Entry<unknown>);
  return made;
}

/** All rows of a table of `/api/ext`, of which only changes are sent after the first time. */
export function useTable<R extends { key: string }>(
  path: string,
  pace = 0,
): { rows: Signal<R[] | null> } & Resource<Columnar> {
  const { rows, source } = useMemo(() => tableEntry<R>(path), [path]);
  useEffect(() => source.join(pace), [source, pace]);
  return { rows, envelope: source.envelope, error: source.error, refresh: source.refresh };
}

/** Asks for everything on the screen now, for instance after an act. */
export function refreshAll(): void {
  for (const found of entries.values()) {
    if (found.watched) found.refresh();
    else {
      entries.delete(found.path);
      tables.delete(found.path);
    }
  }
}

export function startPoller(): void {
  const plan = () => {
    for (const found of entries.values()) found.schedule();
  };
  for (const gate of [hidden, held, interval, outage]) gate.subscribe(plan);
}
