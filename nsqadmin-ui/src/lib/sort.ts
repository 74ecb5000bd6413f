/** Stable orders of rows. */

export type Value = string | number | boolean | null | undefined;

export interface Order {
  column: string;
  descending: boolean;
}

/** Unknown values come last in both directions. */
export function compare(a: Value, b: Value, descending: boolean): number {
  const missingA = a === null || a === undefined;
  const missingB = b === null || b === undefined;
  if (missingA || missingB) return missingA === missingB ? 0 : missingA ? 1 : -1;
  const texts = typeof a === "string" && typeof b === "string";
  const order = texts ? (a < b ? -1 : a > b ? 1 : 0) : Number(a) - Number(b);
  return descending ? -order : order;
}

/** Rows in order of `value`, equal ones by `key`. */
export function sorted<R>(
  rows: readonly R[],
  value: (row: R) => Value,
  descending: boolean,
  key: (row: R) => string,
): R[] {
  const keyed = rows.map((row) => ({ row, value: value(row), key: key(row) }));
  keyed.sort((a, b) => compare(a.value, b.value, descending) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ row }) => row);
}

/** Rows in the order of earlier keys; new ones at the end. */
export function held<R>(rows: readonly R[], keys: readonly string[], key: (row: R) => string): R[] {
  const place = new Map(keys.map((k, index) => [k, index]));
  return rows
    .map((row, index) => ({ row, place: place.get(key(row)) ?? keys.length + index }))
    .sort((a, b) => a.place - b.place)
    .map(({ row }) => row);
}

const RANK: Record<string, number> = { crit: 3, warn: 2, info: 1 };

export function severityRank(severity: string | null): number {
  return severity === null ? 0 : (RANK[severity] ?? 0);
}
