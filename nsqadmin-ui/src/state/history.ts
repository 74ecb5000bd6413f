/** Samples that this browser keeps of what it shows, for when nsqadmin keeps none (`--stats-interval=0`). */

import { computed } from "@preact/signals";
import type { ChannelRow, Envelope, NodeRow, Overview, SeriesData, TopicRow } from "../api/types";
import { Rings, SPAN_MS, type Values } from "../lib/ring";
import { meta } from "./live";

const rings = new Rings();

/** Whether charts are made of the samples of this browser. */
export const isKeeping = computed(() => meta.value?.stats_interval_ms === 0);

function keep(entity: string, envelope: Envelope<unknown>, values: Values): void {
  if (isKeeping.peek()) rings.push(entity, envelope.at, values);
}

export function keepCluster(envelope: Envelope<Overview>): void {
  const { totals } = envelope.data;
  keep("cluster", envelope, { publish: totals.publish_rate, out: totals.out_rate, backlog: totals.depth });
}

export function keepTopic(row: TopicRow, envelope: Envelope<unknown>): void {
  keep(`topic:${row.topic}`, envelope, {
    publish: row.publish_rate,
    bytes: row.publish_bytes_rate,
    out: row.out_rate,
    backlog: row.backlog,
    depth: row.depth,
    in_flight: row.in_flight,
    requeue: row.requeue_rate,
    timeout: row.timeout_rate,
  });
}

export function keepChannel(row: ChannelRow, envelope: Envelope<unknown>): void {
  keep(`channel:${row.topic}/${row.channel}`, envelope, {
    depth: row.depth,
    in: row.in_rate,
    out: row.out_rate,
    in_flight: row.in_flight,
    requeue: row.requeue_rate,
    timeout: row.timeout_rate,
    disk: row.disk_depth,
  });
}

export function keepNode(row: NodeRow, envelope: Envelope<unknown>): void {
  keep(`node:${row.node}`, envelope, { publish: row.publish_rate, backlog: row.depth, heap: row.heap_bytes });
}

const POINTS = 300;

/** What nsqadmin would answer to the same question. */
export function kept(wanted: readonly { entity: string; metric: string }[], spanMs: number): SeriesData {
  const found = wanted.map((line) => ({ ...line, ring: rings.get(line.entity) }));
  const known = found.flatMap(({ ring }) => (ring ? [ring] : []));
  const to = Math.max(0, ...known.map((ring) => ring.latest ?? 0));
  const from = to - Math.min(spanMs, SPAN_MS);
  const step = Math.max(1000, Math.ceil((to - from) / POINTS), ...known.map((ring) => ring.pace(from, to)));
  const series = found.map(({ entity, metric, ring }) => ({
    entity,
    metric,
    values: ring?.line(metric, from, to, step) ?? [],
  }));
  return { from, step_ms: step, series };
}
