/** A topic or a channel on each of its nodes. */

import type { ChannelDetail, ChannelNode, ChannelRow, TopicDetail, TopicNode } from "../api/types";
import * as f from "../lib/format";
import { to } from "../router";
import { isAdmin, meta } from "../state/live";
import { utc } from "../state/prefs";
import { refusal } from "../ui/acts";
import { Badge } from "../ui/Badge";
import { act } from "../ui/Confirm";
import { Empty } from "../ui/Empty";
import { Bytes, Latency, Num, Rate } from "../ui/Num";
import { type Column, Table } from "../ui/Table";
import { percentileName } from "./columns";

interface Part {
  node: string;
  hostname: string;
  ok: boolean;
  at: number | null;
  paused: boolean;
  e2e_ns: (number | null)[] | null;
  /** The node has the topic and not the channel. */
  missing?: boolean;
}

/** `host:port`, with the address nsqd announces in brackets when it is another. */
export function nodeLabel(node: string, hostname: string): string {
  const colon = node.lastIndexOf(":");
  const host = node.slice(0, colon);
  return hostname === "" || hostname === host ? node : `${hostname}${node.slice(colon)} (${host})`;
}

function NodeName({ part }: { part: Part }) {
  return (
    <>
      <a class="name" href={to.node(part.node)}>
        {nodeLabel(part.node, part.hostname)}
      </a>
      {part.paused && <Badge status="paused">paused</Badge>}
      {part.missing && <Badge status="warn">no such channel here</Badge>}
      {!part.ok && (
        <Badge status="unknown" title={part.at === null ? undefined : `last known ${f.stamp(part.at, utc.value)}`}>
          no answer{part.at === null ? "" : `, last known ${f.clock(part.at, utc.value)}`}
        </Badge>
      )}
    </>
  );
}

/** Values of a silent node are marked as the last known. */
function known<R extends Part>(pick: (r: R) => number): Pick<Column<R>, "value" | "cell" | "numeric"> {
  return {
    numeric: true,
    value: pick,
    cell: (r) =>
      r.missing ? (
        <span class="zero">–</span>
      ) : (!r.ok && r.at === null) || pick(r) === undefined ? (
        <span class="unknown">?</span>
      ) : (
        <Num v={pick(r)} mark={r.ok ? "" : "~"} />
      ),
  };
}

function rated<R extends Part>(pick: (r: R) => number | null): Pick<Column<R>, "value" | "cell" | "numeric"> {
  return {
    numeric: true,
    value: pick,
    cell: (r) =>
      r.missing ? <span class="zero">–</span> : r.ok ? <Rate v={pick(r)} /> : <span class="unknown">?</span>,
  };
}

/** Percentiles of each node; the total is the worst of them, because a percentile cannot be averaged. */
function latencies<R extends Part>(parts: readonly R[]): Column<R>[] {
  return (meta.value?.percentiles ?? []).map((quantile, i) => {
    const values = parts.map((p) => p.e2e_ns?.[i] ?? null).filter((v) => v !== null);
    const title = parts.map((p) => `${p.node}: ${f.latency(p.e2e_ns?.[i])}`).join("\n");
    return {
      id: percentileName(quantile),
      label: percentileName(quantile),
      term: "e2e",
      group: "End to end, worst node",
      numeric: true,
      value: (r) => r.e2e_ns?.[i] ?? null,
      cell: (r) => <Latency v={r.e2e_ns?.[i]} />,
      total: (
        <span title={title}>
          <Latency v={values.length > 0 ? Math.max(...values) : null} />
        </span>
      ),
    };
  });
}

function totals<R extends Part>(parts: readonly R[]) {
  const mark = parts.every((p) => p.ok && (p.missing || p.e2e_ns !== undefined)) ? "" : "≥";
  return (pick: (r: R) => number) => <Num v={parts.reduce((sum, p) => sum + (pick(p) ?? 0), 0)} mark={mark} />;
}

