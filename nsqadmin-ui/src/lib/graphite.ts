/** Where Graphite keeps what a chart shows, if nsqd sends it there. */

import type { Meta } from "../api/types";

/** What nsqd calls a metric, and whether it counts up. */
const NAMES: Record<string, [name: string, counts: boolean]> = {
  publish: ["message_count", true],
  in: ["message_count", true],
  depth: ["depth", false],
  backlog: ["depth", false],
  disk: ["backend_depth", false],
  in_flight: ["in_flight_count", false],
  requeue: ["requeue_count", true],
  timeout: ["timeout_count", true],
  bytes: ["message_bytes", true],
};

/** `topic.orders` or `topic.orders.channel.billing`. */
function path(entity: string): string | null {
  const topic = /^topic:(.+)$/.exec(entity);
  if (topic) return `topic.${topic[1]}`;
  const channel = /^channel:([^/]+)\/(.+)$/.exec(entity);
  return channel ? `topic.${channel[1]}.channel.${channel[2]}` : null;
}

/** The expression for all nodes together; functions stand around the formatted key, never inside it. */
export function target(statsd: Meta["statsd"], entity: string, metric: string): string | null {
  const [name, counts] = NAMES[metric] ?? [];
  const where = path(entity);
  if (name === undefined || where === null) return null;
  const prefix = statsd.prefix.replace("%s", "*");
  const key = `${prefix}${prefix === "" || prefix.endsWith(".") ? "" : "."}${where}.${name}`.replace(
    /[^A-Za-z0-9_.*#-]/g,
    "",
  );
  const format = counts ? statsd.counter_format : statsd.gauge_format;
  const formatted = format.includes("%s") ? format.replace("%s", key) : key;
  const sum = `sumSeries(${formatted})`;
  return counts ? `scale(${sum},${1 / statsd.interval_s})` : sum;
}

/** The address of Graphite's picture of some lines; `null` without Graphite, or if it has none of them. */
export function renderUrl(
  meta: Pick<Meta, "graphite" | "statsd">,
  base: string,
  lines: readonly { entity: string; metric: string }[],
  seconds: number,
): string | null {
  const { mode, url } = meta.graphite;
  if (mode === "off") return null;
  const targets = lines.map(({ entity, metric }) => target(meta.statsd, entity, metric)).filter((t) => t !== null);
  if (targets.length === 0) return null;
  const query = new URLSearchParams({ from: `-${seconds}seconds`, until: "now", width: "800", height: "450" });
  for (const text of targets) query.append("target", text);
  return `${mode === "proxy" ? base : `${url.replace(/\/$/, "")}/`}render?${query}`;
}
