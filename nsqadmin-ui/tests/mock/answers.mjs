/** The answers of `/api/ext` for a made-up cluster, in the form of docs/nsqadmin-api.md. */

const round = (value) => Math.round(value * 1000) / 1000;
const ms = (value) => Math.round(value * 1e6);

function paused(flag) {
  return flag ? "all" : "no";
}

function channelProblem(channel) {
  if (channel.paused) return "info";
  if (channel.depth > 100 && channel.consumers === 0) return "crit";
  if (channel.timedOut > 10) return "warn";
  return channel.depth > 1000 ? "warn" : "";
}

function worst(problems) {
  return ["crit", "warn", "info"].find((p) => problems.includes(p)) ?? "";
}

function latencies(channel) {
  return channel.consumers === 0 ? [null, null, null] : [ms(148), ms(240), ms(358)];
}

export function channelRow(cluster, topic, channel) {
  const silent = cluster.nodes.some((n) => !n.ok);
  const rdy = channel.consumers * (channel.depth > 0 ? 10 : 25);
  return {
    key: `${topic.name}/${channel.name}`,
    topic: topic.name,
    channel: channel.name,
    problem: channelProblem(channel),
    paused: paused(channel.paused),
    ephemeral: channel.name.endsWith("#ephemeral"),
    depth: Math.round(channel.depth),
    memory_depth: Math.min(10_000, Math.round(channel.depth)),
    disk_depth: Math.max(0, Math.round(channel.depth) - 10_000),
    backlog: Math.round(channel.depth),
    trend: round(channel.inRate - channel.outRate),
    in_flight: channel.inFlight,
    deferred: channel.deferred,
    requeued: Math.round(channel.requeued),
    timed_out: Math.round(channel.timedOut),
    messages: Math.round(channel.messages),
    in_rate: round(channel.inRate),
    out_rate: round(channel.outRate),
    requeue_rate: 0,
    timeout_rate: channel.timedOut > 0 ? 0.8 : 0,
    wait_s: channel.depth < 1 ? 0 : channel.outRate > 0 ? round(channel.depth / channel.outRate) : -1,
    consumers: channel.consumers,
    rdy,
    saturation: rdy > 0 ? round(channel.inFlight / rdy) : null,
    nodes: cluster.nodes.length,
    nodes_of: cluster.nodes.length,
    e2e_ns: latencies(channel),
    partial: silent,
    depth_spark: channel.spark,
  };
}

export function topicRow(cluster, topic) {
  const channels = [...topic.channels.values()];
  const deepest = channels.toSorted((a, b) => b.depth - a.depth)[0];
  const problems = channels.map(channelProblem);
  if (topic.depth > 0 && channels.length === 0) problems.push("crit");
  const sum = (pick) => Math.round(channels.reduce((total, c) => total + pick(c), 0));
  return {
    key: topic.name,
    topic: topic.name,
    problem: worst(problems),
    paused: paused(topic.paused),
    ephemeral: topic.name.endsWith("#ephemeral"),
    depth: Math.round(topic.depth),
    memory_depth: Math.round(topic.depth),
    disk_depth: 0,
    backlog: Math.round(topic.backlog),
    trend: round(channels.reduce((t, c) => t + c.inRate - c.outRate, topic.paused ? topic.now : 0)),
    publish_rate: round(topic.now),
    publish_bytes_rate: round(topic.now * 212),
    messages: Math.round(topic.messages),
    message_bytes: Math.round(topic.messages * 212),
    worst_channel: deepest && deepest.depth > 1 ? deepest.name : null,
    worst_depth: deepest ? Math.round(deepest.depth) : null,
    channels: channels.length,
    consumers: sum((c) => c.consumers),
    producers: topic.rate > 0 ? 2 : 0,
    nodes: cluster.nodes.length,
    nodes_of: cluster.nodes.length,
    in_flight: sum((c) => c.inFlight),
    deferred: sum((c) => c.deferred),
    out_rate: round(channels.reduce((t, c) => t + c.outRate, 0)),
    requeue_rate: 0,
    timeout_rate: 0,
    e2e_ns: [ms(148), ms(240), ms(358)],
    partial: cluster.nodes.some((n) => !n.ok),
    inactive: false,
    publish_spark: topic.publishSpark,
    backlog_spark: topic.backlogSpark,
  };
}