function rateTotal<R extends Part>(parts: readonly R[], pick: (r: R) => number | null) {
  const values = parts.map(pick).filter((v) => v !== null);
  return <Rate v={values.length > 0 ? values.reduce((a, b) => a + b, 0) : null} />;
}

const NO_NODES = <Empty title="No nsqd has it now." />;

export function TopicNodesTable({ data, channels }: { data: TopicDetail; channels: readonly ChannelRow[] }) {
  const { nodes, topic } = data;
  const total = totals(nodes);
  const number = (id: string, label: string, term: string, pick: (n: TopicNode) => number): Column<TopicNode> => ({
    id,
    label,
    term,
    ...known(pick),
    total: total(pick),
    phone: id === "depth" || id === "messages",
  });
  const columns: Column<TopicNode>[] = [
    {
      id: "node",
      label: "Node",
      value: (n) => n.node,
      cell: (n) => (
        <>
          <NodeName part={n} />
          {n.tombstoned && <Badge status="info">tombstoned</Badge>}
        </>
      ),
    },
    number("depth", "Depth", "depth", (n) => n.depth),
    number("memory_depth", "Memory", "memory", (n) => n.memory_depth),
    number("disk_depth", "Disk", "disk", (n) => n.disk_depth),
    {
      id: "publish_rate",
      label: "Publish/s",
      term: "publish",
      ...rated<TopicNode>((n) => n.publish_rate),
      phone: true,
      total: rateTotal(nodes, (n) => n.publish_rate),
    },
    number("messages", "Messages", "messages", (n) => n.messages),
    {
      id: "message_bytes",
      label: "Bytes",
      numeric: true,
      value: (n) => n.message_bytes,
      cell: (n) => <Bytes v={n.message_bytes} />,
      total: <Bytes v={nodes.reduce((sum, n) => sum + (n.message_bytes ?? 0), 0)} />,
    },
    {
      id: "channels",
      label: "Channels",
      numeric: true,
      value: (n) => n.channels,
      cell: (n) => <ChannelCount part={n} />,
      total: <Num v={channels.length} />,
    },
    ...latencies(nodes),
  ];
  const canTombstone = isAdmin.value && meta.value?.mode === "lookupd";
  return (
    <Table
      id="topic-nodes"
      caption={`Nodes of ${topic}`}
      rows={nodes}
      rowKey={(n) => n.node}
      columns={columns}
      hasTotal
      order={{ column: "node", descending: false }}
      fields={(n) => ({ text: `${n.node} ${n.hostname}`, number: { depth: n.depth } })}
      href={(n) => to.node(n.node)}
      menu={
        canTombstone
          ? (n) => [
              { label: "Open node", href: to.node(n.node) },
              {
                label: "Tombstone…",
                danger: true,
                disabled: refusal(),
                run: () => act("tombstone", [{ topic, node: n.node }]),
              },
            ]
          : undefined
      }
      plain
      empty={NO_NODES}
    />
  );
}

/** How many channels a node has, and which it lacks. */
function ChannelCount({ part }: { part: TopicNode }) {
  const missing = part.missing_channels ?? [];
  return (
    <>
      <Num v={part.channels} />
      {missing.length > 0 && (
        <Badge status="warn" title={missing.join(", ")}>
          missing: {missing.slice(0, 2).join(", ")}
          {missing.length > 2 ? ` +${missing.length - 2}` : ""}
        </Badge>
      )}
    </>
  );
}

const QUEUES = "Message queues";
const STATISTICS = "Statistics";

