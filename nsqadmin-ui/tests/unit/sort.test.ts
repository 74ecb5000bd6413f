import { describe, expect, it } from "vitest";
import { held, placesOf, sorted } from "../../src/lib/sort";

interface Row {
  name: string;
  depth: number | null;
}

const rows: Row[] = [
  { name: "c", depth: 2 },
  { name: "a", depth: null },
  { name: "b", depth: 2 },
  { name: "d", depth: 10 },
];
const names = (list: Row[]) => list.map((r) => r.name).join("");
const key = (r: Row) => r.name;

describe("sorted rows", () => {
  it("of equal values stand by their key, in both directions", () => {
    expect(names(sorted(rows, (r) => r.depth, false, key))).toBe("bcda");
    expect(names(sorted(rows, (r) => r.depth, true, key))).toBe("dbca");
  });

  it("are by text where all values are texts, and by number where not", () => {
    expect(names(sorted(rows, (r) => r.name, true, key))).toBe("dcba");
    expect(names(sorted(rows, (r) => r.name === "b", true, key))).toBe("bacd");
    expect(names(sorted(rows, (r) => (r.depth === 2 ? "2" : r.depth), false, key))).toBe("bcda");
  });

  it("are all there, however many share a value", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({ name: `row-${(i * 7919) % 10_000}`, depth: i % 3 }));
    const order = sorted(many, (r) => r.depth, true, key);
    expect(new Set(order.map(key)).size).toBe(10_000);
    for (let i = 1; i < order.length; i++) {
      const [a, b] = [order[i - 1] as (typeof many)[0], order[i] as (typeof many)[0]];
      expect(a.depth > b.depth || (a.depth === b.depth && a.name < b.name)).toBe(true);
    }
  });

  it("do not depend on the order they came in", () => {
    expect(names(sorted(rows.toReversed(), (r) => r.depth, true, key))).toBe("dbca");
  });
});

describe("a held order", () => {
  it("keeps rows where they were and puts new ones at the end", () => {
    const gone = { name: "gone", depth: 1 };
    const places = placesOf([rows[3], gone, rows[2]] as Row[], key);
    expect(names(held(rows, places, key))).toBe("dbca");
  });
});
