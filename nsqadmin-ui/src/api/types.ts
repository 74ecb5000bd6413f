/**
 * The JSON of `/api/ext/*`, as `docs/nsqadmin-api.md` describes it.
 *
 * Times are milliseconds since 1970, rates are per second, and `null` is "not known".
 */

export interface Envelope<T> {
  /** Number of the state of the snapshot. */
  seq: number;
  at: number;
  age_ms: number;
  upstreams: { nsqlookupd: Share; nsqd: Share };
  /** Those that do not answer, worst first. */
  sources: Source[];
  /** Totals miss a node, or use old numbers of it. */
  partial: boolean;
  data: T;
}

export interface Share {
  ok: number;
  of: number;
}

export interface Source {
  id: string;
  kind: "nsqd" | "nsqlookupd";
  ok: boolean;
  error: string | null;
  since: number | null;
  /** When its numbers are from; `null`: it never answered. */
  last_ok: number | null;
  latency_ms: number | null;
}

/** The body of every refusal. */
export interface ApiError {
  message: string;
  detail?: string;
  /** Names like the one that was not found. */
  nearest?: string[];
}

export type Severity = "crit" | "warn" | "info";
/** The worst problem of a row, or none. */
export type RowProblem = Severity | "";
/** On which of its nodes something is paused. */
export type Paused = "no" | "some" | "all";
export type AccessMode = "admin" | "all" | "off";
export type Latencies = (number | null)[] | null;
export type Samples = (number | null)[];

export interface Meta {
  version: string;
  mode: "lookupd" | "nsqd";
  nsqlookupds: string[];
  nsqds: string[];
  /** Empty without a proxy that says who it is. */
  user: string;
  is_admin: boolean;
  acl_http_header: string;
  can: { act: boolean; tail: boolean; publish: boolean };
  tail_access: AccessMode;
  publish_access: AccessMode;
  /** 0: nothing is collected in the background. */
  stats_interval_ms: number;
  watch_interval_ms: number;
  /** Not in the page itself. */
  history?: {
    bytes: number;
    bytes_max: number;
    series: number;
    dropped: number;
    tiers: { step_ms: number; span_ms: number }[];
  };
  /** Ascending, e.g. `[0.5, 0.95, 0.99]`. */
  percentiles: number[];
  graphite: { mode: "off" | "proxy" | "direct"; url: string };
  statsd: { prefix: string; counter_format: string; gauge_format: string; interval_s: number };
  external_links: { label: string; url: string }[];
}

export interface Entity {
  kind: "nsqlookupd" | "nsqd" | "topic" | "channel" | "cluster";
  topic?: string;
  channel?: string;
  node?: string;
  address?: string;
}

export interface Problem {
  rule: string;
  severity: Severity;
  entity: Entity;
  since: number;
  text: string;
  affected: number;
  /** The page that shows it, relative to the base path. */
  link: string;
}

export interface Counts {
  crit: number;
  warn: number;
  info: number;
}

export interface Problems {
  problems: Problem[];
  counts: Counts;
}

export interface Overview extends Problems {
  totals: {
    topics: number;
    channels: number;
    consumers: number;
    producers: number | null;
    /** The backlog of all topics and channels. */
    depth: number;
    in_flight: number;
    deferred: number;
    publish_rate: number | null;
    publish_bytes_rate: number | null;
    out_rate: number | null;
    requeue_rate: number | null;
    timeout_rate: number | null;
    trend: number | null;
    /** Sum of the message counts of all channels, as the counter shows it. */
    channel_messages: number;
  };
  /** The last 15 minutes. */
  series: {
    from: number;
    step_ms: number;
    publish: Samples;
    out: Samples;
    backlog: Samples;
    in_flight: Samples;
    timeout: Samples;
  };
  inactive_topics: number;
  tombstones: number;
}

/** Rows in columns; the first column is `key`. */
export interface Columnar {
  cols: string[];
  rows: unknown[][];
  /** Keys gone since the state that was asked for. */
  removed?: string[];
  /** All rows; otherwise only those that changed. */
  full?: boolean;
  total?: number;
  matched?: number;
}

interface Depths {
  depth: number;
  memory_depth: number;
  disk_depth: number;
}

