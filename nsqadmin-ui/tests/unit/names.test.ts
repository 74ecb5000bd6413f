import { describe, expect, it } from "vitest";
import { distance, isValidName, nameFault, nearest } from "../../src/lib/names";

describe("names", () => {
  const valid = ["a", "a.b_c-D9", "x#ephemeral", "a".repeat(64)];
  it.each(valid)("%s is valid", (name) => {
    expect(isValidName(name)).toBe(true);
    expect(nameFault(name)).toBeNull();
  });

  const invalid = ["a b", "a#b", "#ephemeral", "a#ephemeral#ephemeral", "ü", "a".repeat(65), "a/b"];
  it.each(invalid)("'%s' is not, and it is said why", (name) => {
    expect(isValidName(name)).toBe(false);
    expect(nameFault(name)).toMatch(/\.|-$/);
  });

  it("that are not typed yet have no fault", () => expect(nameFault("")).toBeNull());
});

describe("names like another", () => {
  it("are found by typing mistakes and by parts", () => {
    expect(nearest("orders.creatd", ["orders.created", "payments", "orders"])).toEqual(["orders", "orders.created"]);
    expect(nearest("zzz", ["orders.created"])).toEqual([]);
  });

  it("differ by what has to be typed", () => {
    expect(distance("", "abc")).toBe(3);
    expect(distance("abc", "abc")).toBe(0);
    expect(distance("kitten", "sitting")).toBe(3);
  });
});
