/**
 * The JSON of `/api/ext/*`.
 *
 * Conventions: keys as nsqd spells them; every time is milliseconds since 1970; every rate is per second; a latency is
 * nanoseconds, as in nsqd's statistics; `null` is "not known" (no answer yet, or too few samples to measure).
 */

/** What every answer is wrapped in. */
export interface Envelope<T> {
  /** Number of the snapshot; grows by one with every scrape that changed something. */
  seq: number;
  at: number;
  /** How old the oldest part of the data is. */
  age_ms: number;
  sources: Source[];
  data: T;
}

/** One nsqd or nsqlookupd, and how it last answered. */
export interface Source {
  /** `nsqd 10.0.0.3:4151` */
  id: string;
  kind: "nsqd" | "nsqlookupd";
  ok: boolean;
  error: string | null;
  /** When it stopped answering. */
  since: number | null;
  last_ok: number | null;
  latency_ms: number | null;
}

/** The body of every refusal; `message` is a code as in the API of Go's nsqadmin. */
export interface ApiError {
  message: string;
  detail?: string;
}

export type Severity = "crit" | "warn" | "info";

export interface Access {
  mode: "admin" | "all" | "off";
  /** Whether the user who asks may. */
  allowed: boolean;
}

export interface Meta {
  version: string;
  mode: "lookupd" | "nsqd";
  nsqlookupd: string[];
  nsqd: string[];
  user: string | null;
  admin: boolean;
  acl_http_header: string;
  tail: Access;
  publish: Access;
  /** 0: nothing is collected in the background. */
  stats_interval_ms: number;
  watch_interval_ms: number;
  history: { bytes: number; limit_bytes: number; oldest: number | null };
  /** Percentiles nsqd reports, ascending, e.g. `[0.5, 0.95, 0.99]`. */
  percentiles: number[];
  graphite: { mode: "off" | "proxy" | "direct"; url: string };
  statsd: { prefix: string; counter_format: string; gauge_format: string; interval_s: number };
  external_links: { label: string; template: string }[];
  /** How many processes run which version. */
  versions: { nsqd: Record<string, number>; nsqlookupd: Record<string, number> };
}

export interface Problem {
  /** The same problem keeps its id while it lasts. */
  id: string;
  rule: string;
  severity: Severity;
  topic: string | null;
  channel: string | null;
  /** `broadcast_address:http_port` of an nsqd, or the address of an nsqlookupd. */
  node: string | null;
  since: number;
  text: string;
  /** Messages concerned, for the order. */
  affected: number;
  /** Page that shows it, relative to the base path, without a leading slash. */
  href: string;
}

export interface Overview {
  totals: {
    topics: number;
    channels: number;
    clients: number;
    producers: number;
    nsqd_ok: number;
    nsqd: number;
    nsqlookupd_ok: number;
    nsqlookupd: number;
    backlog: number;
    in_flight_count: number;
    deferred_count: number;
    /** Sum over all channels and nodes, as `/api/counter`. */
    message_count: number;
    /** A node is missing in the sums. */
    partial: boolean;
  };
  rates: {
    publish: number | null;
    bytes: number | null;
    out: number | null;
    requeue: number | null;
    timeout: number | null;
    /** Growth of the backlog. */
    trend: number | null;
  };
  series: SparkSet;
  problems: Problem[];
}

/** 15 minutes of the five totals. */
export interface SparkSet {
  from: number;
  step_ms: number;
  publish: (number | null)[];
  out: (number | null)[];
  backlog: (number | null)[];
  in_flight: (number | null)[];
  timeout: (number | null)[];
}

/** Rows of one kind in columns; `rows[i][j]` belongs to `cols[j]`. */
export interface Columnar {
  cols: string[];
  rows: unknown[][];
  /** Rows that match the filter, before `limit` and `offset`. */
  total: number;
}

export interface TopicRow {
  topic: string;
  severity: Severity | null;
  paused: boolean;
  /** Registered in nsqlookupd, on no nsqd. */
  inactive: boolean;
  /** A node that has the topic does not answer: sums are too small or old. */
  partial: boolean;
  publish_rate: number | null;
  bytes_rate: number | null;
  /** Depth of the topic and of all its channels. */
  backlog: number;
  trend: number | null;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  message_count: number;
  message_bytes: number;
  in_flight_count: number;
  deferred_count: number;
  requeue_rate: number | null;
  timeout_rate: number | null;
  channel_count: number;
  client_count: number;
  producer_count: number | null;
  node_count: number;
  worst_channel: string | null;
  worst_channel_depth: number;
  /** Worst node for each of `Meta.percentiles`. */
  e2e: (number | null)[];
  spark_publish: (number | null)[];
  spark_backlog: (number | null)[];
}