export interface TopicRow extends Depths {
  key: string;
  topic: string;
  problem: RowProblem;
  paused: Paused;
  ephemeral: boolean;
  /** Depth of the topic and of its channels. */
  backlog: number;
  trend: number | null;
  publish_rate: number | null;
  publish_bytes_rate: number | null;
  messages: number;
  message_bytes: number;
  worst_channel: string | null;
  worst_depth: number | null;
  channels: number;
  consumers: number;
  producers: number | null;
  nodes: number;
  nodes_of: number;
  in_flight: number;
  deferred: number;
  out_rate: number | null;
  requeue_rate: number | null;
  timeout_rate: number | null;
  e2e_ns: Latencies;
  partial: boolean;
  /** Registered in nsqlookupd, on no nsqd. */
  inactive: boolean;
}

export interface ChannelRow extends Depths {
  key: string;
  topic: string;
  channel: string;
  problem: RowProblem;
  paused: Paused;
  ephemeral: boolean;
  backlog: number;
  trend: number | null;
  in_flight: number;
  deferred: number;
  requeued: number;
  timed_out: number;
  messages: number;
  in_rate: number | null;
  out_rate: number | null;
  requeue_rate: number | null;
  timeout_rate: number | null;
  /** -1: endless. */
  wait_s: number | null;
  consumers: number;
  rdy: number | null;
  saturation: number | null;
  nodes: number;
  nodes_of: number;
  e2e_ns: Latencies;
  partial: boolean;
}

export type Locality = "zone" | "region" | "global";

/** Only what applies to the connection. */
export interface Attributes {
  tls?: { version: string; cipher: string; protocol: string; mutual: boolean };
  snappy?: boolean;
  deflate?: boolean;
  sample_rate?: number;
  authed?: boolean;
  auth_identity?: string;
  auth_identity_url?: string;
  region?: string;
  zone?: string;
  locality?: Locality;
}

interface Consumer {
  key: string;
  topic: string;
  channel: string;
  client_id: string;
  hostname: string;
  user_agent: string;
  in_flight: number;
  rdy: number;
  finished: number;
  requeued: number;
  messages: number;
  finish_rate: number | null;
  requeue_rate: number | null;
  connected_at: number | null;
  attributes: Attributes | null;
}

/** Connections of one program on one host to one channel. */
export interface ClientGroup extends Consumer {
  problem: RowProblem;
  connections: number;
  nodes: number;
  nodes_of: number;
  saturation: number | null;
  node_list: string[];
}

export interface Connection extends Consumer {
  node: string;
  remote_address: string;
  version: string;
}

export interface Producer {
  key: string;
  topic: string;
  node: string;
  client_id: string;
  hostname: string;
  user_agent: string;
  remote_address: string;
  messages: number;
  publish_rate: number | null;
  connected_at: number | null;
  attributes: Attributes | null;
}

/** Of a node that has never answered there is only its name. */
interface NodePart extends Depths {
  node: string;
  hostname: string;
  /** False: the numbers are those of `at`. */
  ok: boolean;
  at: number | null;
  paused: boolean;
  messages: number;
  e2e_ns: Latencies;
}

/** A topic on one nsqd. */
export interface TopicNode extends NodePart {
  message_bytes: number;
  publish_rate: number | null;
  publish_bytes_rate: number | null;
  channels: number;
  missing_channels?: string[];
  tombstoned: boolean;
  /** The average over the percentiles that Go's nsqadmin shows. */
  e2e_average: number | null;
}

/** A channel on one nsqd. */
export interface ChannelNode extends NodePart {
  /** The node has the topic and not the channel. */
  missing?: boolean;
  in_flight: number;
  deferred: number;
  requeued: number;
  timed_out: number;
  in_rate: number | null;
  out_rate: number | null;
  requeue_rate: number | null;
  timeout_rate: number | null;
  consumers: number;
  delivery: { zone: number; region: number; global: number } | null;
}

interface Detail<Row, Node> {
  topic: string;
  ephemeral: boolean;
  row: Row;
  nodes: Node[];
  clients: Columnar;
  connections: Columnar;
  problems: Problem[];
}

export interface TopicDetail extends Detail<TopicRow, TopicNode> {
  inactive: boolean;
  channels: Columnar;
  producers: Columnar;
  registered_channels: string[];
}

export interface ChannelDetail extends Detail<ChannelRow, ChannelNode> {
  channel: string;
  is_last: boolean;
}

