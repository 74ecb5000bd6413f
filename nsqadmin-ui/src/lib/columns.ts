import type { Columnar } from "../api/types";

/** Rows as objects. Answers are sent in columns because names would be most of the text. */
export function decode<R>(data: Columnar): R[] {
  const { cols, rows } = data;
  return rows.map((cells) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < cols.length; i++) row[cols[i] ?? ""] = cells[i];
    return row as R;
  });
}

/** The rows after an answer: all new ones, or those before with what has changed. */
export function merge<R extends { key: string }>(before: ReadonlyMap<string, R>, data: Columnar): Map<string, R> {
  const next = data.full === false ? new Map(before) : new Map<string, R>();
  for (const key of data.removed ?? []) next.delete(key);
  for (const row of decode<R>(data)) next.set(row.key, row);
  return next;
}
