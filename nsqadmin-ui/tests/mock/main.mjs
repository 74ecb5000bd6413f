/**
 * Serves `dist/` with a made-up cluster behind it, for looking at pages and measuring them without NSQ.
 *
 *     node tests/mock/main.mjs [--port N] [--topics N] [--base /a/b] [--read-only]
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import * as answers from "./answers.mjs";
import { Cluster } from "./cluster.mjs";

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
const dist = new URL("../../dist/", import.meta.url);

function failure(status, message, detail, more = {}) {
  return Object.assign(new Error(message), { status, body: { message, detail, ...more } });
}

function series(query) {
  const step = Math.max(10_000, Number(query.get("range_ms")) / 300);
  const points = Math.round(Number(query.get("range_ms")) / step);
  const list = [];
  for (const entity of query.getAll("entity"))
    for (const metric of query.get("metric").split(",")) {
      const base =
        { publish: 60, out: 50, backlog: 18_000, depth: 6000, heap: 16e6, in: 61, in_flight: 30, bytes: 13_000 }[
          metric
        ] ?? 0.6;
      const phase = entity.length + metric.length;
      const values = Array.from({ length: points }, (_, i) =>
        i < 4 ? null : base * (1 + 0.2 * Math.sin((i + phase) / 19) + 0.02 * Math.sin(i * i * 0.7)),
      );
      list.push({ entity, metric, values });
    }
  return { step_ms: step, from: Date.now() - step * points, series: list };
}

function act(cluster, { action, targets, dry_run: dry }) {
  const results = targets.map(({ topic: name, channel: channelName, node }) => {
    const topic = cluster.topic(name);
    const channel = channelName === undefined ? null : topic?.channels.get(channelName);
    const depth = Math.round(
      channel
        ? channel.depth
        : action === "delete" || action === "tombstone"
          ? (topic?.backlog ?? 0)
          : (topic?.depth ?? 0),
    );
    const inFlight = channel?.inFlight ?? 0;
    const clients = channel
      ? channel.consumers
      : [...(topic?.channels.values() ?? [])].reduce((sum, c) => sum + c.consumers, 0);
    const ids = topic
      ? (channel ? [channel] : [...topic.channels.values()]).flatMap((c) =>
          answers.groups(cluster, topic, c).map((g) => g.client_id),
        )
      : [];
    if (!dry) {
      const subject = channel ?? topic;
      if (subject && (action === "pause" || action === "unpause")) subject.paused = action === "pause";
      if (subject && action === "empty") Object.assign(subject, { depth: 0, inFlight: 0, deferred: 0 });
      if (action === "delete") {
        if (channelName !== undefined) topic?.channels.delete(channelName);
        else if (!cluster.topics.delete(name)) cluster.inactive.delete(name);
      }
      if (action === "create") cluster.inactive.set(name, channelName ? [channelName] : []);
    }
    return {
      topic: name,
      channel: channelName ?? null,
      ok: true,
      messages: depth + inFlight,
      depth,
      in_flight: inFlight,
      deferred: 0,
      clients: action === "pause" ? clients : clients,
      client_ids: ids,
      producers: channel || !topic ? [] : answers.producers(cluster, topic).map((p) => p.client_id),
      is_last: channelName !== undefined && topic?.channels.size === 1,
      nodes: cluster.nodes
        .filter((n) => !node || n.node === node)
        .map((n) => ({
          node: n.node,
          kind: "nsqd",
          ok: n.ok,
          error: n.ok ? null : "timeout",
          messages: 0,
          clients: 0,
        })),
    };
  });
  const sum = (pick) => results.reduce((total, r) => total + pick(r), 0);
  return {
    dry_run: dry,
    ok: results.every((r) => r.nodes.every((n) => n.ok)),
    messages: sum((r) => r.messages),
    clients: sum((r) => r.clients),
    targets: results,
  };
}

function data(cluster, options, path, query, body) {
  const [first, second, third] = path.split("/").map(decodeURIComponent);
  const spark = query.get("spark") === "1";
  switch (first) {
    case "meta":
      return answers.meta(cluster, options);
    case "overview":
      return answers.overview(cluster);
    case "topics": {
      const topic = second === undefined ? null : cluster.topic(second);
      if (second === undefined)
        return answers.table([...cluster.topics.values()].map((t) => drop(answers.topicRow(cluster, t), spark)));
      if (!topic && cluster.inactive.has(second)) {
        const empty = answers.table([]);
        return {
          topic: second,
          inactive: true,
          ephemeral: false,
          row: { paused: "no" },
          nodes: [],
          channels: empty,
          clients: empty,
          connections: empty,
          producers: empty,
          registered_channels: cluster.inactive.get(second),
          problems: [],
        };
      }
      if (!topic)
        throw failure(404, "TOPIC_NOT_FOUND", `No nsqlookupd knows ${second}.`, { nearest: ["orders.created"] });
      if (third === undefined) return answers.topicDetail(cluster, topic);
      const channel = topic.channels.get(third);
      if (!channel)
        throw failure(404, "CHANNEL_NOT_FOUND", `No nsqd has ${second}/${third}.`, {
          nearest: [...topic.channels.keys()].slice(0, 2),
        });
      return answers.channelDetail(cluster, topic, channel);
    }
    case "channels":
      return answers.table(each(cluster, (t, c) => drop(answers.channelRow(cluster, t, c), spark)));
    case "clients":
      return answers.table(each(cluster, (t, c) => answers.groups(cluster, t, c)).flat());
    case "connections":
      return answers.table(each(cluster, (t, c) => answers.connections(cluster, t, c)).flat());
    case "producers":
      return answers.table([...cluster.topics.values()].flatMap((t) => answers.producers(cluster, t)));
    case "nodes": {
      if (second === undefined) return { nodes: cluster.nodes.map((n) => answers.nodeRow(cluster, n)) };
      const node = cluster.nodes.find((n) => n.node === second);
      if (!node) throw failure(404, "NODE_NOT_FOUND", `No such node: ${second}.`);
      return answers.nodeDetail(cluster, node);
    }
    case "lookup":
      return answers.lookup(cluster);
    case "series":
      return series(query);
    case "actions":
      if (options.readOnly) throw failure(403, "FORBIDDEN", "Read only: ask an admin (see --admin-user).");
      return act(cluster, body);
    case "publish":
      return { node: cluster.nodes[0].node, messages: 1, bytes: body.body.length, channels: 1, consumers: 1 };
    default:
      throw failure(404, "NOT_FOUND", "There is no such endpoint.");
  }
}

function drop(row, spark) {
  if (spark) return row;
  const { publish_spark: _a, backlog_spark: _b, depth_spark: _c, ...rest } = row;
  return rest;
}

function each(cluster, make) {
  return [...cluster.topics.values()].flatMap((t) => [...t.channels.values()].map((c) => make(t, c)));
}

/** A server of a made-up cluster; `cluster` may be changed while it runs. */
export async function serve(options = {}) {
  const cluster = new Cluster(options);
  const timer = setInterval(() => cluster.tick(2), 2000);
  const base = options.base ?? "";
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://mock");
    const path = url.pathname.slice(base.length);
    const send = (status, type, body, more = {}) => {
      const zipped = gzipSync(body, { level: 1 });
      response.writeHead(status, {
        "Content-Type": type,
        "Content-Encoding": "gzip",
        "Content-Security-Policy": CSP,
        ...more,
      });
      response.end(zipped);
    };
    try {
      if (path.startsWith("/api/ext/")) {
        let text = "";
        for await (const chunk of request) text += chunk;
        const found = data(cluster, options, path.slice(9), url.searchParams, text ? JSON.parse(text) : null);
        const ok = cluster.nodes.filter((n) => n.ok).length;
        const upstreams = { nsqlookupd: { ok: 2, of: 2 }, nsqd: { ok, of: cluster.nodes.length } };
        const sources = cluster.nodes
          .filter((n) => !n.ok)
          .map((n) => ({
            id: n.node,
            kind: "nsqd",
            ok: false,
            error: "no answer within 5 s",
            since: n.since,
            last_ok: n.since,
            latency_ms: 5000,
          }));
        const envelope = {
          seq: cluster.seq,
          at: Date.now(),
          age_ms: 740,
          upstreams,
          sources,
          partial: sources.length > 0,
          data: found,
        };
        send(200, "application/json", JSON.stringify(envelope), { "Cache-Control": "no-store" });
      } else if (path.startsWith("/static/")) {
        const name = path.slice(8);
        send(200, TYPES[name.split(".").at(-1)], await readFile(new URL(name, dist)), {
          "Cache-Control": "public, max-age=31536000, immutable",
        });
      } else {
        const page = await readFile(new URL("index.html", dist), "utf8");
        const boot = JSON.stringify({ base_path: base, meta: answers.meta(cluster, options) });
        const head = `<base href="${base}/"><script type="application/json" id="nsqadmin-boot">${boot}</script>`;
        send(200, TYPES.html, page.replace("<!--nsqadmin-head-->", head));
      }
    } catch (error) {
      send(
        error.status ?? 500,
        "application/json",
        JSON.stringify(error.body ?? { message: "INTERNAL_ERROR", detail: String(error) }),
      );
    }
  });
  await new Promise((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    cluster,
    url: `http://127.0.0.1:${server.address().port}${base}/`,
    close: () => {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const given = process.argv.slice(2);
  const value = (name) => (given.includes(name) ? given[given.indexOf(name) + 1] : undefined);
  const { url } = await serve({
    port: Number(value("--port") ?? 4171),
    topics: Number(value("--topics") ?? 0),
    base: value("--base") ?? "",
    readOnly: given.includes("--read-only"),
  });
  console.log(url);
}
