/** The table of topics, on the overview and on a page of its own. */

import type { Paused, TopicRow } from "../api/types";
import { isEphemeral } from "../lib/names";
import { severityRank } from "../lib/sort";
import { to } from "../router";
import { isAdmin, percentiles } from "../state/live";
import { favourites } from "../state/prefs";
import { EPHEMERAL, TEXT } from "../text/en";
import { rowItems } from "../ui/acts";
import { Badge, Mark } from "../ui/Badge";
import { BulkActs } from "../ui/BulkActs";
import { Empty } from "../ui/Empty";
import { Bytes, Latency, Num, Rate, Trend } from "../ui/Num";
import { Spark } from "../ui/Spark";
import { Star } from "../ui/Star";
import { type Column, type QuickFilter, Table } from "../ui/Table";

export function PausedBadge({ paused }: { paused: Paused | boolean }) {
  if (paused === "no" || paused === false) return null;
  return <Badge status="paused">{paused === "some" ? "paused on some nodes" : "paused"}</Badge>;
}

export function EphemeralBadge({ name }: { name: string }) {
  return isEphemeral(name) ? (
    <span class="tag" title={EPHEMERAL}>
      ephemeral
    </span>
  ) : null;
}

/** `p99` from 0.99. */
export function percentileName(quantile: number): string {
  return `p${Number((quantile * 100).toFixed(3))}`;
}

/** The latency columns; of more than two only the outer ones are shown until the others are chosen. */
export function latencyColumns<R extends { e2e_ns: (number | null)[] | null }>(isOptional: boolean): Column<R>[] {
  const last = percentiles.value.length - 1;
  return percentiles.value.map((quantile, i) => ({
    id: percentileName(quantile),
    label: percentileName(quantile),
    term: "e2e",
    numeric: true,
    optional: isOptional || (i > 0 && i < last),
    value: (row) => row.e2e_ns?.[i] ?? null,
    cell: (row) => <Latency v={row.e2e_ns?.[i]} />,
  }));
}

function sum(row: TopicRow) {
  return row.partial ? ("≥" as const) : ("" as const);
}

const COLUMNS: Column<TopicRow>[] = [
  {
    id: "topic",
    label: "Topic",
    term: "topic",
    value: (r) => r.topic,
    cell: (r) => (
      <>
        <Star name={r.topic} />
        <a class="name" href={to.topic(r.topic)}>
          {r.topic}
        </a>
        <Mark severity={r.problem} />
        <PausedBadge paused={r.paused} />
        <EphemeralBadge name={r.topic} />
        {r.inactive && (
          <Badge status="unknown" title={TEXT.noProducers}>
            inactive
          </Badge>
        )}
      </>
    ),
  },
  {
    id: "publish_rate",
    label: "Publish/s",
    term: "publish",
    numeric: true,
    phone: true,
    value: (r) => r.publish_rate,
    cell: (r) => <Rate v={r.publish_rate} />,
  },
  {
    id: "publish_spark",
    label: "15 min",
    value: (r) => r.publish_rate,
    cell: (r) => <Spark values={r.publish_spark} />,
    fixed: true,
  },
  {
    id: "backlog",
    label: "Backlog",
    term: "backlog",
    numeric: true,
    phone: true,
    value: (r) => r.backlog,
    cell: (r) => <Num v={r.backlog} mark={sum(r)} />,
  },
  { id: "trend", label: "Trend", term: "trend", value: (r) => r.trend, cell: (r) => <Trend v={r.trend} /> },
  {
    id: "backlog_spark",
    label: "15 min",
    value: (r) => r.backlog,
    cell: (r) => <Spark values={r.backlog_spark} />,
    fixed: true,
  },
  {
    id: "worst_channel",
    label: "Worst channel",
    term: "worst_channel",
    value: (r) => r.worst_channel,
    cell: (r) =>
      r.worst_channel ? (
        <a href={to.channel(r.topic, r.worst_channel)}>{r.worst_channel}</a>
      ) : (
        <span class="zero">–</span>
      ),
  },
  {
    id: "worst_depth",
    label: "Its depth",
    term: "depth",
    numeric: true,
    value: (r) => r.worst_depth,
    cell: (r) => (r.worst_channel ? <Num v={r.worst_depth} /> : <span class="zero">–</span>),
  },
  { id: "channels", label: "Channels", numeric: true, value: (r) => r.channels },
  { id: "consumers", label: "Consumers", term: "consumers", numeric: true, phone: true, value: (r) => r.consumers },
  {
    id: "nodes",
    label: "Nodes",
    term: "nodes",
    numeric: true,
    value: (r) => r.nodes,
    cell: (r) => <>{r.nodes < r.nodes_of && r.nodes > 0 ? `${r.nodes}/${r.nodes_of}` : <Num v={r.nodes} />}</>,
  },
  {
    id: "depth",
    label: "Topic depth",
    term: "depth",
    numeric: true,
    optional: true,
    value: (r) => r.depth,
    cell: (r) => <Num v={r.depth} mark={sum(r)} />,
  },
  { id: "memory_depth", label: "Memory", term: "memory", numeric: true, optional: true, value: (r) => r.memory_depth },
  { id: "disk_depth", label: "Disk", term: "disk", numeric: true, optional: true, value: (r) => r.disk_depth },
  { id: "messages", label: "Messages", term: "messages", numeric: true, optional: true, value: (r) => r.messages },
  {
    id: "message_bytes",
    label: "Bytes",
    numeric: true,
    optional: true,
    value: (r) => r.message_bytes,
    cell: (r) => <Bytes v={r.message_bytes} />,
  },
  {
    id: "publish_bytes_rate",
    label: "Bytes/s",
    term: "bytes",
    numeric: true,
    optional: true,
    value: (r) => r.publish_bytes_rate,
    cell: (r) => <Bytes v={r.publish_bytes_rate} />,
  },
  {
    id: "size",
    label: "Average size",
    numeric: true,
    optional: true,
    value: (r) => (r.messages > 0 ? r.message_bytes / r.messages : null),
    cell: (r) => <Bytes v={r.messages > 0 ? r.message_bytes / r.messages : 0} />,
  },
  { id: "in_flight", label: "In flight", term: "in_flight", numeric: true, optional: true, value: (r) => r.in_flight },
  { id: "deferred", label: "Deferred", term: "deferred", numeric: true, optional: true, value: (r) => r.deferred },
  {
    id: "out_rate",
    label: "Out/s",
    term: "out",
    numeric: true,
    optional: true,
    value: (r) => r.out_rate,
    cell: (r) => <Rate v={r.out_rate} />,
  },
  {
    id: "requeue_rate",
    label: "Requeue/s",
    term: "requeue_rate",
    numeric: true,
    optional: true,
    value: (r) => r.requeue_rate,
    cell: (r) => <Rate v={r.requeue_rate} />,
  },
  {
    id: "timeout_rate",
    label: "Timeout/s",
    term: "timeout_rate",
    numeric: true,
    optional: true,
    value: (r) => r.timeout_rate,
    cell: (r) => <Rate v={r.timeout_rate} />,
  },
  { id: "producers", label: "Producers", term: "producers", numeric: true, optional: true, value: (r) => r.producers },
];

