/**
 * The filter line over tables.
 *
 * Words must all occur in the row's text. `word:text` looks into one field, `is:paused` asks for a flag, and
 * `depth>1000` compares a number (`<`, `>`, `<=`, `>=`, `=`; `k` and `M` may follow). A `-` in front turns a term round.
 */

export interface Fields {
  /** What plain words are looked up in. */
  text: string;
  /** What `name:text` looks into. */
  in?: Record<string, string | readonly string[]>;
  /** What `is:name` asks. */
  is?: Record<string, boolean>;
  /** What comparisons read. */
  number?: Record<string, number | null>;
}

/** Fields in lower case, so that a row is prepared once however often it is asked about. */
export interface Known {
  text: string;
  in: Record<string, readonly string[]>;
  is: Record<string, boolean>;
  number: Record<string, number | null>;
}

export function known({ text, in: names = {}, is = {}, number = {} }: Fields): Known {
  const lower: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(names))
    lower[name] = (typeof value === "string" ? [value] : value).map((v) => v.toLowerCase());
  return { text: text.toLowerCase(), in: lower, is, number };
}

export interface Term {
  not: boolean;
  kind: "text" | "in" | "is" | "number";
  name: string;
  text: string;
  operator: string;
  number: number;
}

const SCALE: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

export function parse(query: string): Term[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "" && word !== "-")
    .map(term);
}

function term(word: string): Term {
  const not = word.startsWith("-");
  const body = not ? word.slice(1) : word;
  const common = { not, name: "", text: body, operator: "", number: 0 };
  const compared = /^([a-z_]+)(<=|>=|<|>|=)(\d+(?:\.\d+)?)([kmg]?)$/.exec(body);
  if (compared) {
    const [, name = "", operator = "", digits = "", scale = ""] = compared;
    return { ...common, kind: "number", name, operator, number: Number(digits) * (SCALE[scale] ?? 1) };
  }
  const field = /^([a-z_]+):(.*)$/.exec(body);
  if (field) {
    const [, name = "", text = ""] = field;
    return name === "is" ? { ...common, kind: "is", name: text } : { ...common, kind: "in", name, text };
  }
  return { ...common, kind: "text" };
}

function holds(t: Term, fields: Known): boolean {
  switch (t.kind) {
    case "is":
      return fields.is[t.name] ?? false;
    case "in": {
      const values = fields.in[t.name];
      return values ? values.some((v) => v.includes(t.text)) : fields.text.includes(`${t.name}:${t.text}`);
    }
    case "number": {
      const value = fields.number[t.name];
      if (value === null || value === undefined) return false;
      switch (t.operator) {
        case "<":
          return value < t.number;
        case ">":
          return value > t.number;
        case "<=":
          return value <= t.number;
        case ">=":
          return value >= t.number;
        default:
          return value === t.number;
      }
    }
    default:
      return fields.text.includes(t.text);
  }
}

export function matches(terms: readonly Term[], fields: () => Known): boolean {
  if (terms.length === 0) return true;
  const row = fields();
  return terms.every((t) => holds(t, row) !== t.not);
}
