import { useEffect } from "preact/hooks";
import { encode } from "../api/client";
import { useResource } from "../api/poller";
import type { Connection, NodeChannel, NodeDetail, NodeTopic, Producer } from "../api/types";
import { decode } from "../lib/columns";
import * as f from "../lib/format";
import { query, route, to } from "../router";
import { keepNode } from "../state/history";
import { isAdmin, meta, now } from "../state/live";
import { utc } from "../state/prefs";
import { copy } from "../state/toasts";
import { ConnectionsTable, ProducersTable } from "../tables/clients";
import { nodeLabel } from "../tables/parts";
import { refusal } from "../ui/acts";
import { Badge } from "../ui/Badge";
import { Charts } from "../ui/Chart";
import { act } from "../ui/Confirm";
import { Empty, Skeleton } from "../ui/Empty";
import { Icon } from "../ui/Icon";
import { Facts } from "../ui/Kpi";
import { openMenu } from "../ui/Menu";
import { Bytes, Num, Rate } from "../ui/Num";
import { ProblemList } from "../ui/Problems";
import { type Column, Table } from "../ui/Table";
import { Crumbs, Tabs } from "../ui/Tabs";
import { NodeState, VersionCell } from "./Nodes";
import { Missing } from "./NotFound";

export function Node() {
  const name = route.value.params["node"] ?? "";
  const resource = useResource<NodeDetail>(`nodes/${encode(name)}`);
  const envelope = resource.envelope.value;
  useEffect(() => {
    if (envelope) keepNode(envelope.data.node, envelope);
  }, [envelope]);
  const data = envelope?.data;
  const crumbs = (
    <Crumbs>
      <a href={to.nodes()}>Nodes</a>
      <span aria-hidden="true"> / </span>
      <span>{name}</span>
    </Crumbs>
  );
  return (
    <>
      {crumbs}
      {data ? (
        <View name={name} data={data} />
      ) : (
        <>
          <h1 tabIndex={-1}>{name}</h1>
          {resource.error.value ? (
            <Missing error={resource.error.value} what={`node ${name}`} link={to.node} />
          ) : (
            <Skeleton />
          )}
        </>
      )}
    </>
  );
}

function View({ name, data }: { name: string; data: NodeDetail }) {
  const { node, topics, problems } = data;
  const tab = query.value.get("tab") ?? "topics";
  const connections = decode<Connection>(data.connections);
  const producers = decode<Producer>(data.producers);
  const mark = node.ok ? "" : "~";
  const isLookup = meta.value?.mode !== "nsqd";
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>{nodeLabel(name, node.hostname)}</h1>
        <NodeState node={node} />
        <span class="muted">
          <VersionCell node={node} />
          {(node.region || node.zone) && ` · ${[node.region, node.zone].filter(Boolean).join(" / ")}`}
          {node.started_at !== null && (
            <span title={f.stamp(node.started_at, utc.value)}>
              {" "}
              · up {f.duration((now.value - node.started_at) / 1000)}
            </span>
          )}
        </span>
        <span class="spring" />
        <button
          type="button"
          class="button quiet"
          aria-haspopup="menu"
          onClick={(event) =>
            openMenu(event.currentTarget, "Copy", [
              { label: "Copy address", hint: name, run: () => void copy(name, name) },
              {
                label: "curl: statistics",
                run: () => void copy(`curl http://${name}/stats?format=json`, "the command"),
              },
              { label: "curl: health", run: () => void copy(`curl http://${name}/ping`, "the command") },
            ])
          }
        >
          <Icon name="copy" /> Copy
        </button>
      </div>
      {node.health !== "OK" && node.ok && <p class="crit-text">{node.health}</p>}
      <ProblemList problems={problems} />
      <Facts
        items={[
          ["Publish", <>{f.perSecond(node.publish_rate)}</>],
          ["Backlog", <Num key="b" v={node.depth} mark={mark} />],
          ["Memory", <Num key="m" v={node.memory_depth} mark={mark} />],
          ["Disk", <Num key="d" v={node.disk_depth} mark={mark} />],
          ["In flight", <Num key="i" v={node.in_flight} mark={mark} />],
          ["Deferred", <Num key="e" v={node.deferred} mark={mark} />],
          ["Messages", <Num key="n" v={node.messages} mark={mark} />],
          ["Consumers", <Num key="c" v={node.consumers} mark={mark} />],
        ]}
      />
      <SafeToStop data={data} />
      <Tabs
        label="Node"
        current={tab}
        link={(id) => to.node(name, { tab: id })}
        tabs={[
          { id: "topics", label: "Topics", count: topics.length },
          { id: "consumers", label: "Consumers", count: connections.length },
          { id: "producers", label: "Producers", count: producers.length },
          { id: "memory", label: "Memory" },
          ...(isLookup ? [{ id: "registration", label: "Registration" }] : []),
        ]}
      />
      {tab === "topics" && <NodeTopics name={name} topics={topics} />}
      {tab === "consumers" && <ConnectionsTable rows={connections} />}
      {tab === "producers" && <ProducersTable rows={producers} />}
      {tab === "memory" && <MemoryPanel name={name} data={data} />}
      {tab === "registration" && <Registration data={data} />}
    </>
  );
}