const FILTERS: QuickFilter<TopicRow>[] = [
  { id: "starred", label: "★", test: (r) => favourites.value.includes(r.topic), quiet: true },
  { id: "problems", label: "Problems", test: (r) => severityRank(r.problem) > 1 },
  { id: "backlog", label: "Backlog", test: (r) => r.backlog > 0 },
  { id: "paused", label: "Paused", test: (r) => r.paused !== "no", quiet: true },
  { id: "no_channels", label: "No channels", test: (r) => r.channels === 0 && !r.inactive, quiet: true },
  { id: "no_consumers", label: "No consumers", test: (r) => r.consumers === 0 && !r.inactive, quiet: true },
  { id: "inactive", label: "Inactive", test: (r) => r.inactive, quiet: true },
  { id: "ephemeral", label: "Ephemeral", test: (r) => r.ephemeral, quiet: true },
];

export function TopicsTable({ rows }: { rows: readonly TopicRow[] | null }) {
  return (
    <Table
      id="topics"
      caption="Topics"
      rows={rows}
      rowKey={(r) => r.topic}
      columns={[...COLUMNS, ...latencyColumns<TopicRow>(true)]}
      order={{ column: "topic", descending: false }}
      filters={FILTERS}
      fields={(r) => ({
        text: r.topic,
        in: { topic: r.topic },
        is: {
          paused: r.paused !== "no",
          ephemeral: r.ephemeral,
          inactive: r.inactive,
          problem: severityRank(r.problem) > 1,
        },
        number: {
          depth: r.depth,
          backlog: r.backlog,
          consumers: r.consumers,
          channels: r.channels,
          messages: r.messages,
          nodes: r.nodes,
          rate: r.publish_rate,
        },
      })}
      href={(r) => to.topic(r.topic)}
      menu={(r) => rowItems({ topic: r.topic, isPaused: r.paused !== "no" })}
      bulk={
        isAdmin.value
          ? (chosen, clear) => (
              <BulkActs subjects={chosen.map((r) => ({ topic: r.topic, isPaused: r.paused !== "no" }))} done={clear} />
            )
          : undefined
      }
      empty={
        <Empty title="No topics yet.">
          <p>
            A topic begins with its first message: <code>curl -d hello http://nsqd:4151/pub?topic=test</code>
          </p>
        </Empty>
      }
    />
  );
}