export function ChannelNodesTable({ data }: { data: ChannelDetail }) {
  const { nodes, topic, channel } = data;
  const total = totals(nodes);
  const number = (
    id: string,
    label: string,
    term: string,
    group: string,
    pick: (n: ChannelNode) => number,
  ): Column<ChannelNode> => ({
    id,
    label,
    term,
    group,
    ...known(pick),
    total: total(pick),
    phone: id === "depth" || id === "in_flight",
  });
  const rate = (id: string, label: string, pick: (n: ChannelNode) => number | null): Column<ChannelNode> => ({
    id,
    label,
    term: id.replace("_rate", ""),
    group: STATISTICS,
    ...rated(pick),
    total: rateTotal(nodes, pick),
    phone: id === "out_rate",
  });
  const delivery: Column<ChannelNode>[] = nodes.some((n) => n.delivery)
    ? [
        {
          id: "delivery",
          label: "Delivery",
          term: "delivery",
          group: STATISTICS,
          value: (n) => n.delivery?.zone ?? null,
          cell: (n) => <Delivery counts={n.delivery} />,
          total: <Delivery counts={sumDelivery(nodes)} />,
        },
      ]
    : [];
  const columns: Column<ChannelNode>[] = [
    { id: "node", label: "Node", value: (n) => n.node, cell: (n) => <NodeName part={n} /> },
    number("depth", "Depth", "depth", QUEUES, (n) => n.depth),
    number("memory_depth", "Memory", "memory", QUEUES, (n) => n.memory_depth),
    number("disk_depth", "Disk", "disk", QUEUES, (n) => n.disk_depth),
    number("in_flight", "In flight", "in_flight", QUEUES, (n) => n.in_flight),
    number("deferred", "Deferred", "deferred", QUEUES, (n) => n.deferred),
    rate("in_rate", "In/s", (n) => n.in_rate),
    rate("out_rate", "Out/s", (n) => n.out_rate),
    number("requeued", "Requeued", "requeued", STATISTICS, (n) => n.requeued),
    number("timed_out", "Timed out", "timed_out", STATISTICS, (n) => n.timed_out),
    number("messages", "Messages", "messages", STATISTICS, (n) => n.messages),
    number("consumers", "Connections", "connections", STATISTICS, (n) => n.consumers),
    ...delivery,
    ...latencies(nodes),
  ];
  return (
    <Table
      id="channel-nodes"
      caption={`Nodes of ${topic} / ${channel}`}
      rows={nodes}
      rowKey={(n) => n.node}
      columns={columns}
      hasTotal
      order={{ column: "node", descending: false }}
      fields={(n) => ({ text: `${n.node} ${n.hostname}`, number: { depth: n.depth } })}
      href={(n) => to.node(n.node)}
      plain
      empty={NO_NODES}
    />
  );
}

type Counts = NonNullable<ChannelNode["delivery"]>;

function sumDelivery(nodes: readonly ChannelNode[]): Counts {
  const sum = { zone: 0, region: 0, global: 0 };
  for (const { delivery } of nodes) {
    sum.zone += delivery?.zone ?? 0;
    sum.region += delivery?.region ?? 0;
    sum.global += delivery?.global ?? 0;
  }
  return sum;
}

/** Where messages went: three parts, in pattern and in words. */
function Delivery({ counts }: { counts: Counts | null }) {
  const all = counts ? counts.zone + counts.region + counts.global : 0;
  if (!counts || all === 0) return <span class="zero">–</span>;
  const parts = [
    ["zone", "●", counts.zone],
    ["region", "◐", counts.region],
    ["global", "○", counts.global],
  ] as const;
  const title = parts.map(([name, , n]) => `${name}: ${f.percent(n / all)} (${f.exact(n)})`).join("\n");
  return (
    <span class="delivery" title={title}>
      <span class="delivery-bar" aria-hidden="true">
        {parts.map(([name, , n]) => (
          <span key={name} class={`delivery-${name}`} style={{ width: `${(n / all) * 100}%` }} />
        ))}
      </span>
      {parts.map(([name, glyph, n]) => (
        <span key={name}>
          <span aria-hidden="true">{glyph}</span>
          <span class="sr">{name} </span>
          {Math.round((n / all) * 100)}%{" "}
        </span>
      ))}
    </span>
  );
}