/** Attributes that are rare; the second identity is made up by somebody who means harm. */
const EVERY = [
  {
    tls: { version: "TLS1.3", cipher: "TLS_AES_128_GCM_SHA256", protocol: "", mutual: true },
    snappy: true,
    authed: true,
    auth_identity: "joe",
    auth_identity_url: "https://id.example/joe",
  },
  {
    deflate: true,
    sample_rate: 10,
    authed: true,
    auth_identity: "eve",
    auth_identity_url: "javascript:window.__owned=1",
  },
];

export function connections(cluster, topic, channel) {
  return Array.from({ length: channel.consumers }, (_, i) => {
    const node = cluster.nodes[i % cluster.nodes.length];
    const group = Math.floor(i / cluster.nodes.length);
    const index = topic.name.length + group;
    return {
      key: `${topic.name}/${channel.name}/${i}`,
      topic: topic.name,
      channel: channel.name,
      node: node.node,
      client_id: `${channel.name.split("#")[0]}-${group + 1}`,
      hostname: `${channel.name.split("#")[0]}-${group + 1}.prod`,
      user_agent: cluster.agent(index),
      remote_address: `10.1.${group}.${i + 10}:5${1000 + i}`,
      version: "V2",
      in_flight: Math.round(channel.inFlight / channel.consumers),
      rdy: channel.depth > 0 ? 10 : 25,
      finished: Math.round(channel.messages / channel.consumers),
      requeued: 0,
      messages: Math.round(channel.messages / channel.consumers),
      finish_rate: round(channel.outRate / channel.consumers),
      requeue_rate: 0,
      connected_at: cluster.started,
      attributes: {
        ...(index % 2 === 0
          ? { tls: { version: "TLS1.3", cipher: "TLS_AES_128_GCM_SHA256", protocol: "", mutual: false } }
          : {}),
        ...(index % 3 === 0 ? { snappy: true } : {}),
        region: "eu-west",
        zone: `eu-west-1${"abc"[i % 3]}`,
        locality: ["zone", "region", "global"][i % 3],
        ...(cluster.attributes ? EVERY[i % EVERY.length] : {}),
      },
    };
  });
}

export function groups(cluster, topic, channel) {
  const byName = new Map();
  for (const c of connections(cluster, topic, channel)) {
    const list = byName.get(c.client_id) ?? [];
    list.push(c);
    byName.set(c.client_id, list);
  }
  return [...byName].map(([id, list]) => {
    const [first] = list;
    const sum = (pick) => list.reduce((total, c) => total + pick(c), 0);
    const nodes = [...new Set(list.map((c) => c.node))];
    return {
      ...first,
      key: `${topic.name}/${channel.name}/${id}`,
      problem: nodes.length < cluster.nodes.length ? "info" : "",
      connections: list.length,
      nodes: nodes.length,
      nodes_of: cluster.nodes.length,
      in_flight: sum((c) => c.in_flight),
      rdy: sum((c) => c.rdy),
      saturation: round(sum((c) => c.in_flight) / sum((c) => c.rdy)),
      finish_rate: round(sum((c) => c.finish_rate)),
      node_list: nodes,
    };
  });
}

export function producers(cluster, topic) {
  if (topic.rate === 0) return [];
  return [0, 1].map((i) => ({
    key: `${topic.name}/p${i}`,
    topic: topic.name,
    node: cluster.nodes[i % cluster.nodes.length].node,
    client_id: `web-${i + 1}`,
    hostname: `web-${i + 1}.prod`,
    user_agent: "go-nsq/1.1.0",
    remote_address: `10.2.0.${i + 1}:41000`,
    messages: Math.round(topic.messages / 2),
    publish_rate: round(topic.now / 2),
    connected_at: cluster.started,
    attributes: {},
  }));
}

export function table(rows, more = {}) {
  const cols = rows.length > 0 ? Object.keys(rows[0]) : ["key"];
  return {
    cols,
    rows: rows.map((r) => cols.map((c) => r[c])),
    removed: [],
    full: true,
    total: rows.length,
    matched: rows.length,
    ...more,
  };
}

