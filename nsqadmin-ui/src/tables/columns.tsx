/** What the tables of topics and of channels have in common. */

import type { Paused, RowProblem } from "../api/types";
import { isEphemeral } from "../lib/names";
import { severityRank } from "../lib/sort";
import { isAdmin, percentiles } from "../state/live";
import { favourites } from "../state/prefs";
import { EPHEMERAL } from "../text/en";
import { rowItems, type Subject } from "../ui/acts";
import { Badge } from "../ui/Badge";
import { BulkActs } from "../ui/BulkActs";
import { Bytes, Latency, Num, Rate, Trend } from "../ui/Num";
import { LiveSpark } from "../ui/Spark";
import type { Column, QuickFilter, TableProps } from "../ui/Table";

/** A row of either table. */
export interface Listed {
  key: string;
  problem: RowProblem;
  paused: Paused;
  ephemeral: boolean;
  /** A node's part is missing or old. */
  partial: boolean;
  trend: number | null;
  consumers: number;
  e2e_ns: (number | null)[] | null;
}

/** The fields of a row that are numbers. */
type Numbers<R> = { [K in keyof R]: R[K] extends number | null ? K : never }[keyof R] & string;
type More<R> = Omit<Partial<Column<R>>, "id" | "label" | "value">;

/** A column of a field that counts something. Its term in the glossary is its name. */
export function count<R>(id: Numbers<R>, label: string, more: More<R> = {}): Column<R> {
  return { id, label, term: id, numeric: true, value: (row) => row[id] as number | null, ...more };
}

/** One whose value is too small while a node's part is missing, and says so. */
export function sum<R extends Listed>(id: Numbers<R>, label: string, more: More<R> = {}): Column<R> {
  return count(id, label, { cell: (row) => <Num v={row[id] as number} mark={row.partial ? "≥" : ""} />, ...more });
}

export function rate<R>(id: Numbers<R>, label: string, more: More<R> = {}): Column<R> {
  return count(id, label, {
    term: id.replace(/^(publish|in|out)_rate$/, "$1"),
    cell: (row) => <Rate v={row[id] as number | null} />,
    ...more,
  });
}

export function bytes<R>(id: string, label: string, value: (row: R) => number | null): Column<R> {
  return { id, label, numeric: true, optional: true, value, cell: (row) => <Bytes v={value(row) ?? 0} /> };
}

export function trend<R extends Listed>(): Column<R> {
  return {
    id: "trend",
    label: "Trend",
    term: "trend",
    value: (row) => row.trend,
    cell: (row) => <Trend v={row.trend} />,
  };
}

/** The last quarter of an hour of a metric. */
export function spark<R>(metric: string, entity: (row: R) => string): Column<R> {
  return {
    id: `${metric}_spark`,
    label: "15 min",
    value: () => null,
    cell: (row) => <LiveSpark entity={entity(row)} metric={metric} />,
    fixed: true,
  };
}

/** `p99` from 0.99. */
export function percentileName(quantile: number): string {
  return `p${Number((quantile * 100).toFixed(3))}`;
}

/** The latency columns; of more than two only the outer ones are shown until the others are chosen. */
export function latencyColumns<R extends Pick<Listed, "e2e_ns">>(isOptional: boolean): Column<R>[] {
  const last = percentiles.value.length - 1;
  return percentiles.value.map((quantile, i) => ({
    id: percentileName(quantile),
    label: percentileName(quantile),
    term: "e2e",
    numeric: true,
    optional: isOptional || (i > 0 && i < last),
    value: (row) => row.e2e_ns?.[i] ?? null,
    cell: (row) => <Latency v={row.e2e_ns?.[i]} />,
  }));
}

export function isProblem(row: Listed): boolean {
  return severityRank(row.problem) > 1;
}

const optional = { optional: true };

/** The columns that both tables have and neither shows at first. */
export function moreRates<R extends { requeue_rate: number | null; timeout_rate: number | null }>(): Column<R>[] {
  return [
    rate<R>("requeue_rate" as Numbers<R>, "Requeue/s", optional),
    rate<R>("timeout_rate" as Numbers<R>, "Timeout/s", optional),
  ];
}

/** The quick filters of both tables; those of only one stand between them. */
export function filters<R extends Listed>(own: QuickFilter<R>[]): QuickFilter<R>[] {
  return [
    { id: "starred", label: "★", test: (row) => favourites.value.includes(row.key), quiet: true },
    { id: "problems", label: "Problems", test: isProblem },
    ...own,
    { id: "paused", label: "Paused", test: (row) => row.paused !== "no", quiet: true },
    { id: "ephemeral", label: "Ephemeral", test: (row) => row.ephemeral, quiet: true },
  ];
}

/** What `is:` asks of both. */
export function flags(row: Listed): Record<string, boolean> {
  return { paused: row.paused !== "no", ephemeral: row.ephemeral, problem: isProblem(row) };
}

/** The menu of a row, and the acts on selected ones. */
export function acting<R>(subject: (row: R) => Subject): Pick<TableProps<R>, "menu" | "bulk"> {
  return {
    menu: (row) => rowItems(subject(row)),
    bulk: isAdmin.value ? (chosen, clear) => <BulkActs subjects={chosen.map(subject)} done={clear} /> : undefined,
  };
}

export function PausedBadge({ paused }: { paused: Paused | boolean }) {
  if (paused === "no" || paused === false) return null;
  return <Badge status="paused">{paused === "some" ? "paused on some nodes" : "paused"}</Badge>;
}

export function EphemeralBadge({ name }: { name: string }) {
  return isEphemeral(name) ? (
    <span class="tag" title={EPHEMERAL}>
      ephemeral
    </span>
  ) : null;
}
