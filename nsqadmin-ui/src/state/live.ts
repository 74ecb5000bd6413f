/** Whether, and how fresh, the numbers on the screen are. */

import { computed, signal } from "@preact/signals";
import type { Envelope, Meta, Source } from "../api/types";
import { boot } from "../boot";
import { interval } from "./prefs";

/** Seconds between attempts to reach nsqadmin again. */
const BACK_OFF_S = [1, 2, 4, 8, 15];

/** Ticks once a second while the page can be seen. */
export const now = signal(Date.now());

/** The user froze the numbers. */
export const held = signal(new URLSearchParams(location.search).get("live") === "0");

export const hidden = signal(false);

/** When the latest answer came. */
export const lastAnswer = signal(Date.now());

export const meta = signal<Meta | null>(boot.meta ?? null);
export const sources = signal<Source[]>([]);
export const upstreams = signal<Envelope<unknown>["upstreams"] | null>(null);

/** nsqadmin does not answer since; next attempt at. */
export const outage = signal<{ since: number; attempt: number; retryAt: number } | null>(null);

export const isAdmin = computed(() => meta.value?.can.act ?? false);
/** Acts make no sense while nsqadmin is away. */
export const canAct = computed(() => isAdmin.value && outage.value === null);

export const percentiles = computed(() => meta.value?.percentiles ?? []);

export type Pulse = "live" | "held" | "stale" | "offline" | "off";

export const staleFor = computed(() => Math.max(0, now.value - lastAnswer.value));

export const pulse = computed<Pulse>(() => {
  if (outage.value) return "offline";
  if (held.value) return "held";
  if (interval.value === 0) return "off";
  return staleFor.value > Math.max(3 * interval.value, 9000) ? "stale" : "live";
});

/** nsqadmin answered, and possibly with data. */
export function noteAnswer(envelope: Envelope<unknown> | null): void {
  lastAnswer.value = Date.now();
  outage.value = null;
  if (!envelope?.upstreams) return;
  sources.value = envelope.sources;
  upstreams.value = envelope.upstreams;
}

export function noteOutage(): void {
  const before = outage.value;
  // Everything on the page fails at once; that is one attempt.
  if (before && Date.now() < before.retryAt) return;
  const attempt = before ? before.attempt + 1 : 0;
  const delay = BACK_OFF_S[Math.min(attempt, BACK_OFF_S.length - 1)] ?? 15;
  outage.value = { since: before?.since ?? Date.now(), attempt, retryAt: Date.now() + delay * 1000 };
}

export function startClock(): void {
  hidden.value = document.hidden;
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    hidden.value = document.hidden;
    now.value = Date.now();
  });
}
