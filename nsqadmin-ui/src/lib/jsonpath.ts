/**
 * The filter of the tail: plain text, `/expression/`, or a comparison of one value of a JSON body, as in
 * `.customer.name == "x"`, `.items[0].n > 5`, `.ok != true`, `.id` (is there).
 */

export type Predicate = (body: string) => boolean;

const COMPARISON = /^((?:\.[A-Za-z_$][\w$-]*|\[\d+\])+)\s*(?:(==|!=|>=|<=|=|>|<)\s*(.+))?$/;

/** A filter, or what is wrong with it. */
export function compile(source: string): { test: Predicate } | { error: string } {
  const text = source.trim();
  if (text === "") return { test: () => true };
  const expression = /^\/(.+)\/(i?)$/.exec(text);
  if (expression) {
    try {
      const pattern = new RegExp(expression[1] ?? "", expression[2]);
      return { test: (body) => pattern.test(body) };
    } catch {
      return { error: "This is no regular expression." };
    }
  }
  if (text.startsWith(".")) return comparison(text);
  const needle = text.toLowerCase();
  return { test: (body) => body.toLowerCase().includes(needle) };
}

function comparison(text: string): { test: Predicate } | { error: string } {
  const parts = COMPARISON.exec(text);
  if (!parts) return { error: "Write a path and a comparison, as in  .total > 500" };
  const [, path = "", operator, literal] = parts;
  const steps = [...path.matchAll(/\.([\w$-]+)|\[(\d+)\]/g)].map((m) => m[1] ?? Number(m[2]));
  if (operator === undefined || literal === undefined) return { test: (body) => walk(body, steps) !== undefined };
  let wanted: unknown;
  try {
    wanted = JSON.parse(literal.trim());
  } catch {
    wanted = literal.trim();
  }
  return { test: (body) => compare(walk(body, steps), operator, wanted) };
}

function walk(body: string, steps: readonly (string | number)[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function compare(value: unknown, operator: string, wanted: unknown): boolean {
  if (operator === "==" || operator === "=") return value === wanted;
  if (operator === "!=") return value !== undefined && value !== wanted;
  const comparable =
    (typeof value === "number" && typeof wanted === "number") ||
    (typeof value === "string" && typeof wanted === "string");
  if (!comparable) return false;
  const [a, b] = [value as number, wanted as number];
  switch (operator) {
    case ">":
      return a > b;
    case "<":
      return a < b;
    case ">=":
      return a >= b;
    default:
      return a <= b;
  }
}
