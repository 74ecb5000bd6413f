/** The table of channels: all of the cluster, or those of one topic. */

import type { ChannelRow } from "../api/types";
import { severityRank } from "../lib/sort";
import { to } from "../router";
import { isAdmin } from "../state/live";
import { favourites } from "../state/prefs";
import { rowItems } from "../ui/acts";
import { Mark } from "../ui/Badge";
import { BulkActs } from "../ui/BulkActs";
import { Empty } from "../ui/Empty";
import { Num, Rate, Saturation, Trend, Wait } from "../ui/Num";
import { Spark } from "../ui/Spark";
import { Star } from "../ui/Star";
import { type Column, type QuickFilter, Table } from "../ui/Table";
import { EphemeralBadge, latencyColumns, PausedBadge } from "./topics";

function isStalled(r: ChannelRow): boolean {
  return r.depth > 0 && r.paused === "no" && (r.consumers === 0 || r.out_rate === 0);
}

function nameColumn(ofOneTopic: boolean): Column<ChannelRow> {
  return {
    id: "channel",
    label: ofOneTopic ? "Channel" : "Topic / channel",
    term: "channel",
    value: (r) => (ofOneTopic ? r.channel : `${r.topic}/${r.channel}`),
    cell: (r) => (
      <>
        <Star name={`${r.topic}/${r.channel}`} />
        {!ofOneTopic && (
          <>
            <a class="name-topic" href={to.topic(r.topic)}>
              {r.topic}
            </a>
            <span class="slash">/</span>
          </>
        )}
        <a class="name" href={to.channel(r.topic, r.channel)}>
          {r.channel}
        </a>
        <Mark severity={r.problem} />
        <PausedBadge paused={r.paused} />
        <EphemeralBadge name={r.channel} />
      </>
    ),
  };
}

function mark(r: ChannelRow) {
  return r.partial ? ("≥" as const) : ("" as const);
}

const COLUMNS: Column<ChannelRow>[] = [
  {
    id: "depth",
    label: "Depth",
    term: "depth",
    numeric: true,
    phone: true,
    value: (r) => r.depth,
    cell: (r) => <Num v={r.depth} mark={mark(r)} />,
  },
  { id: "trend", label: "Trend", term: "trend", value: (r) => r.trend, cell: (r) => <Trend v={r.trend} /> },
  {
    id: "depth_spark",
    label: "15 min",
    value: (r) => r.depth,
    cell: (r) => <Spark values={r.depth_spark} />,
    fixed: true,
  },
  {
    id: "in_rate",
    label: "In/s",
    term: "in",
    numeric: true,
    value: (r) => r.in_rate,
    cell: (r) => <Rate v={r.in_rate} />,
  },
  {
    id: "out_rate",
    label: "Out/s",
    term: "out",
    numeric: true,
    phone: true,
    value: (r) => r.out_rate,
    cell: (r) => <Rate v={r.out_rate} />,
  },
  {
    id: "wait_s",
    label: "Wait",
    term: "wait",
    numeric: true,
    value: (r) => (r.wait_s === -1 ? Number.MAX_VALUE : r.wait_s),
    cell: (r) => <Wait depth={r.depth} out={r.out_rate} paused={r.paused === "all"} />,
  },
  { id: "in_flight", label: "In flight", term: "in_flight", numeric: true, value: (r) => r.in_flight },
  {
    id: "saturation",
    label: "Saturation",
    term: "saturation",
    value: (r) => r.saturation,
    cell: (r) => <Saturation part={r.saturation} />,
  },
  { id: "deferred", label: "Deferred", term: "deferred", numeric: true, value: (r) => r.deferred },
  { id: "requeued", label: "Requeued", term: "requeued", numeric: true, value: (r) => r.requeued },
  { id: "timed_out", label: "Timed out", term: "timed_out", numeric: true, value: (r) => r.timed_out },
  { id: "consumers", label: "Consumers", term: "consumers", numeric: true, phone: true, value: (r) => r.consumers },
];

const OPTIONAL: Column<ChannelRow>[] = [
  { id: "memory_depth", label: "Memory", term: "memory", numeric: true, optional: true, value: (r) => r.memory_depth },
  { id: "disk_depth", label: "Disk", term: "disk", numeric: true, optional: true, value: (r) => r.disk_depth },
  { id: "messages", label: "Messages", term: "messages", numeric: true, optional: true, value: (r) => r.messages },
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
  { id: "rdy", label: "RDY", term: "rdy", numeric: true, optional: true, value: (r) => r.rdy },
  {
    id: "nodes",
    label: "Nodes",
    term: "nodes",
    numeric: true,
    optional: true,
    value: (r) => r.nodes,
    cell: (r) => <>{`${r.nodes}/${r.nodes_of}`}</>,
  },
];