function share(value, of) {
  return Math.round(value / of);
}

export function topicDetail(cluster, topic) {
  const of = cluster.nodes.length;
  const channels = [...topic.channels.values()];
  return {
    topic: topic.name,
    inactive: false,
    ephemeral: false,
    row: topicRow(cluster, topic),
    nodes: cluster.nodes.map((n) => ({
      node: n.node,
      hostname: n.hostname,
      ok: n.ok,
      at: Date.now(),
      paused: topic.paused,
      depth: share(topic.depth, of),
      memory_depth: share(topic.depth, of),
      disk_depth: 0,
      messages: share(topic.messages, of),
      message_bytes: share(topic.messages * 212, of),
      publish_rate: round(topic.now / of),
      publish_bytes_rate: round((topic.now * 212) / of),
      channels: channels.length,
      missing_channels: [],
      tombstoned: false,
      e2e_ns: [ms(148), ms(240), ms(358)],
      e2e_average: ms(200),
    })),
    channels: table(channels.map((c) => channelRow(cluster, topic, c))),
    clients: table(channels.flatMap((c) => groups(cluster, topic, c))),
    connections: table(channels.flatMap((c) => connections(cluster, topic, c))),
    producers: table(producers(cluster, topic)),
    registered_channels: [],
    problems: problems(cluster).filter((p) => p.entity.topic === topic.name),
  };
}

export function channelDetail(cluster, topic, channel) {
  const of = cluster.nodes.length;
  return {
    topic: topic.name,
    channel: channel.name,
    ephemeral: channel.name.endsWith("#ephemeral"),
    row: channelRow(cluster, topic, channel),
    is_last: topic.channels.size === 1,
    nodes: cluster.nodes.map((n, i) => ({
      node: n.node,
      hostname: n.hostname,
      ok: n.ok,
      at: Date.now(),
      paused: channel.paused,
      depth: share(channel.depth, of),
      memory_depth: share(channel.depth, of),
      disk_depth: 0,
      in_flight: share(channel.inFlight, of),
      deferred: 0,
      requeued: share(channel.requeued, of),
      timed_out: share(channel.timedOut, of),
      messages: share(channel.messages, of),
      in_rate: round(channel.inRate / of),
      out_rate: round(channel.outRate / of),
      requeue_rate: 0,
      timeout_rate: 0,
      consumers: share(channel.consumers, of),
      e2e_ns: latencies(channel),
      delivery: channel.name === "archive" && i > 0 ? { zone: 500, region: 260, global: 290 } : null,
    })),
    clients: table(groups(cluster, topic, channel)),
    connections: table(connections(cluster, topic, channel)),
    problems: problems(cluster).filter((p) => p.entity.topic === topic.name && p.entity.channel === channel.name),
  };
}

export function problems(cluster) {
  const list = [];
  const since = Date.now() - 720_000;
  for (const node of cluster.nodes)
    if (!node.ok)
      list.push({
        rule: "H-02",
        severity: "crit",
        entity: { kind: "nsqd", node: node.node },
        since: node.since,
        affected: 0,
        text: `nsqd ${node.node}: no answer`,
        link: `nodes/${encodeURIComponent(node.node)}`,
      });
  for (const topic of cluster.topics.values()) {
    const at = `topics/${encodeURIComponent(topic.name)}`;
    if (topic.channels.size === 0 && topic.depth > 0)
      list.push({
        rule: "H-06",
        severity: "crit",
        entity: { kind: "topic", topic: topic.name },
        since,
        affected: topic.depth,
        text: `${topic.name}: ${Math.round(topic.depth).toLocaleString("en")} messages wait on ${cluster.nodes[0].node}, no channel there`,
        link: `${at}?tab=nodes`,
      });
    if (topic.paused)
      list.push({
        rule: "H-14",
        severity: "info",
        entity: { kind: "topic", topic: topic.name },
        since,
        affected: 0,
        text: `${topic.name}: paused`,
        link: at,
      });
    for (const channel of topic.channels.values()) {
      const entity = { kind: "channel", topic: topic.name, channel: channel.name };
      const link = `${at}/${encodeURIComponent(channel.name)}`;
      const name = `${topic.name}/${channel.name}`;
      const depth = Math.round(channel.depth).toLocaleString("en");
      if (channel.paused)
        list.push({ rule: "H-14", severity: "info", entity, since, affected: 0, text: `${name}: paused`, link });
      else if (channel.depth > 100 && channel.consumers === 0)
        list.push({
          rule: "H-07",
          severity: "crit",
          entity,
          since,
          affected: channel.depth,
          text: `${name}: ${depth} waiting, nobody connected`,
          link: `${link}?tab=clients`,
        });
      else if (channel.depth > 1000)
        list.push({
          rule: "H-09",
          severity: "warn",
          entity,
          since,
          affected: channel.depth,
          text: `${name}: ${depth} waiting, +${(channel.inRate - channel.outRate).toFixed(0)}/s`,
          link,
        });
      if (channel.timedOut > 10)
        list.push({
          rule: "H-12",
          severity: "warn",
          entity,
          since,
          affected: 0,
          text: `${name}: timeouts 24 % of deliveries`,
          link,
        });
    }
  }
  const rank = { crit: 0, warn: 1, info: 2 };
  return list.toSorted((a, b) => rank[a.severity] - rank[b.severity] || b.affected - a.affected);
}