export interface ChannelRow {
  topic: string;
  channel: string;
  severity: Severity | null;
  paused: boolean;
  partial: boolean;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  requeue_count: number;
  timeout_count: number;
  message_count: number;
  client_count: number;
  in_rate: number | null;
  out_rate: number | null;
  requeue_rate: number | null;
  timeout_rate: number | null;
  trend: number | null;
  /** Sum of RDY, known while clients are watched. */
  ready_count: number | null;
  node_count: number;
  e2e: (number | null)[];
  spark_depth: (number | null)[];
}

/** `stale`: the values are those of `at`, the node does not answer. */
export type PartState = "ok" | "stale" | "missing";

interface Part {
  node: string;
  hostname: string;
  state: PartState;
  at: number | null;
}

/** A topic on one nsqd. */
export interface TopicPart extends Part {
  paused: boolean;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  message_count: number;
  message_bytes: number;
  publish_rate: number | null;
  bytes_rate: number | null;
  channels: string[];
  /** Channels that other nodes with this topic have. */
  missing_channels: string[];
  e2e: (number | null)[];
  /** Go's weighted average of each percentile is per node the value itself. */
  e2e_count: number;
  tombstoned: boolean;
}

/** A channel on one nsqd. */
export interface ChannelPart extends Part {
  paused: boolean;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  requeue_count: number;
  timeout_count: number;
  message_count: number;
  client_count: number;
  in_rate: number | null;
  out_rate: number | null;
  e2e: (number | null)[];
  e2e_count: number;
  /** Present where the node counts deliveries by locality. */
  delivery: { zone_local: number; region_local: number; global: number } | null;
}

export interface Client {
  topic: string;
  channel: string;
  node: string;
  client_id: string;
  hostname: string;
  remote_address: string;
  user_agent: string;
  version: string;
  connected_at: number;
  in_flight_count: number;
  ready_count: number;
  finish_count: number;
  requeue_count: number;
  message_count: number;
  finish_rate: number | null;
  requeue_rate: number | null;
  sample_rate: number;
  deflate: boolean;
  snappy: boolean;
  tls: boolean;
  tls_version: string;
  tls_cipher_suite: string;
  tls_negotiated_protocol: string;
  tls_negotiated_protocol_is_mutual: boolean;
  authed: boolean;
  auth_identity: string;
  auth_identity_url: string;
  topology_region: string;
  topology_zone: string;
  node_topology_region: string;
  node_topology_zone: string;
}

/** One connection that published, and how much to which topic. */
export interface Producer {
  topic: string;
  node: string;
  client_id: string;
  hostname: string;
  remote_address: string;
  user_agent: string;
  version: string;
  connected_at: number;
  message_count: number;
  rate: number | null;
}

export interface TopicDetail {
  row: TopicRow;
  /** For an inactive topic: its registered channels. */
  registered_channels: string[];
  nodes: TopicPart[];
  channels: ChannelRow[];
  clients: Client[];
  producers: Producer[];
  problems: Problem[];
}

export interface ChannelDetail {
  row: ChannelRow;
  nodes: ChannelPart[];
  clients: Client[];
  problems: Problem[];
  /** Other channels of the topic. */
  other_channels: string[];
  topic_paused: boolean;
}

export interface ClientsData {
  clients: Client[];
  producers: Producer[];
  /** `topic/channel` to the nodes that have it. */
  coverage: Record<string, string[]>;
  /** `topic/channel` to its depth. */
  backlog: Record<string, number>;
}

export interface NodeRow {
  /** `broadcast_address:http_port` */
  node: string;
  hostname: string;
  broadcast_address: string;
  tcp_port: number;
  http_port: number;
  version: string;
  newest_version: string;
  out_of_date: boolean;
  topology_region: string;
  topology_zone: string;
  state: "ok" | "slow" | "down";
  /** `OK`, or what nsqd says is wrong. */
  health: string;
  error: string | null;
  at: number | null;
  start_time: number | null;
  severity: Severity | null;
  publish_rate: number | null;
  out_rate: number | null;
  backlog: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  topic_count: number;
  channel_count: number;
  client_count: number;
  producer_count: number | null;
  heap_bytes: number | null;
  /** nsqlookupd that know this nsqd. */
  nsqlookupd: string[];
  topics: { topic: string; tombstoned: boolean }[];
}

export interface Memory {
  heap_objects: number;
  heap_idle_bytes: number;
  heap_in_use_bytes: number;
  heap_released_bytes: number;
  gc_pause_usec_100: number;
  gc_pause_usec_99: number;
  gc_pause_usec_95: number;
  next_gc_bytes: number;
  gc_total_runs: number;
}

