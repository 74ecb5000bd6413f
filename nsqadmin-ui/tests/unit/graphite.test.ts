import { describe, expect, it } from "vitest";
import { renderUrl, target } from "../../src/lib/graphite";

const statsd = {
  prefix: "nsq.%s",
  counter_format: "stats.counters.%s.count",
  gauge_format: "stats.gauges.%s",
  interval_s: 60,
};
const proxy = { statsd, graphite: { mode: "proxy" as const, url: "" } };

describe("expressions for Graphite", () => {
  it("sum gauges over all nodes", () => {
    expect(target(statsd, "topic:orders", "depth")).toBe("sumSeries(stats.gauges.nsq.*.topic.orders.depth)");
  });

  it("stand around the formatted key, and make rates of counters", () => {
    expect(target(statsd, "channel:orders/billing", "in")).toBe(
      `scale(sumSeries(stats.counters.nsq.*.topic.orders.channel.billing.message_count.count),${1 / 60})`,
    );
  });

  it("do without formats", () => {
    const bare = { prefix: "", counter_format: "", gauge_format: "", interval_s: 10 };
    expect(target(bare, "topic:orders", "depth")).toBe("sumSeries(topic.orders.depth)");
  });

  it("are not made for what nsqd does not send, nor for empty names", () => {
    expect(target(statsd, "cluster", "publish")).toBeNull();
    expect(target(statsd, "topic:", "depth")).toBeNull();
    expect(target(statsd, "topic:orders", "out")).toBeNull();
  });
});

describe("the address of a picture", () => {
  it("leads through nsqadmin, below its base path, or to Graphite itself", () => {
    const lines = [{ entity: "topic:orders", metric: "depth" }];
    expect(renderUrl(proxy, "/a/b/", lines, 3600)).toBe(
      "/a/b/render?from=-3600seconds&until=now&width=800&height=450&target=sumSeries%28stats.gauges.nsq.*.topic.orders.depth%29",
    );
    const direct = { statsd, graphite: { mode: "direct" as const, url: "http://graphite" } };
    expect(renderUrl(direct, "/", lines, 60)).toMatch(/^http:\/\/graphite\/render\?from=-60seconds/);
  });

  it("is none without Graphite", () => {
    expect(renderUrl({ statsd, graphite: { mode: "off", url: "" } }, "/", [], 60)).toBeNull();
    expect(renderUrl(proxy, "/", [{ entity: "cluster", metric: "publish" }], 60)).toBeNull();
  });
});
