/** Stable orders of rows. */

export type Value = string | number | boolean | null | undefined;

export interface Order {
  column: string;
  descending: boolean;
}

/**
 * Rows in order of `value`, equal ones by `key`; unknown values come last in both directions.
 *
 * Values and keys are read once for each row, and numbers are compared as such: ten thousand rows are sorted while
 * somebody waits. Rows that are in the order of their keys already, as answers are, cost the least.
 */
export function sorted<R>(
  rows: readonly R[],
  value: (row: R) => Value,
  descending: boolean,
  key: (row: R) => string,
): R[] {
  const values = rows.map(value);
  const keys = rows.map(key);
  const known: number[] = [];
  const unknown: number[] = [];
  let isText = true;
  values.forEach((v, i) => {
    if (v === null || v === undefined) unknown.push(i);
    else {
      known.push(i);
      isText &&= typeof v === "string";
    }
  });
  const byKey = ascending(keys);
  const byValue = isText ? ascending(values as string[]) : difference(Float64Array.from(values, Number));
  known.sort(descending ? (a, b) => byValue(b, a) || byKey(a, b) : (a, b) => byValue(a, b) || byKey(a, b));
  unknown.sort(byKey);
  return [...known, ...unknown].map((i) => rows[i] as R);
}

type Compare = (a: number, b: number) => number;

/** By the texts at two places. Names of NSQ need no locale. */
function ascending(texts: readonly string[]): Compare {
  return (i, j) => {
    const a = texts[i] as string;
    const b = texts[j] as string;
    return a < b ? -1 : a > b ? 1 : 0;
  };
}

function difference(numbers: Float64Array): Compare {
  return (i, j) => (numbers[i] as number) - (numbers[j] as number);
}

/** Rows at the places they had before; new ones at the end. */
export function held<R>(rows: readonly R[], places: ReadonlyMap<string, number>, key: (row: R) => string): R[] {
  const old: (R | undefined)[] = Array.from({ length: places.size });
  const fresh: R[] = [];
  for (const row of rows) {
    const place = places.get(key(row));
    if (place === undefined) fresh.push(row);
    else old[place] = row;
  }
  return [...old.filter((row) => row !== undefined), ...fresh];
}

/** The place of each row, by its key. */
export function placesOf<R>(rows: readonly R[], key: (row: R) => string): Map<string, number> {
  return new Map(rows.map((row, place) => [key(row), place]));
}

const RANK: Record<string, number> = { crit: 3, warn: 2, info: 1 };

export function severityRank(severity: string | null): number {
  return severity === null ? 0 : (RANK[severity] ?? 0);
}
