/** Tables of consumers, grouped or one by one, and of producers. */

import type { Attributes, ClientGroup, Connection, Producer } from "../api/types";
import { plural } from "../lib/format";
import { clientName, members, nearness } from "../lib/groups";
import { severityRank } from "../lib/sort";
import { to } from "../router";
import { now } from "../state/live";
import { Badge, Mark } from "../ui/Badge";
import { Empty } from "../ui/Empty";
import { Ago, Num, Rate, Saturation } from "../ui/Num";
import { type Column, type QuickFilter, Table } from "../ui/Table";

const LOCALITY = {
  zone: ["●", "zone-local"],
  region: ["◐", "region-local"],
  global: ["○", "global"],
} as const;

/** What a connection negotiated. */
export function AttributeBadges({ attributes }: { attributes: Attributes | null }) {
  if (!attributes) return null;
  const { tls, snappy, deflate, sample_rate: sample, authed, locality, region, zone } = attributes;
  const identity = attributes.auth_identity ?? "";
  const url = attributes.auth_identity_url ?? "";
  const place = locality ? LOCALITY[locality] : null;
  return (
    <>
      {sample ? <span class="tag">sampled {sample} %</span> : null}
      {tls && (
        <span
          class="tag"
          title={[tls.version, tls.cipher, tls.protocol, tls.mutual ? "mutual" : ""].filter(Boolean).join(", ")}
        >
          TLS
        </span>
      )}
      {deflate && <span class="tag">deflate</span>}
      {snappy && <span class="tag">snappy</span>}
      {authed && (
        <span class="tag" title={identity || undefined}>
          {/^https?:\/\//.test(url) ? (
            <a href={url} rel="noreferrer" target="_blank">
              auth: {identity || "yes"}
            </a>
          ) : (
            `auth${identity ? `: ${identity}` : ""}`
          )}
        </span>
      )}
      {(region || zone) && <span class="tag">{[region, zone].filter(Boolean).join(" / ")}</span>}
      {place && (
        <span class={`tag local-${locality}`}>
          <span aria-hidden="true">{place[0]} </span>
          {place[1]}
        </span>
      )}
    </>
  );
}

/** A group, or one of its connections below it. */
type Row = { group: ClientGroup; connection: Connection | null };

function rowKey({ group, connection }: Row): string {
  return connection ? `${group.key} ${connection.node} ${connection.remote_address}` : group.key;
}

function either<T>(row: Row, ofGroup: (g: ClientGroup) => T, ofConnection: (c: Connection) => T): T {
  return row.connection ? ofConnection(row.connection) : ofGroup(row.group);
}

function isBackingOff(g: ClientGroup): boolean {
  return g.problem !== "" && g.rdy === 0;
}

function GroupName({ row, scope }: { row: Row; scope: Scope }) {
  const { group, connection } = row;
  if (connection)
    return (
      <>
        <span class="name" title={connection.remote_address}>
          {connection.remote_address}
        </span>
        {connection.version && <span class="muted"> V{connection.version.replace(/^V/, "")}</span>}
      </>
    );
  const missing = scope.nodes?.filter((node) => !group.node_list.includes(node)) ?? [];
  return (
    <>
      <span class="name">{clientName(group)}</span> <span class="muted">{group.user_agent}</span>
      <Mark severity={group.problem} />
      {isBackingOff(group) && <Badge status="warn">back-off</Badge>}
      {group.nodes < group.nodes_of && (
        <Badge status="info" title={missing.join(", ") || undefined}>
          {missing.length === 1 ? `not on ${missing[0]}` : `not on ${plural(group.nodes_of - group.nodes, "node")}`}
        </Badge>
      )}
    </>
  );
}

interface Scope {
  /** Shown where the table covers several topics. */
  topic?: boolean;
  channel?: boolean;
  /** Nodes that have the channel. */
  nodes?: string[];
}

