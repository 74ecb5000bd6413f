/** One tail: its stream of messages, and what is kept of it. */

import { type Signal, signal } from "@preact/signals";
import { encode, Failure, send } from "../../api/client";
import type { TailMessage, TailOpen } from "../../api/types";
import { base } from "../../boot";

/** So many messages stay on the screen; older ones go. */
export const KEPT_MAX = 1000;
/** A hidden tab stops tailing after this time. */
const HIDDEN_MS = 120_000;
/** The screen follows the stream at most so often. */
const PAINT_MS = 200;

export interface Kept extends TailMessage {
  number: number;
}

export type TailState =
  | { step: "idle" }
  | { step: "starting" }
  | { step: "running"; open: TailOpen }
  | { step: "ended"; open: TailOpen; reason: string; detail: string }
  | { step: "refused"; code: string; detail: string };

export class TailSession {
  readonly state: Signal<TailState> = signal<TailState>({ step: "idle" });
  readonly messages = signal<readonly Kept[]>([]);
  readonly received = signal(0);
  readonly skipped = signal(0);
  readonly rate = signal(0);
  /** Nodes that left meanwhile, and why. */
  readonly lost = signal<readonly string[]>([]);
  #stream: EventSource | null = null;
  #pending: Kept[] = [];
  #paint: ReturnType<typeof setInterval> | null = null;
  #hidden: ReturnType<typeof setTimeout> | null = null;
  #arrivals: number[] = [];
  /** What the screen has not been told yet. */
  #count = 0;
  #skipped = 0;

  constructor(readonly topic: string) {}

  async start(rate: number, sampleRate: number): Promise<void> {
    this.state.value = { step: "starting" };
    this.messages.value = [];
    this.#count = 0;
    this.#skipped = 0;
    this.received.value = 0;
    this.skipped.value = 0;
    this.lost.value = [];
    try {
      const open = await send<TailOpen>("POST", "tail", { topic: this.topic, rate, sample_rate: sampleRate });
      this.state.value = { step: "running", open };
      this.#listen(open);
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(0, "INTERNAL", String(error));
      this.state.value = { step: "refused", code: failure.code, detail: failure.message };
    }
  }

  #listen(open: TailOpen): void {
    const stream = new EventSource(`${base}api/ext/tail/${encode(open.id)}`);
    this.#stream = stream;
    const on = <T>(name: string, handle: (data: T) => void) =>
      stream.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as T));
    on<TailMessage>("msg", (message) => {
      this.#count += 1;
      this.#arrivals.push(Date.now());
      this.#pending.push({ ...message, number: this.#count });
      if (this.#pending.length > KEPT_MAX) this.#pending.shift();
    });
    on<{ rate_limited?: number }>("skip", ({ rate_limited: count = 0 }) => {
      this.#skipped += count;
    });
    on<{ node: string; ok: boolean; reason?: string }>("node", ({ node, ok, reason }) => {
      if (!ok) this.lost.value = [...this.lost.value, `${node}: ${reason ?? "disconnected"}`];
    });
    on<{ reason: string; detail?: string }>("end", ({ reason, detail }) => this.#end(open, reason, detail ?? ""));
    stream.onerror = () => {
      // A stream that ended must not be opened again: a session has one.
      if (this.state.value.step === "running") this.#end(open, "upstream", "The connection to nsqadmin was lost.");
    };
    this.#paint = setInterval(() => this.#flush(), PAINT_MS);
    document.addEventListener("visibilitychange", this.#onVisibility);
    addEventListener("pagehide", this.#onLeave);
  }

  readonly #onVisibility = (): void => {
    if (this.#hidden) clearTimeout(this.#hidden);
    this.#hidden = document.hidden ? setTimeout(() => void this.stop(), HIDDEN_MS) : null;
  };

  readonly #onLeave = (): void => void this.stop();

  #flush(): void {
    const now = Date.now();
    this.#arrivals = this.#arrivals.filter((at) => now - at < 3000);
    this.rate.value = this.#arrivals.length / 3;
    this.received.value = this.#count;
    this.skipped.value = this.#skipped;
    if (this.#pending.length === 0) return;
    this.messages.value = [...this.#pending.reverse(), ...this.messages.value].slice(0, KEPT_MAX);
    this.#pending = [];
  }

  #end(open: TailOpen, reason: string, detail: string): void {
    this.#close();
    this.state.value = { step: "ended", open, reason, detail };
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = null;
    if (this.#paint) clearInterval(this.#paint);
    if (this.#hidden) clearTimeout(this.#hidden);
    document.removeEventListener("visibilitychange", this.#onVisibility);
    removeEventListener("pagehide", this.#onLeave);
    this.#flush();
    this.rate.value = 0;
  }

  async stop(): Promise<void> {
    const { value } = this.state;
    if (value.step !== "running") return;
    this.#end(value.open, "stopped", "");
    try {
      await send("DELETE", `tail/${encode(value.open.id)}`, {});
    } catch {
      // The server notices the closed stream as well.
    }
  }
}
