import { describe, expect, it } from "vitest";
import { Ring, Rings } from "../../src/lib/ring";

const MINUTE = 60_000;

describe("a ring of samples", () => {
  it("gives points at even distances", () => {
    const ring = new Ring();
    for (let i = 0; i <= 5; i++) ring.push(i * 2000, { depth: i * 10 });
    expect(ring.pace(0, 10_000)).toBe(2000);
    expect(ring.line("depth", 0, 10_000, 2000)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(ring.line("depth", 4000, 8000, 4000)).toEqual([30, 40]);
  });

  it("has a gap where nobody looked, and none where an answer was late", () => {
    const ring = new Ring();
    for (const at of [0, 2000, 4000, 7900, 10_000, 40_000, 42_000]) ring.push(at, { depth: 1 });
    expect(ring.pace(0, 42_000)).toBe(2100);
    const values = ring.line("depth", 0, 42_000, 2000);
    expect(values.slice(0, 6)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(values.slice(6, 20).every((v) => v === null)).toBe(true);
    expect(values.slice(20)).toEqual([1, 1]);
  });

  it("keeps a rate that is not known, as after a restart, a gap", () => {
    const ring = new Ring();
    ring.push(0, { publish: 5 });
    ring.push(2000, { publish: null });
    ring.push(4000, { publish: 4 });
    expect(ring.line("publish", 0, 4000, 2000)).toEqual([5, null, 4]);
    expect(ring.line("nothing", 0, 4000, 2000)).toEqual([null, null, null]);
  });

  it("forgets what is older than half an hour, and answers that come twice", () => {
    const ring = new Ring();
    for (let minute = 0; minute <= 90; minute++) {
      ring.push(minute * MINUTE, { depth: minute });
      ring.push(minute * MINUTE, { depth: -1 });
      ring.push(minute * MINUTE - 1, { depth: -1 });
    }
    const values = ring.line("depth", 0, 90 * MINUTE, MINUTE);
    expect(values.slice(0, 60).every((v) => v === null)).toBe(true);
    expect(values.slice(60)).toEqual(Array.from({ length: 31 }, (_, i) => 60 + i));
    expect(ring.latest).toBe(90 * MINUTE);
  });

  it("that is empty has no line", () => {
    expect(new Ring().line("depth", 0, 60_000, 30_000)).toEqual([null, null, null]);
    expect(new Ring().pace(0, 60_000)).toBe(0);
    expect(new Ring().latest).toBeNull();
  });
});

describe("rings", () => {
  it("of what was not seen for longest go first", () => {
    const rings = new Rings();
    for (let i = 0; i < 200; i++) rings.push(`topic:${i}`, 1, { depth: i });
    rings.push("topic:0", 2, { depth: 0 });
    rings.push("topic:new", 2, { depth: 0 });
    expect(rings.get("topic:1")).toBeUndefined();
    expect(rings.get("topic:0")).toBeDefined();
  });
});