export function counts(list) {
  const of = (severity) => list.filter((p) => p.severity === severity).length;
  return { crit: of("crit"), warn: of("warn"), info: of("info") };
}

export function overview(cluster) {
  const topics = [...cluster.topics.values()];
  const channels = topics.flatMap((t) => [...t.channels.values()]);
  const sum = (list, pick) => Math.round(list.reduce((total, x) => total + pick(x), 0));
  const wave = (base, depth) => Array.from({ length: 90 }, (_, i) => round(base * (1 + depth * Math.sin(i / 7))));
  const list = problems(cluster);
  const publish = sum(topics, (t) => t.now ?? 0);
  return {
    totals: {
      topics: topics.length,
      channels: channels.length,
      consumers: sum(channels, (c) => c.consumers),
      producers: 18,
      depth: sum(topics, (t) => t.backlog),
      in_flight: sum(channels, (c) => c.inFlight),
      deferred: 155,
      publish_rate: publish,
      publish_bytes_rate: publish * 212,
      out_rate: sum(channels, (c) => c.outRate),
      requeue_rate: 0,
      timeout_rate: 0.8,
      trend: round(channels.reduce((t, c) => t + c.inRate - c.outRate, 0)),
      channel_messages: sum(channels, (c) => c.messages),
    },
    series: {
      from: Date.now() - 900_000,
      step_ms: 10_000,
      publish: wave(publish, 0.1),
      out: wave(158, 0.1),
      backlog: wave(20_000, 0.3),
      in_flight: wave(50, 0.2),
      timeout: wave(0.8, 0.5),
    },
    problems: list,
    counts: counts(list),
    inactive_topics: cluster.inactive.size,
    tombstones: 1,
  };
}

export function nodeRow(cluster, node) {
  const of = cluster.nodes.length;
  const topics = [...cluster.topics.values()];
  const channels = topics.flatMap((t) => [...t.channels.values()]);
  const sum = (list, pick) => Math.round(list.reduce((total, x) => total + pick(x), 0) / of);
  const old = node === cluster.nodes[1];
  return {
    node: node.node,
    hostname: node.hostname,
    broadcast_address: node.broadcast_address,
    tcp_port: 4150,
    http_port: 4151,
    version: old ? "1.2.1" : "1.3.0",
    out_of_date: old,
    newest: "1.3.0",
    region: "eu-west",
    zone: "eu-west-1a",
    ok: node.ok,
    error: node.ok ? null : "no answer within 5 s",
    since: node.ok ? null : node.since,
    last_ok: Date.now(),
    latency_ms: 3,
    health: "OK",
    started_at: cluster.started,
    known_to: old ? [cluster.lookupds[0]] : cluster.lookupds,
    known_to_of: cluster.lookupds.length,
    remote_addresses: cluster.lookupds.map((l) => `${l}/10.0.0.9:51000`),
    topics: topics.length,
    channels: channels.length,
    consumers: sum(channels, (c) => c.consumers),
    producers: 5,
    depth: sum(topics, (t) => t.backlog),
    memory_depth: sum(topics, (t) => t.backlog),
    disk_depth: 0,
    in_flight: sum(channels, (c) => c.inFlight),
    deferred: 12,
    messages: sum(topics, (t) => t.messages),
    publish_rate: round(sum(topics, (t) => t.now)),
    out_rate: round(sum(channels, (c) => c.outRate)),
    heap_bytes: 16_302_080,
    memory: { heap_in_use_bytes: 16_302_080, heap_objects: 32_511, gc_pause_usec_99: 240, gc_total_runs: 812 },
    tombstones: [],
    problem: node.ok ? "" : "crit",
  };
}

