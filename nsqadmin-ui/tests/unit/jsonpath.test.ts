import { describe, expect, it } from "vitest";
import { compile } from "../../src/lib/jsonpath";

const body = '{"order_id":7029,"ok":true,"customer":{"name":"Ann"},"items":[{"n":7}],"note":"5"}';

function holds(source: string, text = body): boolean {
  const compiled = compile(source);
  if ("error" in compiled) throw new Error(compiled.error);
  return compiled.test(text);
}

describe("the filter of messages", () => {
  const yes = [
    "",
    "ANN",
    "/order_id.:70\\d+/",
    "/ann/i",
    '.customer.name == "Ann"',
    ".customer.name = Ann",
    ".order_id > 500",
    ".order_id <= 7029",
    ".items[0].n == 7",
    ".ok == true",
    ".ok != false",
    ".customer",
  ];
  it.each(yes)("finds with %s", (source) => expect(holds(source)).toBe(true));

  const no = [
    '.customer.name == "Bob"',
    ".total > 500",
    ".missing",
    ".missing != 1",
    ".note > 4",
    ".items[3].n == 7",
    "/^x/",
  ];
  it.each(no)("does not find with %s", (source) => expect(holds(source)).toBe(false));

  it("does not reach what is inherited", () => {
    expect(holds(".constructor")).toBe(false);
    expect(holds(".__proto__")).toBe(false);
  });

  it("does not find paths in what is no JSON", () => expect(holds(".a == 1", "a=1")).toBe(false));

  it.each(["/(/", ".a >", "..a", ".a ~ 3"])("says what is wrong with %s", (source) => {
    expect(compile(source)).toHaveProperty("error");
  });
});