/** What would be lost or cut off if this process stopped now. */
function SafeToStop({ data }: { data: NodeDetail }) {
  const {
    safe,
    messages,
    in_flight: inFlight,
    deferred,
    only_here: only,
    ephemeral,
    clients_only_here: clients,
  } = data.safe_to_stop;
  const reasons = [
    messages + inFlight + deferred > 0 &&
      `${f.plural(messages, "message")}${inFlight > 0 ? `, ${f.exact(inFlight)} in flight` : ""}${deferred > 0 ? `, ${f.exact(deferred)} deferred` : ""} stay on this node`,
    only.length > 0 && `${f.plural(only.length, "channel")} ${only.length === 1 ? "exists" : "exist"} only here`,
    ephemeral.length > 0 && `${f.plural(ephemeral.length, "ephemeral queue")} would be lost`,
    clients > 0 && `${f.plural(clients, "consumer")} ${clients === 1 ? "is" : "are"} connected nowhere else`,
  ].filter((r): r is string => Boolean(r));
  const names = [...only, ...ephemeral];
  return (
    <p class="safe-to-stop">
      <strong>Safe to stop?</strong>{" "}
      {safe ? (
        <Badge status="ok">Yes: nothing waits here</Badge>
      ) : (
        <>
          <Badge status="warn">No</Badge> {reasons.join("; ")}.
        </>
      )}
      {names.length > 0 && (
        <details>
          <summary>Which</summary> {names.join(", ")}
        </details>
      )}
    </p>
  );
}

type Row = { topic: NodeTopic; channel: NodeChannel | null };

function rowKey({ topic, channel }: Row): string {
  return channel ? `${topic.topic}/${channel.channel}` : topic.topic;
}

function either<T>(row: Row, ofTopic: (t: NodeTopic) => T, ofChannel: (c: NodeChannel) => T): T {
  return row.channel ? ofChannel(row.channel) : ofTopic(row.topic);
}

function backlog(t: NodeTopic): number {
  return t.channels.reduce((sum, c) => sum + c.depth, t.depth);
}

const sumOf = (pick: (c: NodeChannel) => number) => (row: Row) =>
  either(row, (t) => t.channels.reduce((sum, c) => sum + pick(c), 0), pick);

const number = (
  id: string,
  label: string,
  term: string,
  value: (r: Row) => number,
  more: Partial<Column<Row>> = {},
): Column<Row> => ({
  id,
  label,
  term,
  numeric: true,
  value,
  ...more,
});

const COLUMNS: Column<Row>[] = [
  {
    id: "topic",
    label: "Topic",
    value: (r) => r.topic.topic,
    cell: ({ topic, channel }) => (
      <>
        <a class="name" href={channel ? to.channel(topic.topic, channel.channel) : to.topic(topic.topic)}>
          {channel ? channel.channel : topic.topic}
        </a>
        {(channel ?? topic).paused && <Badge status="paused">paused</Badge>}
        {!channel && topic.tombstoned && <Badge status="info">tombstoned</Badge>}
        {!channel && topic.channels.length === 0 && <span class="muted"> no channels</span>}
      </>
    ),
  },
  number("backlog", "Backlog", "backlog", (r) => either(r, backlog, (c) => c.depth), { phone: true }),
  number("depth", "Depth", "depth", (r) =>
    either(
      r,
      (t) => t.depth,
      (c) => c.depth,
    ),
  ),
  number("memory_depth", "Memory", "memory", (r) =>
    either(
      r,
      (t) => t.memory_depth,
      (c) => c.memory_depth,
    ),
  ),
  number("disk_depth", "Disk", "disk", (r) =>
    either(
      r,
      (t) => t.disk_depth,
      (c) => c.disk_depth,
    ),
  ),
  number(
    "in_flight",
    "In flight",
    "in_flight",
    sumOf((c) => c.in_flight),
  ),
  number(
    "deferred",
    "Deferred",
    "deferred",
    sumOf((c) => c.deferred),
  ),
  number(
    "requeued",
    "Requeued",
    "requeued",
    sumOf((c) => c.requeued),
  ),
  number(
    "timed_out",
    "Timed out",
    "timed_out",
    sumOf((c) => c.timed_out),
  ),
  number(
    "messages",
    "Messages",
    "messages",
    (r) =>
      either(
        r,
        (t) => t.messages,
        (c) => c.messages,
      ),
    { phone: true },
  ),
  {
    id: "rate",
    label: "In/s",
    numeric: true,
    value: (r) =>
      either(
        r,
        (t) => t.publish_rate,
        (c) => c.in_rate,
      ),
    cell: (r) => (
      <Rate
        v={either(
          r,
          (t) => t.publish_rate,
          (c) => c.in_rate,
        )}
      />
    ),
  },
  number(
    "consumers",
    "Consumers",
    "consumers",
    sumOf((c) => c.consumers),
    { phone: true },
  ),
];