function columns(scope: Scope): Column<Row>[] {
  const all: (Column<Row> | null)[] = [
    {
      id: "group",
      label: "Client group",
      value: (r) => either(r, clientName, (c) => c.remote_address),
      cell: (r) => <GroupName row={r} scope={scope} />,
    },
    scope.topic || scope.channel
      ? {
          id: "channel",
          label: scope.topic ? "Topic / channel" : "Channel",
          value: ({ group: g }) => `${g.topic}/${g.channel}`,
          cell: ({ group: g, connection }) =>
            connection ? null : (
              <a href={to.channel(g.topic, g.channel)}>{scope.topic ? `${g.topic}/${g.channel}` : g.channel}</a>
            ),
        }
      : null,
    {
      id: "connections",
      label: "Connections",
      numeric: true,
      value: ({ group }) => group.connections,
      cell: (r) =>
        either(
          r,
          (g) => <Num v={g.connections} />,
          () => null,
        ),
    },
    {
      id: "nodes",
      label: "Nodes",
      numeric: true,
      value: ({ group }) => group.nodes,
      cell: (r) =>
        either(
          r,
          (g) => <span title={g.node_list.join("\n")}>{`${g.nodes}/${g.nodes_of}`}</span>,
          (c) => <a href={to.node(c.node)}>{c.node}</a>,
        ),
    },
    {
      id: "in_flight",
      label: "In flight",
      term: "in_flight",
      numeric: true,
      phone: true,
      value: (r) =>
        either(
          r,
          (g) => g.in_flight,
          (c) => c.in_flight,
        ),
    },
    {
      id: "rdy",
      label: "RDY",
      term: "rdy",
      numeric: true,
      phone: true,
      value: (r) =>
        either(
          r,
          (g) => g.rdy,
          (c) => c.rdy,
        ),
    },
    {
      id: "saturation",
      label: "Saturation",
      term: "saturation",
      value: (r) =>
        either(
          r,
          (g) => g.saturation,
          (c) => (c.rdy > 0 ? c.in_flight / c.rdy : null),
        ),
      cell: (r) => (
        <Saturation
          part={either(
            r,
            (g) => g.saturation,
            (c) => (c.rdy > 0 ? c.in_flight / c.rdy : null),
          )}
        />
      ),
    },
    {
      id: "finish_rate",
      label: "Finished/s",
      term: "finish_rate",
      numeric: true,
      phone: true,
      value: (r) =>
        either(
          r,
          (g) => g.finish_rate,
          (c) => c.finish_rate,
        ),
      cell: (r) => (
        <Rate
          v={either(
            r,
            (g) => g.finish_rate,
            (c) => c.finish_rate,
          )}
        />
      ),
    },
    {
      id: "requeue_rate",
      label: "Requeue/s",
      term: "requeue_rate",
      numeric: true,
      value: (r) =>
        either(
          r,
          (g) => g.requeue_rate,
          (c) => c.requeue_rate,
        ),
      cell: (r) => (
        <Rate
          v={either(
            r,
            (g) => g.requeue_rate,
            (c) => c.requeue_rate,
          )}
        />
      ),
    },
    {
      id: "finished",
      label: "Finished",
      numeric: true,
      optional: true,
      value: (r) =>
        either(
          r,
          (g) => g.finished,
          (c) => c.finished,
        ),
    },
    {
      id: "requeued",
      label: "Requeued",
      numeric: true,
      optional: true,
      value: (r) =>
        either(
          r,
          (g) => g.requeued,
          (c) => c.requeued,
        ),
    },
    {
      id: "messages",
      label: "Messages",
      numeric: true,
      value: (r) =>
        either(
          r,
          (g) => g.messages,
          (c) => c.messages,
        ),
    },
    {
      id: "connected_at",
      label: "Connected",
      numeric: true,
      value: (r) => {
        const at = either(
          r,
          (g) => g.connected_at,
          (c) => c.connected_at,
        );
        return at === null ? null : -at;
      },
      cell: (r) => (
        <Ago
          at={either(
            r,
            (g) => g.connected_at,
            (c) => c.connected_at,
          )}
          now={now.value}
        />
      ),
    },
    {
      id: "attributes",
      label: "Attributes",
      value: (r) =>
        JSON.stringify(
          either(
            r,
            (g) => g.attributes,
            (c) => c.attributes,
          ),
        ),
      cell: (r) => (
        <AttributeBadges
          attributes={either(
            r,
            (g) => g.attributes,
            (c) => c.attributes,
          )}
        />
      ),
      fixed: true,
    },
  ];
  return all.filter((c) => c !== null);
}

