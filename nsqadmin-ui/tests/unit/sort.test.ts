import { describe, expect, it } from "vitest";
import { held, sorted } from "../../src/lib/sort";

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

  it("do not depend on the order they came in", () => {
    expect(names(sorted(rows.toReversed(), (r) => r.depth, true, key))).toBe("dbca");
  });
});

describe("a held order", () => {
  it("keeps rows where they were and puts new ones at the end", () => {
    expect(names(held(rows, ["d", "gone", "b"], key))).toBe("dbca");
  });
});