export function nodeDetail(cluster, node) {
  const of = cluster.nodes.length;
  const topics = [...cluster.topics.values()];
  const row = nodeRow(cluster, node);
  const all = topics.flatMap((t) => [...t.channels.values()].flatMap((c) => connections(cluster, t, c)));
  return {
    node: row,
    topics: topics.map((t) => ({
      topic: t.name,
      paused: t.paused,
      tombstoned: false,
      depth: share(t.depth, of),
      memory_depth: share(t.depth, of),
      disk_depth: 0,
      messages: share(t.messages, of),
      message_bytes: share(t.messages * 212, of),
      publish_rate: round(t.now / of),
      channels: [...t.channels.values()].map((c) => ({
        channel: c.name,
        paused: c.paused,
        depth: share(c.depth, of),
        memory_depth: share(c.depth, of),
        disk_depth: 0,
        in_flight: share(c.inFlight, of),
        deferred: 0,
        requeued: share(c.requeued, of),
        timed_out: share(c.timedOut, of),
        messages: share(c.messages, of),
        consumers: share(c.consumers, of),
        in_rate: round(c.inRate / of),
        out_rate: round(c.outRate / of),
      })),
    })),
    connections: table(all.filter((c) => c.node === node.node)),
    producers: table(topics.flatMap((t) => producers(cluster, t)).filter((p) => p.node === node.node)),
    safe_to_stop: {
      safe: false,
      messages: row.depth,
      in_flight: row.in_flight,
      deferred: row.deferred,
      only_here: ["orders.created/warehouse"],
      ephemeral: ["clickstream/sessions#ephemeral"],
      clients_only_here: 2,
    },
    problems: problems(cluster).filter((p) => p.entity.node === node.node),
  };
}

export function lookup(cluster) {
  return {
    configured: true,
    nsqlookupds: cluster.lookupds.map((address) => ({
      address,
      ok: true,
      error: null,
      since: null,
      last_ok: Date.now(),
      latency_ms: 1,
      version: "1.3.0",
      nodes: cluster.nodes.length,
      topics: cluster.topics.size,
      channels: null,
    })),
    registrations: cluster.nodes.map((n, i) => ({ node: n.node, hostname: n.hostname, known_to: [true, i !== 1] })),
    inactive: [...cluster.inactive].map(([topic, channels]) => ({ topic, channels, known_to: [true, true] })),
    tombstones: [{ topic: "orders.created", node: cluster.nodes[0].node, nsqlookupds: cluster.lookupds, left_s: 32 }],
  };
}

export function meta(cluster, options = {}) {
  return {
    version: "1.3.0",
    mode: "lookupd",
    nsqlookupds: cluster.lookupds,
    nsqds: [],
    user: options.user ?? "alice",
    is_admin: !options.readOnly,
    acl_http_header: "X-Forwarded-User",
    can: { act: !options.readOnly, tail: !options.readOnly, publish: !options.readOnly },
    tail_access: "admin",
    publish_access: "admin",
    stats_interval_ms: 10_000,
    watch_interval_ms: 2000,
    history: { bytes: 12_345, bytes_max: 67_108_864, series: 420, dropped: 0, tiers: [] },
    percentiles: [0.5, 0.95, 0.99],
    graphite: { mode: "off", url: "" },
    statsd: { prefix: "nsq.%s", counter_format: "", gauge_format: "", interval_s: 60 },
    external_links: [],
  };
}
