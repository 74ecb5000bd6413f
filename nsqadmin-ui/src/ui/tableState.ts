/** What a table shows of its rows, kept in the address so that a view can be shared. */

import { useMemo, useRef, useState } from "preact/hooks";
import { type Known, known, matches, parse } from "../lib/filter";
import { held, type Order, placesOf, sorted } from "../lib/sort";
import { query, setQuery } from "../router";
import { columns as chosenColumns } from "../state/prefs";
import type { Column, QuickFilter, TableProps } from "./Table";

/** Rows are put in order again at most this often while numbers move. */
const RESORT_MS = 5000;
/** The address follows typing after this pause. */
const TYPING_MS = 200;

export interface View<R> {
  text: string;
  setText: (text: string) => void;
  order: Order;
  setOrder: (column: Column<R>) => void;
  quick: string;
  quickCounts: Record<string, number>;
  columns: Column<R>[];
  /** What is left after filters, in order. */
  rows: R[];
  /** The order is kept although the numbers say otherwise. */
  isHeld: boolean;
}

export function columnsOf<R>(id: string, all: readonly Column<R>[]): Column<R>[] {
  const asked = askedColumns(id);
  return all.filter((c, i) => i === 0 || (asked ? asked.includes(c.id) : !c.optional));
}

function askedColumns(id: string): string[] | undefined {
  return query.value.get("cols")?.split(",") ?? chosenColumns.value[id];
}

export function useTableView<R>(props: TableProps<R>, inside: boolean): View<R> {
  const { rows, columns, rowKey, fields, filters } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const text = typed ?? query.value.get("q") ?? "";
  const setText = (value: string) => {
    setTyped(value);
    if (timer.current) clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setQuery({ q: value });
      setTyped(null);
    }, TYPING_MS);
  };

  const quick = query.value.get("f") ?? "";
  const column = query.value.get("sort") ?? props.order.column;
  const dir = query.value.get("dir");
  const sortedBy = columns.find((c) => c.id === column);
  const order: Order = {
    column,
    descending: dir
      ? dir === "desc"
      : column === props.order.column
        ? props.order.descending
        : Boolean(sortedBy?.numeric),
  };
  const setOrder = (next: Column<R>) => {
    const descending = next.id === order.column ? !order.descending : Boolean(next.numeric);
    setQuery({ sort: next.id, dir: descending ? "desc" : "asc" });
  };

  const all = rows ?? [];
  const quickCounts = useMemo(() => countQuick(all, filters), [all, filters]);
  // What a row is filtered by stays the same as long as the row does.
  const read = useRef(new WeakMap<object, Known>());
  const left = useMemo(() => {
    const terms = parse(text);
    const chosen = filters?.find((f) => f.id === quick);
    const fieldsOf = (row: R) => {
      const before = read.current.get(row as object);
      if (before) return before;
      const made = known(fields(row));
      read.current.set(row as object, made);
      return made;
    };
    return all.filter((row) => (!chosen || chosen.test(row)) && matches(terms, () => fieldsOf(row)));
  }, [all, text, quick, filters]);

  const value = props.order.column === order.column && props.order.value ? props.order.value : sortedBy?.value;
  const kept = useRef({ places: new Map<string, number>(), at: 0, by: "" });
  const ordered = useMemo(() => {
    const by = `${order.column} ${order.descending} ${text} ${quick}`;
    const again =
      kept.current.by !== by ||
      kept.current.places.size === 0 ||
      (!inside && Date.now() - kept.current.at >= RESORT_MS);
    if (!again) return held(left, kept.current.places, rowKey);
    const next = value ? sorted(left, value, order.descending, rowKey) : left;
    kept.current = { places: placesOf(next, rowKey), at: Date.now(), by };
    return next;
  }, [left, order.column, order.descending, inside]);

  const shown = useMemo(() => columnsOf(props.id, columns), [columns, askedColumns(props.id)?.join()]);
  const isHeld = inside && all.length > 1 && Date.now() - kept.current.at > RESORT_MS;
  return {
    text,
    setText,
    order,
    setOrder,
    quick,
    quickCounts,
    columns: shown,
    rows: ordered,
    isHeld,
  };
}

function countQuick<R>(rows: readonly R[], filters: readonly QuickFilter<R>[] | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const filter of filters ?? [])
    counts[filter.id] = rows.reduce((sum, row) => sum + (filter.test(row) ? 1 : 0), 0);
  return counts;
}

function cell(value: unknown, separator: string): string {
  const text = value === null || value === undefined ? "" : String(value);
  if (separator === "\t") return text.replace(/[\t\n]/g, " ");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The rows that are shown, all values exact. */
export function asText<R>(columns: readonly Column<R>[], rows: readonly R[], separator: "\t" | ","): string {
  const lines = [columns.map((c) => cell(c.label, separator)).join(separator)];
  for (const row of rows) lines.push(columns.map((c) => cell(c.value(row), separator)).join(separator));
  return `${lines.join("\n")}\n`;
}
