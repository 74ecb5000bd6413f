import { describe, expect, it } from "vitest";
import type { ClientGroup, Connection } from "../../src/api/types";
import { clientName, members, nearness } from "../../src/lib/groups";
import { rank } from "../../src/lib/rank";
import { sparkPath } from "../../src/lib/spark";

const connection = (more: Partial<Connection>) =>
  ({
    topic: "t",
    channel: "c",
    client_id: "a",
    hostname: "a.prod",
    user_agent: "x",
    node: "n1",
    ...more,
  }) as Connection;

describe("a client", () => {
  it("is called by its host, with its id unless that repeats it", () => {
    expect(clientName({ hostname: "a.prod", client_id: "a" })).toBe("a.prod");
    expect(clientName({ hostname: "a.prod", client_id: "worker" })).toBe("a.prod (worker)");
    expect(clientName({ hostname: "", client_id: "", remote_address: "1.2.3.4:5" })).toBe("1.2.3.4:5");
  });

  it("belongs to the group of its program", () => {
    const groups = [connection({}), connection({ user_agent: "y" })].map(
      (c, i) => ({ ...c, key: `${i}` }) as unknown as ClientGroup,
    );
    const found = members(groups, [connection({ node: "n2" }), connection({ user_agent: "y" }), connection({})]);
    expect(found.get("0")?.map((c) => c.node)).toEqual(["n2", "n1"]);
    expect(found.get("1")).toHaveLength(1);
  });

  it("is listed by node, nearest first", () => {
    const near = connection({ hostname: "z", attributes: { locality: "zone" } });
    const far = connection({ hostname: "a", attributes: { locality: "global" } });
    expect(nearness(near) < nearness(far)).toBe(true);
    expect(nearness(far) < nearness(connection({ node: "n2", attributes: { locality: "zone" } }))).toBe(true);
  });
});

describe("search", () => {
  it("prefers whole names, then beginnings, then words, then parts, then letters in order", () => {
    const names = ["xorders", "o-r-d-e-r-s", "my.orders", "orders.created", "orders", "payments"];
    const found = names.filter((n) => rank(n, "orders") > 0).sort((a, b) => rank(b, "orders") - rank(a, "orders"));
    expect(found).toEqual(["orders", "orders.created", "my.orders", "xorders", "o-r-d-e-r-s"]);
  });
});

describe("a sparkline", () => {
  it("starts anew behind a gap and stays inside", () => {
    const path = sparkPath([1, 2, null, 4, 3], 96, 20);
    expect(path.match(/M/g)).toHaveLength(2);
    for (const [, y] of path.matchAll(/[ML][\d.]+ ([\d.]+)/g)) expect(Number(y)).toBeLessThanOrEqual(18);
  });

  it("of fewer than two values is nothing", () => {
    expect(sparkPath([null, 3], 96, 20)).toBe("");
  });

  it("of zeros is a line on the floor", () => expect(sparkPath([0, 0], 96, 20)).toBe("M2.0 18.0L94.0 18.0"));
});
