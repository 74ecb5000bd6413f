import { describe, expect, it } from "vitest";
import { decode, merge } from "../../src/lib/columns";

interface Row {
  key: string;
  depth: number;
}

describe("tables", () => {
  it("are decoded from columns", () => {
    expect(decode({ cols: ["key", "depth"], rows: [["a", 1]] })).toEqual([{ key: "a", depth: 1 }]);
  });

  it("take changes and removals, and leave the rest", () => {
    const before = new Map<string, Row>([
      ["a", { key: "a", depth: 1 }],
      ["b", { key: "b", depth: 2 }],
      ["c", { key: "c", depth: 3 }],
    ]);
    const after = merge(before, {
      cols: ["key", "depth"],
      rows: [
        ["b", 9],
        ["d", 4],
      ],
      removed: ["a"],
      full: false,
    });
    expect([...after.values()]).toEqual([
      { key: "b", depth: 9 },
      { key: "c", depth: 3 },
      { key: "d", depth: 4 },
    ]);
    expect(before.size).toBe(3);
  });

  it("begin anew with a full answer", () => {
    const before = new Map<string, Row>([["a", { key: "a", depth: 1 }]]);
    expect([...merge(before, { cols: ["key", "depth"], rows: [], full: true }).keys()]).toEqual([]);
  });
});