const FILTERS: QuickFilter<Row>[] = [
  { id: "problems", label: "Problems", test: (r) => severityRank(r.group.problem) > 1, quiet: true },
  { id: "backoff", label: "Back-off", test: (r) => isBackingOff(r.group), quiet: true },
  { id: "saturated", label: "Saturated", test: (r) => (r.group.saturation ?? 0) >= 0.95, quiet: true },
  { id: "gap", label: "Coverage gap", test: (r) => r.group.nodes < r.group.nodes_of, quiet: true },
];

interface GroupsProps {
  groups: readonly ClientGroup[] | null;
  connections: readonly Connection[] | null;
  scope: Scope;
}

export function GroupsTable({ groups, connections, scope }: GroupsProps) {
  const below = groups ? members(groups, connections ?? []) : new Map<string, Connection[]>();
  return (
    <Table<Row>
      id="clients"
      caption="Consumers"
      rows={groups?.map((group) => ({ group, connection: null })) ?? null}
      rowKey={rowKey}
      columns={columns(scope)}
      order={{ column: "group", descending: false }}
      filters={FILTERS}
      fields={({ group: g }) => ({
        text: `${clientName(g)} ${g.user_agent} ${g.topic}/${g.channel}`,
        in: { topic: g.topic, channel: g.channel, node: g.node_list },
        number: { in_flight: g.in_flight, rdy: g.rdy, messages: g.messages, requeued: g.requeued },
      })}
      inner={({ group, connection }) =>
        connection
          ? []
          : (below.get(group.key) ?? [])
              .toSorted((a, b) => (nearness(a) < nearness(b) ? -1 : 1))
              .map((c) => ({ group, connection: c }))
      }
      level={(r) => (r.connection ? 1 : 0)}
      rowClass={(r) => localClass(r.connection)}
      empty={
        <Empty title="No consumers are connected.">
          <p>Messages wait until somebody subscribes.</p>
        </Empty>
      }
    />
  );
}

function localClass(connection: Connection | null): string {
  const locality = connection?.attributes?.locality;
  return locality === "zone" || locality === "region" ? `row-${locality}` : "";
}

const CONNECTION_COLUMNS: Column<Connection>[] = [
  {
    id: "client",
    label: "Client",
    value: clientName,
    cell: (c) => (
      <span class="name" title={c.remote_address}>
        {clientName(c)}
      </span>
    ),
  },
  {
    id: "channel",
    label: "Topic / channel",
    value: (c) => `${c.topic}/${c.channel}`,
    cell: (c) => <a href={to.channel(c.topic, c.channel)}>{`${c.topic}/${c.channel}`}</a>,
  },
  { id: "remote_address", label: "Remote address", optional: true, value: (c) => c.remote_address },
  { id: "user_agent", label: "User agent", value: (c) => c.user_agent },
  {
    id: "attributes",
    label: "Attributes",
    value: (c) => JSON.stringify(c.attributes),
    cell: (c) => <AttributeBadges attributes={c.attributes} />,
    fixed: true,
  },
  { id: "node", label: "nsqd", value: (c) => c.node, cell: (c) => <a href={to.node(c.node)}>{c.node}</a> },
  { id: "in_flight", label: "In flight", term: "in_flight", numeric: true, phone: true, value: (c) => c.in_flight },
  { id: "rdy", label: "RDY", term: "rdy", numeric: true, phone: true, value: (c) => c.rdy },
  { id: "finished", label: "Finished", numeric: true, phone: true, value: (c) => c.finished },
  { id: "requeued", label: "Requeued", numeric: true, value: (c) => c.requeued },
  { id: "messages", label: "Messages", numeric: true, value: (c) => c.messages },
  {
    id: "finish_rate",
    label: "Finished/s",
    numeric: true,
    optional: true,
    value: (c) => c.finish_rate,
    cell: (c) => <Rate v={c.finish_rate} />,
  },
  {
    id: "connected_at",
    label: "Connected",
    numeric: true,
    value: (c) => (c.connected_at === null ? null : -c.connected_at),
    cell: (c) => <Ago at={c.connected_at} now={now.value} />,
  },
];