export interface NodeRow extends Depths {
  node: string;
  hostname: string;
  broadcast_address: string;
  tcp_port: number;
  http_port: number;
  version: string;
  out_of_date: boolean;
  newest: string;
  region: string;
  zone: string;
  ok: boolean;
  error: string | null;
  since: number | null;
  last_ok: number | null;
  latency_ms: number | null;
  health: string;
  started_at: number | null;
  known_to: string[];
  known_to_of: number;
  remote_addresses: string[];
  topics: number;
  channels: number;
  consumers: number;
  producers: number | null;
  in_flight: number;
  deferred: number;
  messages: number;
  publish_rate: number | null;
  out_rate: number | null;
  heap_bytes: number | null;
  memory: Record<string, number> | null;
  tombstones: string[];
  problem: RowProblem;
}

export interface NodeChannel extends Depths {
  channel: string;
  paused: boolean;
  in_flight: number;
  deferred: number;
  requeued: number;
  timed_out: number;
  messages: number;
  consumers: number;
  in_rate: number | null;
  out_rate: number | null;
}

export interface NodeTopic extends Depths {
  topic: string;
  paused: boolean;
  tombstoned?: boolean;
  messages: number;
  message_bytes: number;
  publish_rate: number | null;
  channels: NodeChannel[];
}

export interface NodeDetail {
  node: NodeRow;
  topics: NodeTopic[];
  connections: Columnar;
  producers: Columnar;
  safe_to_stop: {
    safe: boolean;
    messages: number;
    in_flight: number;
    deferred: number;
    only_here: string[];
    ephemeral: string[];
    clients_only_here: number;
  };
  problems: Problem[];
}

export interface LookupData {
  configured: boolean;
  nsqlookupds: {
    address: string;
    ok: boolean;
    error: string | null;
    since: number | null;
    last_ok: number | null;
    latency_ms: number | null;
    version: string | null;
    nodes: number | null;
    topics: number | null;
    channels: number | null;
  }[];
  /** `known_to` is in the order of `nsqlookupds`; `null` for one that does not answer. */
  registrations: { node: string; hostname: string; known_to: (boolean | null)[] }[];
  inactive: { topic: string; channels: string[]; known_to: (boolean | null)[] }[];
  tombstones: { topic: string; node: string; nsqlookupds: string[]; left_s: number | null }[];
}

export interface SeriesData {
  step_ms: number;
  from: number;
  series: {
    entity: string;
    metric: string;
    values: Samples;
    /** The expression that Graphite was asked for. */
    target?: string;
  }[];
  /** Where Graphite was asked. */
  url?: string;
}

/** What a user has changed by way of this nsqadmin. */
export interface ActivityEntry {
  at: number;
  action: string;
  topic: string;
  channel: string;
  node: string;
  user: string;
  remote_address: string;
  user_agent: string;
}

export interface ActivityData {
  /** The last one first. */
  entries: ActivityEntry[];
  entries_max: number;
}

export type ActionName = "create" | "pause" | "unpause" | "empty" | "delete" | "tombstone";

export interface ActionTarget {
  topic: string;
  channel?: string;
  /** Only there. */
  node?: string;
}

export interface ActionNode {
  node: string;
  kind: "nsqd" | "nsqlookupd";
  ok: boolean;
  error: string | null;
  messages: number | null;
  clients: number | null;
}

export interface ActionResult {
  topic: string;
  channel?: string | null;
  ok: boolean;
  messages: number;
  depth: number;
  in_flight: number;
  deferred: number;
  clients: number;
  client_ids: string[];
  producers: string[];
  is_last: boolean;
  nodes: ActionNode[];
}

export interface ActionAnswer {
  dry_run: boolean;
  ok: boolean;
  messages: number;
  clients: number;
  targets: ActionResult[];
}

export interface PublishAnswer {
  node: string;
  messages: number;
  bytes: number;
  channels: number;
  consumers: number;
}

export interface TailOpen {
  id: string;
  channel: string;
  nodes: { node: string; ok: boolean }[];
  skipped: { node: string; reason: string; detail: string }[];
  expires_at?: number;
}

export interface TailMessage {
  node: string;
  id: string;
  at_ms: number;
  timestamp_ns: string;
  attempts: number;
  size: number;
  body: string;
  encoding: "text" | "base64";
  truncated: boolean;
}
