import { describe, expect, it } from "vitest";
import * as f from "../../src/lib/format";

describe("durations", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [850e-9, "850 ns"],
    [850e-6, "850 µs"],
    [0.358, "358 ms"],
    [0.9999, "1 s"],
    [1, "1 s"],
    [9.5, "9.5 s"],
    [45.2, "45.2 s"],
    [59.97, "1 m 00 s"],
    [60, "1 m 00 s"],
    [180.83, "3 m 01 s"],
    [3599.6, "1 h 00 m"],
    [3780, "1 h 03 m"],
    [86_399, "1 d 0 h"],
    [273_600, "3 d 4 h"],
    [Number.POSITIVE_INFINITY, "∞"],
  ];
  it.each(cases)("of %d s are %s", (seconds, text) => {
    expect(f.duration(seconds)).toBe(text);
  });

  it("that are missing are a dash, never a zero", () => {
    expect(f.duration(null)).toBe("–");
    expect(f.latency(0)).toBe("–");
    expect(f.latency(null)).toBe("–");
  });

  it("have at most two units", () => {
    for (let seconds = 1; seconds < 1e7; seconds = seconds * 1.37 + 0.1)
      expect(f.duration(seconds)).toMatch(/^\d+(\.\d)? (s|m|h|d)( \d+ (s|m|h))?$/);
  });
});

describe("counts", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [412_093, "412,093"],
    [999_999, "999,999"],
    [1_234_567, "1.23 M"],
    [12_345_678, "12.3 M"],
    [999_500_000, "1.00 G"],
    [-1234, "−1,234"],
  ];
  it.each(cases)("of %d are %s", (value, text) => {
    expect(f.count(value)).toBe(text);
  });

  it("can be exact", () => expect(f.count(12_345_678, true)).toBe("12,345,678"));
  it("that are unknown are a question mark", () => expect(f.count(null)).toBe("?"));
});

describe("rates", () => {
  const cases: [number | null, string][] = [
    [null, "…"],
    [0, "0"],
    [0.04, "< 0.1"],
    [12.34, "12.3"],
    [99.96, "100"],
    [9999, "9,999"],
    [12_345, "12.3 k"],
    [-2.5, "−2.5"],
  ];
  it.each(cases)("of %s are %s", (value, text) => {
    expect(f.rate(value)).toBe(text);
  });

  it("say that they are measured", () => expect(f.perSecond(null)).toBe("measuring…"));
  it("of change carry their sign", () => {
    expect(f.trend(41)).toBe("+41.0/s");
    expect(f.trend(-41)).toBe("−41.0/s");
    expect(f.trend(0.01)).toBe("steady");
  });
});

describe("bytes and parts", () => {
  it("are binary units", () => {
    expect(f.bytes(0)).toBe("0 B");
    expect(f.bytes(27_034)).toBe("26.4 KiB");
    expect(f.bytes(1023.99 * 1024)).toBe("1.0 MiB");
  });

  it("are percents with a decimal below ten", () => {
    expect(f.percent(0.024)).toBe("2.4 %");
    expect(f.percent(0.24)).toBe("24 %");
    expect(f.percent(null)).toBe("–");
  });
});

describe("the wait in a queue", () => {
  it("is depth by rate", () => expect(f.wait(600, 10)).toBe(60));
  it("is endless when nothing leaves", () => expect(f.wait(600, 0)).toBe(Number.POSITIVE_INFINITY));
  it("is none in an empty queue", () => expect(f.wait(0, 0)).toBeNull());
});

describe("a forecast", () => {
  it("says when a draining queue is empty", () => expect(f.forecast(600, -2.5)).toBe("empty in 4 m 00 s"));
  it("says how a queue fills", () => expect(f.forecast(600, 41)).toBe("2,460 more per minute"));
  it("says nothing of a steady one", () => expect(f.forecast(600, 0)).toBe(""));
});

describe("times", () => {
  it("of another day carry the day", () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(f.clock(at, true, at)).toBe("03:04:05");
    expect(f.clock(at, true, at + 86_400_000)).toBe("2026-01-02 03:04:05");
    expect(f.stamp(at, true)).toBe("2026-01-02 03:04:05 UTC");
  });
});
