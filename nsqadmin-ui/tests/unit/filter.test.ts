import { describe, expect, it } from "vitest";
import { type Fields, known, matches, parse } from "../../src/lib/filter";

const row: Fields = {
  text: "orders.created/fulfilment",
  in: { topic: "orders.created", node: ["a:4151", "b:4151"] },
  is: { paused: true, stalled: false },
  number: { depth: 5759, consumers: 0, rate: null },
};

function holds(query: string): boolean {
  return matches(parse(query), () => known(row));
}

describe("a filter", () => {
  const yes = [
    "",
    "fulfil",
    "ORDERS fulfil",
    "orders.created/ful",
    "topic:orders",
    "node:b:4151",
    "is:paused",
    "depth>1000",
    "depth>5k depth<6k",
    "consumers=0",
    "-is:stalled",
    "-billing",
    "depth>=5759 depth<=5759",
  ];
  it.each(yes)("finds with '%s'", (query) => expect(holds(query)).toBe(true));

  const no = [
    "billing",
    "orders billing",
    "topic:billing",
    "is:stalled",
    "is:nonsense",
    "depth<1000",
    "consumers>0",
    "-orders",
  ];
  it.each(no)("does not find with '%s'", (query) => expect(holds(query)).toBe(false));

  it("never matches a number nobody knows", () => {
    expect(holds("rate<1")).toBe(false);
    expect(holds("rate>=0")).toBe(false);
  });

  it("takes an unknown field for text", () => {
    expect(matches(parse("x:y"), () => known({ text: "an X:y in a name" }))).toBe(true);
  });

  it("does not read the row when nothing is asked", () => {
    expect(matches(parse("  "), () => expect.unreachable())).toBe(true);
  });
});
