/** The table of topics, on the overview and on a page of its own. */

import { useMemo } from "preact/hooks";
import type { TopicRow } from "../api/types";
import { to } from "../router";
import { percentiles } from "../state/live";
import { TEXT } from "../text/en";
import { Badge, Mark } from "../ui/Badge";
import { Empty } from "../ui/Empty";
import { Num } from "../ui/Num";
import { useSparks } from "../ui/Spark";
import { Star } from "../ui/Star";
import { type Column, Table } from "../ui/Table";
import * as c from "./columns";

const entity = (row: TopicRow) => `topic:${row.topic}`;
const averageSize = (row: TopicRow) => (row.messages > 0 ? row.message_bytes / row.messages : null);
const optional = { optional: true };

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
        <c.PausedBadge paused={r.paused} />
        <c.EphemeralBadge name={r.topic} />
        {r.inactive && (
          <Badge status="unknown" title={TEXT.noProducers}>
            inactive
          </Badge>
        )}
      </>
    ),
  },
  c.rate("publish_rate", "Publish/s", { phone: true }),
  c.spark("publish", entity),
  c.sum("backlog", "Backlog", { phone: true }),
  c.trend(),
  c.spark("backlog", entity),
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
  c.count("worst_depth", "Its depth", {
    term: "depth",
    cell: (r) => (r.worst_channel ? <Num v={r.worst_depth} /> : <span class="zero">–</span>),
  }),
  c.count("channels", "Channels"),
  c.count("consumers", "Consumers", { phone: true }),
  c.count("nodes", "Nodes", {
    cell: (r) => <>{r.nodes < r.nodes_of && r.nodes > 0 ? `${r.nodes}/${r.nodes_of}` : <Num v={r.nodes} />}</>,
  }),
  c.sum("depth", "Topic depth", optional),
  c.count("memory_depth", "Memory", { ...optional, term: "memory" }),
  c.count("disk_depth", "Disk", { ...optional, term: "disk" }),
  c.count("messages", "Messages", optional),
  c.bytes("message_bytes", "Bytes", (r) => r.message_bytes),
  c.bytes("publish_bytes_rate", "Bytes/s", (r) => r.publish_bytes_rate),
  c.bytes("size", "Average size", averageSize),
  c.count("in_flight", "In flight", optional),
  c.count("deferred", "Deferred", optional),
  c.rate("out_rate", "Out/s", optional),
  ...c.moreRates<TopicRow>(),
  c.count("producers", "Producers", optional),
];

const FILTERS = c.filters<TopicRow>([
  { id: "backlog", label: "Backlog", test: (r) => r.backlog > 0 },
  { id: "no_channels", label: "No channels", test: (r) => r.channels === 0 && !r.inactive, quiet: true },
  { id: "no_consumers", label: "No consumers", test: (r) => r.consumers === 0 && !r.inactive, quiet: true },
  { id: "inactive", label: "Inactive", test: (r) => r.inactive, quiet: true },
]);

export function TopicsTable({ rows }: { rows: readonly TopicRow[] | null }) {
  const columns = useMemo(() => [...COLUMNS, ...c.latencyColumns<TopicRow>(true)], [percentiles.value]);
  const onShown = useSparks(["publish", "backlog"], entity);
  return (
    <Table
      id="topics"
      caption="Topics"
      rows={rows}
      rowKey={(r) => r.topic}
      columns={columns}
      onShown={onShown}
      order={{ column: "topic", descending: false }}
      filters={FILTERS}
      fields={(r) => ({
        text: r.topic,
        in: { topic: r.topic },
        is: { ...c.flags(r), inactive: r.inactive },
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
      {...c.acting<TopicRow>((r) => ({ topic: r.topic, isPaused: r.paused !== "no" }))}
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