export interface NodeTopic {
  topic: string;
  paused: boolean;
  tombstoned: boolean;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  message_count: number;
  message_bytes: number;
  publish_rate: number | null;
  channels: NodeChannel[];
}

export interface NodeChannel {
  channel: string;
  paused: boolean;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  requeue_count: number;
  timeout_count: number;
  message_count: number;
  client_count: number;
  in_rate: number | null;
  out_rate: number | null;
}

export interface NodeDetail {
  row: NodeRow;
  memory: Memory | null;
  topics: NodeTopic[];
  clients: Client[];
  producers: Producer[];
  problems: Problem[];
  safe_to_stop: {
    safe: boolean;
    depth: number;
    in_flight_count: number;
    deferred_count: number;
    only_here: { topic: string; channel: string }[];
    ephemeral: { topic: string; channel: string | null; depth: number }[];
    /** Clients connected to no other node. */
    clients_only_here: string[];
  };
  registrations: { nsqlookupd: string; remote_address: string | null; known: boolean }[];
}

export interface LookupData {
  nsqlookupd: {
    address: string;
    ok: boolean;
    error: string | null;
    since: number | null;
    latency_ms: number | null;
    version: string;
    node_count: number;
    topic_count: number;
    channel_count: number | null;
  }[];
  registrations: { node: string; hostname: string; known_by: string[] }[];
  inactive: { topic: string; channels: string[]; known_by: string[] }[];
  tombstones: { topic: string; node: string; nsqlookupd: string[]; remaining_s: number | null }[];
  /** nsqds by address, for creating without nsqlookupd. */
  nodes: string[];
}

export type SeriesMetric = "publish" | "in" | "out" | "depth" | "in_flight" | "requeue" | "timeout" | "heap" | "backlog";

/** Entities: `cluster`, `topic:orders`, `channel:orders/billing`, `node:10.0.0.3:4151`. */
export interface SeriesData {
  from: number;
  to: number;
  step_ms: number;
  source: "memory" | "graphite";
  series: { entity: string; metric: SeriesMetric; values: (number | null)[] }[];
}

export type ActionName = "create" | "pause" | "unpause" | "empty" | "delete" | "tombstone";

export interface ActionTarget {
  topic: string;
  channel?: string;
  /** Only this nsqd (tombstone; retry; create without nsqlookupd). */
  node?: string;
}

export interface ActionRequest {
  action: ActionName;
  targets: ActionTarget[];
  dry_run: boolean;
}

export interface ActionResult {
  topic: string;
  channel: string | null;
  /** What was, or would be, done where; nsqlookupds first. */
  steps: {
    kind: "nsqlookupd" | "nsqd";
    node: string;
    ok: boolean;
    error: string | null;
    /** Messages concerned on this nsqd; `null` if it does not answer. */
    messages: number | null;
  }[];
  depth: number;
  in_flight_count: number;
  deferred_count: number;
  /** All messages that go: for a topic with all its channels. */
  messages: number;
  clients: number;
  /** Names of channels that go (topic) or remain (channel). */
  channels: string[];
  other_channels: string[];
  /** Who would create it again: name of a client group and its connections. */
  consumers: { name: string; connections: number }[];
  producers: { name: string; connections: number }[];
  publish_rate: number | null;
}

export interface ActionAnswer {
  results: ActionResult[];
}

export interface PublishRequest {
  topic: string;
  /** Empty: the node with the least depth. */
  node: string;
  body: string;
  encoding: "text" | "base64";
  defer_ms: number;
  /** One message per line. */
  split: boolean;
  /** Create the topic if there is none. */
  create: boolean;
}

export interface PublishAnswer {
  node: string;
  messages: number;
  bytes: number;
}

export interface TailRequest {
  topic: string;
  /** 1–99, or 100 for all. */
  sample_rate: number;
  /** Messages per second, at most. */
  rate_limit: number;
  nodes: string[];
}

/** Events of `GET tail/{id}`; the name is the event's, the data is JSON. */
export interface TailEvents {
  open: { id: string; topic: string; channel: string };
  node: { node: string; state: "connected" | "closed"; reason: string | null };
  /** A node that is left out, and why. */
  skip: { node: string; code: string; detail: string };
  msg: {
    node: string;
    id: string;
    at: number;
    attempts: number;
    size: number;
    /** Base64, cut at 64 KiB. */
    body: string;
    truncated: boolean;
  };
  /** Messages dropped by the rate limit since the last one. */
  dropped: { count: number };
  end: { code: string; detail: string };
}
