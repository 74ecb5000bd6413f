import { useResource } from "../api/poller";
import type { NodeRow } from "../api/types";
import * as f from "../lib/format";
import { severityRank } from "../lib/sort";
import { to } from "../router";
import { meta, now } from "../state/live";
import { utc } from "../state/prefs";
import { nodeLabel } from "../tables/parts";
import { Badge, Mark } from "../ui/Badge";
import { Empty } from "../ui/Empty";
import { Ago, Bytes, Num, Rate } from "../ui/Num";
import { PageError } from "../ui/PageError";
import { type Column, type QuickFilter, Table } from "../ui/Table";

/** How a node is, in a word. */
export function NodeState({ node }: { node: NodeRow }) {
  if (!node.ok)
    return (
      <Badge status="unknown" title={node.error ?? undefined}>
        no answer{node.last_ok === null ? "" : `, last ${f.clock(node.last_ok, utc.value)}`}
      </Badge>
    );
  if (node.health !== "OK")
    return (
      <Badge status="crit" title={node.health}>
        unhealthy
      </Badge>
    );
  return <Badge status="ok">OK</Badge>;
}

export function VersionCell({ node }: { node: NodeRow }) {
  return (
    <>
      {node.version || "?"}
      {node.out_of_date && <Badge status="info">older than {node.newest}</Badge>}
    </>
  );
}

function known(pick: (n: NodeRow) => number | null): Pick<Column<NodeRow>, "value" | "cell" | "numeric"> {
  return {
    numeric: true,
    value: pick,
    cell: (n) =>
      !n.ok && n.last_ok === null ? <span class="unknown">?</span> : <Num v={pick(n)} mark={n.ok ? "" : "~"} />,
  };
}

function columns(): Column<NodeRow>[] {
  const withLookup = meta.value?.mode !== "nsqd";
  const all: (Column<NodeRow> | null)[] = [
    {
      id: "node",
      label: "Node",
      value: (n) => n.node,
      cell: (n) => (
        <>
          <a class="name" href={to.node(n.node)}>
            {nodeLabel(n.node, n.hostname)}
          </a>
          <Mark severity={n.problem} />
        </>
      ),
    },
    { id: "state", label: "State", value: (n) => (n.ok ? n.health : ""), cell: (n) => <NodeState node={n} /> },
    { id: "version", label: "Version", value: (n) => n.version, cell: (n) => <VersionCell node={n} /> },
    {
      id: "publish_rate",
      label: "Publish/s",
      term: "publish",
      numeric: true,
      phone: true,
      value: (n) => n.publish_rate,
      cell: (n) => (n.ok ? <Rate v={n.publish_rate} /> : <span class="unknown">?</span>),
    },
    { id: "depth", label: "Backlog", term: "backlog", ...known((n) => n.depth), phone: true },
    { id: "disk_depth", label: "On disk", term: "disk", ...known((n) => n.disk_depth) },
    {
      id: "topics",
      label: "Topics",
      ...known((n) => n.topics),
      cell: (n) => (
        <>
          <Num v={n.topics} mark={n.ok ? "" : "~"} />
          {n.tombstones.length > 0 && (
            <Badge status="info" title={n.tombstones.join(", ")}>
              {f.plural(n.tombstones.length, "tombstone")}
            </Badge>
          )}
        </>
      ),
    },
    { id: "channels", label: "Channels", ...known((n) => n.channels) },
    { id: "consumers", label: "Consumers", term: "consumers", ...known((n) => n.consumers), phone: true },
    { id: "producers", label: "Producers", term: "producers", ...known((n) => n.producers) },
    {
      id: "heap_bytes",
      label: "Heap",
      term: "heap",
      numeric: true,
      value: (n) => n.heap_bytes,
      cell: (n) => (n.heap_bytes === null ? <span class="zero">–</span> : <Bytes v={n.heap_bytes} />),
    },
    {
      id: "uptime",
      label: "Up",
      numeric: true,
      value: (n) => (n.started_at === null ? null : -n.started_at),
      cell: (n) => <Ago at={n.started_at} now={now.value} />,
    },
    withLookup
      ? {
          id: "lookupd",
          label: "Lookupd",
          term: "lookupd",
          numeric: true,
          value: (n) => n.known_to.length,
          cell: (n) =>
            n.known_to.length < n.known_to_of ? (
              <Badge status="warn" title={`known to ${n.known_to.join(", ") || "none"}`}>
                {`${n.known_to.length}/${n.known_to_of}`}
              </Badge>
            ) : (
              <span title={n.remote_addresses.join("\n")}>{`${n.known_to.length}/${n.known_to_of}`}</span>
            ),
        }
      : null,
    {
      id: "tcp_port",
      label: "TCP",
      numeric: true,
      optional: true,
      value: (n) => n.tcp_port,
      cell: (n) => <>{n.tcp_port}</>,
    },
    {
      id: "http_port",
      label: "HTTP",
      numeric: true,
      optional: true,
      value: (n) => n.http_port,
      cell: (n) => <>{n.http_port}</>,
    },
    { id: "broadcast_address", label: "Broadcast address", optional: true, value: (n) => n.broadcast_address },
    { id: "region", label: "Region", optional: true, value: (n) => n.region },
    { id: "zone", label: "Zone", optional: true, value: (n) => n.zone },
    { id: "in_flight", label: "In flight", optional: true, ...known((n) => n.in_flight) },
    { id: "deferred", label: "Deferred", optional: true, ...known((n) => n.deferred) },
    {
      id: "latency_ms",
      label: "Answer",
      numeric: true,
      optional: true,
      value: (n) => n.latency_ms,
      cell: (n) => <>{n.latency_ms === null ? "–" : f.duration(n.latency_ms / 1000)}</>,
    },
  ];
  return all.filter((c) => c !== null);
}

const FILTERS: QuickFilter<NodeRow>[] = [
  { id: "problems", label: "Problems", test: (n) => severityRank(n.problem) > 1 },
  { id: "silent", label: "No answer", test: (n) => !n.ok, quiet: true },
  { id: "old", label: "Older version", test: (n) => n.out_of_date, quiet: true },
];

export function Nodes() {
  const resource = useResource<{ nodes: NodeRow[] }>("nodes");
  const rows = resource.envelope.value?.data.nodes ?? null;
  return (
    <>
      <h1 tabIndex={-1}>Nodes{rows && <span class="title-count"> {rows.length}</span>}</h1>
      {rows === null && <PageError error={resource.error.value} />}
      <Table
        id="nodes"
        caption="Nodes"
        rows={rows}
        rowKey={(n) => n.node}
        columns={columns()}
        order={{ column: "node", descending: false }}
        filters={FILTERS}
        fields={(n) => ({
          text: `${n.node} ${n.hostname} ${n.region} ${n.zone} ${n.version}`,
          in: { version: n.version, region: n.region, zone: n.zone },
          number: { depth: n.depth, topics: n.topics, channels: n.channels, consumers: n.consumers },
        })}
        href={(n) => to.node(n.node)}
        empty={
          <Empty title="No nsqd is known.">
            <p>
              Start nsqd with <code>--lookupd-tcp-address</code>, or nsqadmin with <code>--nsqd-http-address</code>.
            </p>
          </Empty>
        }
      />
    </>
  );
}
