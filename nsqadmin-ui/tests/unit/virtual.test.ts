import { describe, expect, it } from "vitest";
import { visible, WHOLE_MAX } from "../../src/lib/virtual";

describe("the window of a table", () => {
  it("is everything while the table is short", () => {
    expect(visible(WHOLE_MAX, 28, 5000, 600)).toEqual({ first: 0, end: WHOLE_MAX, above: 0, below: 0 });
  });

  it("covers what can be seen at any place, and stands for all rows", () => {
    const [rows, height, seen] = [10_000, 28, 600];
    for (let top = -100; top < rows * height + 1000; top += 977) {
      const window = visible(rows, height, top, seen);
      const from = Math.max(0, Math.min(top, rows * height - seen));
      expect(window.first * height).toBeLessThanOrEqual(from);
      expect(window.end * height).toBeGreaterThanOrEqual(from + seen);
      expect(window.above + window.below + (window.end - window.first) * height).toBe(rows * height);
      expect(window.end - window.first).toBeLessThan(60);
    }
  });
});
