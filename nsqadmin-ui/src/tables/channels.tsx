/** The table of channels: all of the cluster, or those of one topic. */

import { useMemo } from "preact/hooks";
import type { ChannelRow } from "../api/types";
import { severityRank } from "../lib/sort";
import { to } from "../router";
import { percentiles } from "../state/live";
import { Mark } from "../ui/Badge";
import { Empty } from "../ui/Empty";
import { Num, Saturation, Wait } from "../ui/Num";
import { useSparks } from "../ui/Spark";
import { Star } from "../ui/Star";
import { type Column, Table } from "../ui/Table";
import * as c from "./columns";

const entity = (row: ChannelRow) => `channel:${row.topic}/${row.channel}`;
const optional = { optional: true };

function isStalled(r: ChannelRow): boolean {
  return r.depth > 0 && r.paused === "no" && (r.consumers === 0 || r.out_rate === 0);
}

function nameColumn(ofOneTopic: boolean): Column<ChannelRow> {
  return {
    id: "channel",
    label: ofOneTopic ? "Channel" : "Topic / channel",
    term: "channel",
    value: (r) => (ofOneTopic ? r.channel : r.key),
    cell: (r) => (
      <>
        <Star name={r.key} />
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
        <c.PausedBadge paused={r.paused} />
        <c.EphemeralBadge name={r.channel} />
      </>
    ),
  };
}

/** All columns. Of the whole cluster, what only grows is shown when it is chosen. */
function columnsOf(ofOneTopic: boolean): Column<ChannelRow>[] {
  const less = { optional: !ofOneTopic };
  return [
    nameColumn(ofOneTopic),
    c.sum("depth", "Depth", { phone: true }),
    c.trend(),
    c.spark("depth", entity),
    c.rate("in_rate", "In/s"),
    c.rate("out_rate", "Out/s", { phone: true }),
    {
      id: "wait_s",
      label: "Wait",
      term: "wait",
      numeric: true,
      value: (r) => (r.wait_s === -1 ? Number.MAX_VALUE : r.wait_s),
      cell: (r) => <Wait depth={r.depth} out={r.out_rate} paused={r.paused === "all"} />,
    },
    c.count("in_flight", "In flight"),
    c.count("saturation", "Saturation", { numeric: false, cell: (r) => <Saturation part={r.saturation} /> }),
    c.count("deferred", "Deferred", less),
    c.count("requeued", "Requeued", less),
    c.count("timed_out", "Timed out", less),
    c.count("consumers", "Consumers", { phone: true }),
    ...c.latencyColumns<ChannelRow>(!ofOneTopic),
    c.count("memory_depth", "Memory", { ...optional, term: "memory" }),
    c.count("disk_depth", "Disk", { ...optional, term: "disk" }),
    c.count("messages", "Messages", optional),
    ...c.moreRates<ChannelRow>(),
    c.count("rdy", "RDY", optional),
    c.count("nodes", "Nodes", { ...optional, cell: (r) => <>{`${r.nodes}/${r.nodes_of}`}</> }),
  ];
}

/** The columns that have a sum over the channels of a topic. */
const SUMMED = [
  "depth",
  "in_flight",
  "deferred",
  "requeued",
  "timed_out",
  "consumers",
  "messages",
  "memory_depth",
  "disk_depth",
] as const;

function withTotals(columns: Column<ChannelRow>[], rows: readonly ChannelRow[]): Column<ChannelRow>[] {
  const mark = rows.some((r) => r.partial) ? "≥" : "";
  return columns.map((column) => {
    const field = SUMMED.find((name) => name === column.id);
    if (field === undefined) return column;
    return { ...column, total: <Num v={rows.reduce((sum, r) => sum + r[field], 0)} mark={mark} /> };
  });
}

const FILTERS = c.filters<ChannelRow>([
  { id: "backlog", label: "Depth", test: (r) => r.depth > 0 },
  { id: "stalled", label: "Stalled", test: isStalled, quiet: true },
  { id: "no_consumers", label: "No consumers", test: (r) => r.consumers === 0, quiet: true },
]);

/** Problems first, then what has most messages waiting. */
function worst(r: ChannelRow): number {
  const rank = severityRank(r.problem);
  return (rank > 1 ? rank : 0) * 1e15 + r.depth;
}

export function ChannelsTable({ rows, topic }: { rows: readonly ChannelRow[] | null; topic?: string }) {
  const ofOneTopic = topic !== undefined;
  const columns = useMemo(() => columnsOf(ofOneTopic), [ofOneTopic, percentiles.value]);
  const onShown = useSparks(["depth"], entity);
  return (
    <Table
      id={ofOneTopic ? "topic-channels" : "channels"}
      caption={ofOneTopic ? `Channels of ${topic}` : "Channels"}
      rows={rows}
      rowKey={(r) => r.key}
      columns={ofOneTopic ? withTotals(columns, rows ?? []) : columns}
      onShown={onShown}
      hasTotal={ofOneTopic}
      order={
        ofOneTopic ? { column: "channel", descending: false } : { column: "worst", descending: true, value: worst }
      }
      filters={FILTERS}
      fields={(r) => ({
        text: r.key,
        in: { topic: r.topic, channel: r.channel },
        is: { ...c.flags(r), stalled: isStalled(r) },
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
      {...c.acting<ChannelRow>((r) => ({ topic: r.topic, channel: r.channel, isPaused: r.paused !== "no" }))}
      empty={
        <Empty title={ofOneTopic ? "No channels." : "No channels yet."}>
          <p>Messages wait in the topic until a channel exists. A consumer that subscribes creates its channel.</p>
        </Empty>
      }
    />
  );
}
