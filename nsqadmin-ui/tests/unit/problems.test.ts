import { describe, expect, it } from "vitest";
import type { Problem } from "../../src/api/types";
import { grouped, inOneLine } from "../../src/lib/problems";

const of = (rule: string, entity: Problem["entity"], affected = 0): Problem => ({
  rule,
  severity: "crit",
  entity,
  affected,
  since: 0,
  text: "",
  link: "",
});
const channel = (topic: string, name: string, affected: number) =>
  of("H-07", { kind: "channel", topic, channel: name }, affected);

describe("problems of one rule", () => {
  const four = ["a", "b", "c", "d"].map((name, i) => channel("orders", name, 510 + i * 130));

  it("are one line from four on, where the first of them stood", () => {
    expect(grouped(four.slice(0, 3)).map((l) => l.problems.length)).toEqual([1, 1, 1]);
    const mixed = grouped([of("H-01", { kind: "nsqlookupd", address: "l:1" }), ...four]);
    expect(mixed.map((l) => l.problems.length)).toEqual([1, 4]);
  });

  it("say how many things they are about, and how many messages", () => {
    expect(inOneLine(four)).toEqual({
      subject: "4 channels of orders",
      text: "510 to 900 messages in each, nobody connected",
    });
    expect(inOneLine([...four, channel("payments", "a", 5)]).subject).toBe("5 channels of 2 topics");
  });

  it("without messages say only what is wrong", () => {
    const nodes = ["a:1", "b:1", "c:1", "d:1"].map((node) => of("H-02", { kind: "nsqd", node }));
    expect(inOneLine(nodes)).toEqual({ subject: "4 nsqd", text: "no answer" });
    const same = ["a", "b", "c", "d"].map((topic) => of("H-14", { kind: "topic", topic }, 7));
    expect(inOneLine(same)).toEqual({ subject: "4 topics", text: "7 messages in each, paused" });
  });
});