const FILTERS: QuickFilter<ChannelRow>[] = [
  { id: "starred", label: "★", test: (r) => favourites.value.includes(r.key), quiet: true },
  { id: "problems", label: "Problems", test: (r) => severityRank(r.problem) > 1 },
  { id: "backlog", label: "Depth", test: (r) => r.depth > 0 },
  { id: "stalled", label: "Stalled", test: isStalled, quiet: true },
  { id: "paused", label: "Paused", test: (r) => r.paused !== "no", quiet: true },
  { id: "no_consumers", label: "No consumers", test: (r) => r.consumers === 0, quiet: true },
  { id: "ephemeral", label: "Ephemeral", test: (r) => r.ephemeral, quiet: true },
];

/** Problems first, then what has most messages waiting. */
function worst(r: ChannelRow): number {
  const rank = severityRank(r.problem);
  return (rank > 1 ? rank : 0) * 1e15 + r.depth;
}

export function ChannelsTable({ rows, topic }: { rows: readonly ChannelRow[] | null; topic?: string }) {
  const ofOneTopic = topic !== undefined;
  const all = rows ?? [];
  const total = (pick: (r: ChannelRow) => number) => (
    <Num v={all.reduce((sum, r) => sum + pick(r), 0)} mark={all.some((r) => r.partial) ? "≥" : ""} />
  );
  const totals: Record<string, (r: ChannelRow) => number> = {
    depth: (r) => r.depth,
    in_flight: (r) => r.in_flight,
    deferred: (r) => r.deferred,
    requeued: (r) => r.requeued,
    timed_out: (r) => r.timed_out,
    consumers: (r) => r.consumers,
    messages: (r) => r.messages,
    memory_depth: (r) => r.memory_depth,
    disk_depth: (r) => r.disk_depth,
  };
  const optional = (column: Column<ChannelRow>): Column<ChannelRow> =>
    ofOneTopic || !["requeued", "timed_out", "deferred"].includes(column.id) ? column : { ...column, optional: true };
  const columns = [
    nameColumn(ofOneTopic),
    ...COLUMNS.map(optional),
    ...latencyColumns<ChannelRow>(!ofOneTopic),
    ...OPTIONAL,
  ];
  const withTotals = columns.map((column) => {
    const pick = totals[column.id];
    return ofOneTopic && pick ? { ...column, total: total(pick) } : column;
  });
  return (
    <Table
      id={ofOneTopic ? "topic-channels" : "channels"}
      caption={ofOneTopic ? `Channels of ${topic}` : "Channels"}
      rows={rows}
      rowKey={(r) => r.key}
      columns={withTotals}
      hasTotal={ofOneTopic}
      order={
        ofOneTopic ? { column: "channel", descending: false } : { column: "worst", descending: true, value: worst }
      }
      filters={FILTERS}
      fields={(r) => ({
        text: r.key,
        in: { topic: r.topic, channel: r.channel },
        is: {
          paused: r.paused !== "no",
          stalled: isStalled(r),
          ephemeral: r.ephemeral,
          problem: severityRank(r.problem) > 1,
        },
        number: {
          depth: r.depth,
          consumers: r.consumers,
          in_flight: r.in_flight,
          deferred: r.deferred,
          requeued: r.requeued,
          messages: r.messages,
          in: r.in_rate,
          out: r.out_rate,
        },
      })}
      href={(r) => to.channel(r.topic, r.channel)}
      menu={(r) => rowItems({ topic: r.topic, channel: r.channel, isPaused: r.paused !== "no" })}
      bulk={
        isAdmin.value
          ? (chosen, clear) => (
              <BulkActs
                subjects={chosen.map((r) => ({ topic: r.topic, channel: r.channel, isPaused: r.paused !== "no" }))}
                done={clear}
              />
            )
          : undefined
      }
      empty={
        <Empty title={ofOneTopic ? "No channels." : "No channels yet."}>
          <p>Messages wait in the topic until a channel exists. A consumer that subscribes creates its channel.</p>
        </Empty>
      }
    />
  );
}