/** Every connection with all that nsqd tells of it. */
export function ConnectionsTable({
  rows,
  ofOneChannel = false,
}: {
  rows: readonly Connection[] | null;
  ofOneChannel?: boolean;
}) {
  return (
    <Table
      id="connections"
      caption="Connections"
      rows={rows}
      rowKey={(c) => c.key}
      columns={CONNECTION_COLUMNS.filter((c) => !ofOneChannel || c.id !== "channel")}
      order={{ column: "nearness", descending: false, value: nearness }}
      fields={(c) => ({
        text: `${clientName(c)} ${c.user_agent} ${c.remote_address} ${c.topic}/${c.channel} ${c.node}`,
        in: { topic: c.topic, channel: c.channel, node: c.node },
        number: { in_flight: c.in_flight, rdy: c.rdy, messages: c.messages, requeued: c.requeued },
      })}
      rowClass={localClass}
      empty={<Empty title="No consumers are connected." />}
    />
  );
}

const PRODUCER_COLUMNS: Column<Producer>[] = [
  {
    id: "client",
    label: "Producer",
    value: clientName,
    cell: (p) => (
      <span class="name" title={p.remote_address}>
        {clientName(p)}
      </span>
    ),
  },
  { id: "topic", label: "Topic", value: (p) => p.topic, cell: (p) => <a href={to.topic(p.topic)}>{p.topic}</a> },
  { id: "user_agent", label: "User agent", value: (p) => p.user_agent },
  { id: "remote_address", label: "Remote address", optional: true, value: (p) => p.remote_address },
  {
    id: "attributes",
    label: "Attributes",
    value: (p) => JSON.stringify(p.attributes),
    cell: (p) => <AttributeBadges attributes={p.attributes} />,
    fixed: true,
  },
  { id: "node", label: "nsqd", value: (p) => p.node, cell: (p) => <a href={to.node(p.node)}>{p.node}</a> },
  { id: "messages", label: "Messages", numeric: true, phone: true, value: (p) => p.messages },
  {
    id: "publish_rate",
    label: "Publish/s",
    numeric: true,
    phone: true,
    value: (p) => p.publish_rate,
    cell: (p) => <Rate v={p.publish_rate} />,
  },
  {
    id: "connected_at",
    label: "Connected",
    numeric: true,
    value: (p) => (p.connected_at === null ? null : -p.connected_at),
    cell: (p) => <Ago at={p.connected_at} now={now.value} />,
  },
];

export function ProducersTable({
  rows,
  ofOneTopic = false,
}: {
  rows: readonly Producer[] | null;
  ofOneTopic?: boolean;
}) {
  return (
    <Table
      id="producers"
      caption="Producers"
      rows={rows}
      rowKey={(p) => p.key}
      columns={PRODUCER_COLUMNS.filter((c) => !ofOneTopic || c.id !== "topic")}
      order={{ column: "client", descending: false }}
      fields={(p) => ({
        text: `${clientName(p)} ${p.user_agent} ${p.remote_address} ${p.topic} ${p.node}`,
        in: { topic: p.topic, node: p.node },
        number: { messages: p.messages, rate: p.publish_rate },
      })}
      empty={
        <Empty title="No producers are connected.">
          <p>Only producers that publish over TCP stay connected; those that use HTTP are not listed.</p>
        </Empty>
      }
    />
  );
}