function NodeTopics({ name, topics }: { name: string; topics: NodeTopic[] }) {
  const canTombstone = isAdmin.value && meta.value?.mode === "lookupd";
  return (
    <Table<Row>
      id="node-topics"
      caption={`Topics of ${name}`}
      rows={topics.map((topic) => ({ topic, channel: null }))}
      rowKey={rowKey}
      columns={COLUMNS}
      order={{ column: "topic", descending: false }}
      fields={({ topic }) => ({
        text: `${topic.topic} ${topic.channels.map((c) => c.channel).join(" ")}`,
        in: { topic: topic.topic, channel: topic.channels.map((c) => c.channel) },
        is: { paused: topic.paused || topic.channels.some((c) => c.paused) },
        number: { depth: topic.depth, backlog: backlog(topic), messages: topic.messages },
      })}
      href={({ topic, channel }) => (channel ? to.channel(topic.topic, channel.channel) : to.topic(topic.topic))}
      inner={({ topic, channel }) => (channel ? [] : topic.channels.map((c) => ({ topic, channel: c })))}
      level={(r) => (r.channel ? 1 : 0)}
      menu={
        canTombstone
          ? ({ topic }) => [
              { label: "Open topic", href: to.topic(topic.topic) },
              {
                label: "Tombstone here…",
                danger: true,
                disabled: refusal(),
                run: () => act("tombstone", [{ topic: topic.topic, node: name }]),
              },
            ]
          : undefined
      }
      empty={<Empty title="No topics on this node." />}
    />
  );
}

const WORDS: Record<string, string> = {
  heap_objects: "Heap objects",
  heap_idle_bytes: "Heap, idle",
  heap_in_use_bytes: "Heap, in use",
  heap_released_bytes: "Heap, released",
  gc_pause_usec_100: "GC pause, longest",
  gc_pause_usec_99: "GC pause, p99",
  gc_pause_usec_95: "GC pause, p95",
  next_gc_bytes: "Next GC at",
  gc_total_runs: "GC runs",
};

function MemoryPanel({ name, data }: { name: string; data: NodeDetail }) {
  const { memory } = data.node;
  const entity = `node:${name}`;
  return (
    <>
      <Charts
        charts={[
          { title: "Heap in use", unit: "bytes", area: true, lines: [{ entity, metric: "heap", label: "heap" }] },
          { title: "Backlog", unit: "count", area: true, lines: [{ entity, metric: "backlog", label: "backlog" }] },
        ]}
      />
      {memory ? (
        <Facts
          items={Object.entries(memory).map(([key, value]) => [
            WORDS[key] ?? key,
            key.endsWith("_bytes") ? (
              <Bytes v={value} />
            ) : key.includes("usec") ? (
              <>{f.latency(value * 1000)}</>
            ) : (
              <Num v={value} />
            ),
          ])}
        />
      ) : (
        <Empty title="This nsqd does not tell." />
      )}
    </>
  );
}

function Registration({ data }: { data: NodeDetail }) {
  const { node } = data;
  return (
    <table class="plain-table">
      <caption class="sr">Registration at nsqlookupd</caption>
      <thead>
        <tr>
          <th scope="col">nsqlookupd</th>
          <th scope="col">Knows this node</th>
          <th scope="col">Connected from</th>
        </tr>
      </thead>
      <tbody>
        {(meta.value?.nsqlookupds ?? []).map((address) => (
          <tr key={address}>
            <th scope="row">{address}</th>
            <td>
              {node.known_to.includes(address) ? <Badge status="ok">yes</Badge> : <Badge status="warn">no</Badge>}
            </td>
            <td>
              {node.remote_addresses
                .filter((r) => r.startsWith(`${address}/`))
                .map((r) => r.slice(address.length + 1))
                .join(", ") || "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
