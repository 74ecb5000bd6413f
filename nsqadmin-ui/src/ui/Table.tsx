/**
 * The table behind every list: sorts, filters, keeps its state in the address, draws only the visible rows of long
 * lists, and never moves a row away from under the pointer.
 */

import { computed, signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Fields } from "../lib/filter";
import type { Value } from "../lib/sort";
import { visible } from "../lib/virtual";
import { isReturning, navigate, rememberedScroll, rememberScroll, setQuery } from "../router";
import { density } from "../state/prefs";
import { useShortcuts } from "../state/shortcuts";
import { GLOSSARY } from "../text/en";
import { Dialog, openDialog } from "./Dialog";
import { Skeleton } from "./Empty";
import { Icon } from "./Icon";
import { type MenuItem, openMenu } from "./Menu";
import { Num } from "./Num";
import { TableTools } from "./TableTools";
import { useTableView, type View } from "./tableState";

export interface Column<R> {
  id: string;
  label: string;
  /** Sorts, and is what copies of the table contain. */
  value: (row: R) => Value;
  /** Default: `value` as a count or a text. */
  cell?: (row: R) => ComponentChildren;
  numeric?: boolean;
  /** Shown when chosen. */
  optional?: boolean;
  /** Which of the columns stay on a phone. */
  phone?: boolean;
  /** Heading over neighbouring columns. */
  group?: string;
  /** Entry of the glossary. */
  term?: string;
  total?: ComponentChildren;
  /** Cannot be sorted by. */
  fixed?: boolean;
}

export interface QuickFilter<R> {
  id: string;
  label: string;
  test: (row: R) => boolean;
  /** Hidden while nothing matches. */
  quiet?: boolean;
}

export interface TableProps<R> {
  id: string;
  caption: string;
  /** `null` while the first answer is awaited. */
  rows: readonly R[] | null;
  rowKey: (row: R) => string;
  columns: readonly Column<R>[];
  order: { column: string; descending: boolean; value?: (row: R) => Value };
  fields: (row: R) => Fields;
  filters?: readonly QuickFilter<R>[];
  /** What stands in place of no rows. */
  empty: ComponentChildren;
  /** The table has a row of totals, made of `Column.total`. */
  hasTotal?: boolean;
  href?: (row: R) => string | undefined;
  menu?: ((row: R) => MenuItem[]) | undefined;
  /** Acts on selected rows; without it nothing can be selected. */
  bulk?: ((rows: R[], clear: () => void) => ComponentChildren) | undefined;
  /** Rows below a row, shown when it is opened. */
  inner?: (row: R) => readonly R[];
  level?: (row: R) => number;
  rowClass?: (row: R) => string;
  /** Leaves out the filter line, for short lists. */
  plain?: boolean;
  tools?: ComponentChildren;
}

const PHONE = "(max-width: 599px)";
const narrow = signal(false);
export const isNarrow = computed(() => narrow.value);
if (typeof matchMedia === "function") {
  const media = matchMedia(PHONE);
  narrow.value = media.matches;
  media.addEventListener("change", () => {
    narrow.value = media.matches;
  });
}

export function cellOf<R>(column: Column<R>, row: R): ComponentChildren {
  if (column.cell) return column.cell(row);
  const value = column.value(row);
  return typeof value === "number" || (value === null && column.numeric) ? <Num v={value} /> : String(value ?? "");
}

/** Row heights are fixed, so that the place of any row is known without drawing those before it. */
function rowHeight(): number {
  if (isNarrow.value) return 54;
  return density.value === "compact" ? 28 : 36;
}

interface RowState<R> {
  selected: ReadonlySet<string>;
  select: (row: R, range: boolean) => void;
  opened: ReadonlySet<string>;
  toggle: (key: string) => void;
  cursor: string | null;
  setCursor: (key: string) => void;
}

export function Table<R>(props: TableProps<R>): JSX.Element {
  const { id, caption, rows, rowKey, bulk } = props;
  const [inside, setInside] = useState(false);
  const view = useTableView(props, inside);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState<string | null>(null);
  const anchor = useRef<string | null>(null);
  const region = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 800 });

  const flat = flatten(props, view.rows, opened);
  const height = rowHeight();
  const part = visible(flat.length, height, scroll.top, scroll.height);

  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return;
    if (isReturning()) element.scrollTop = rememberedScroll(id);
    const measure = () => setScroll({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [rows === null]);

  const state: RowState<R> = {
    selected,
    opened,
    cursor,
    setCursor,
    select: (row, range) => {
      const key = rowKey(row);
      const next = new Set(selected);
      const keys = flat.map(rowKey);
      const from = range && anchor.current !== null ? keys.indexOf(anchor.current) : -1;
      if (from >= 0) {
        const at = keys.indexOf(key);
        for (const k of keys.slice(Math.min(from, at), Math.max(from, at) + 1)) next.add(k);
      } else if (!next.delete(key)) next.add(key);
      anchor.current = key;
      setSelected(next);
    },
    toggle: (key) => {
      const next = new Set(opened);
      if (!next.delete(key)) next.add(key);
      setOpened(next);
    },
  };

  const at = cursor === null ? -1 : flat.findIndex((row) => rowKey(row) === cursor);
  const current = flat[at];
  const move = (step: number) => {
    const next = flat[Math.max(0, Math.min(flat.length - 1, at + step))];
    const element = region.current;
    if (next === undefined || !element) return;
    setCursor(rowKey(next));
    const top = flat.indexOf(next) * height;
    const head = element.querySelector("thead")?.offsetHeight ?? 0;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height + head > element.scrollTop + element.clientHeight)
      element.scrollTop = top + height + head - element.clientHeight;
    requestAnimationFrame(() => element.querySelector("tr.cursor")?.scrollIntoView({ block: "nearest" }));
  };
  const choose = (item: string) => () => {
    if (current === undefined) return;
    const found = props.menu?.(current).find((entry) => entry.id === item);
    if (found && !found.disabled) found.run?.();
  };
  useShortcuts({
    j: () => move(1),
    ArrowDown: () => move(1),
    k: () => move(-1),
    ArrowUp: () => move(-1),
    "/": () => document.getElementById(`${id}-filter`)?.focus(),
    Enter: () => {
      if (current === undefined) return;
      const link = props.href?.(current);
      if (link) navigate(link);
      else if (props.inner) state.toggle(rowKey(current));
    },
    x: () => current !== undefined && bulk && state.select(current, false),
    "Shift x": () => current !== undefined && bulk && state.select(current, true),
    ".": () => {
      const row = region.current?.querySelector("tr.cursor");
      if (row && current !== undefined && props.menu) openMenu(row, "Row", props.menu(current));
    },
    p: choose("pause"),
    e: choose("empty"),
  });

  const chosen = bulk ? view.rows.filter((row) => selected.has(rowKey(row))) : [];
  const shown = flat.slice(part.first, part.end);
  const span = isNarrow.value ? 1 : view.columns.length + (props.menu ? 1 : 0);
  return (
    <div class="table-frame">
      {!props.plain && <TableTools props={props} view={view} />}
      {bulk && chosen.length > 0 && (
        <div class="bulk" role="toolbar" aria-label="Selected rows">
          <strong>{chosen.length} selected</strong>
          {bulk(chosen, () => setSelected(new Set()))}
          <button type="button" class="button quiet small" onClick={() => setSelected(new Set())}>
            Clear
          </button>
        </div>
      )}
      {rows === null ? (
        <Skeleton />
      ) : view.rows.length === 0 ? (
        <NoRows props={props} view={view} />
      ) : (
        <div
          ref={region}
          class="table-region"
          role="region"
          aria-label={caption}
          tabIndex={0}
          onScroll={(event) => {
            const { scrollTop, clientHeight } = event.currentTarget;
            rememberScroll(id, scrollTop);
            if (flat.length > 300 || scrollTop === 0) setScroll({ top: scrollTop, height: clientHeight });
          }}
          onPointerEnter={() => setInside(true)}
          onPointerLeave={(event) => setInside(event.currentTarget.contains(document.activeElement))}
          onFocusIn={() => setInside(true)}
          onFocusOut={(event) => setInside(event.currentTarget.matches(":hover"))}
        >
          <table
            class={isNarrow.value ? "phone" : ""}
            {...(part.above + part.below > 0 ? { "aria-rowcount": flat.length + 1 } : {})}
          >
            <caption class="sr">{caption}</caption>
            <Head props={props} view={view} selected={selected} onAll={(all) => setSelected(all)} />
            <tbody>
              {props.hasTotal && !isNarrow.value && <TotalRow props={props} view={view} />}
              {part.above > 0 && <Spacer height={part.above} span={span} />}
              {shown.map((row, index) => (
                <Row
                  key={rowKey(row)}
                  props={props}
                  view={view}
                  row={row}
                  state={state}
                  index={part.above + part.below > 0 ? part.first + index + 2 : undefined}
                />
              ))}
              {part.below > 0 && <Spacer height={part.below} span={span} />}
            </tbody>
          </table>
        </div>
      )}
      {view.isHeld && (
        <p class="held-note" aria-hidden="true">
          order held
        </p>
      )}
    </div>
  );
}

function flatten<R>(props: TableProps<R>, rows: R[], opened: ReadonlySet<string>): R[] {
  const { inner, rowKey } = props;
  if (!inner || opened.size === 0) return rows;
  const flat: R[] = [];
  const add = (row: R) => {
    flat.push(row);
    if (opened.has(rowKey(row))) for (const below of inner(row)) add(below);
  };
  for (const row of rows) add(row);
  return flat;
}

function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr class="spacer" style={{ height: `${height}px` }}>
      <td colSpan={span} />
    </tr>
  );
}

function NoRows<R>({ props, view }: { props: TableProps<R>; view: View<R> }) {
  if ((props.rows?.length ?? 0) === 0) return <>{props.empty}</>;
  const clear = () => {
    view.setText("");
    setQuery({ f: "", q: "" });
  };
  return (
    <div class="empty">
      <p class="empty-title">Nothing matches.</p>
      <button type="button" class="button" onClick={clear}>
        Clear filter
      </button>
    </div>
  );
}

interface HeadProps<R> {
  props: TableProps<R>;
  view: View<R>;
  selected: ReadonlySet<string>;
  onAll: (all: ReadonlySet<string>) => void;
}

function Head<R>({ props, view, selected, onAll }: HeadProps<R>) {
  const { columns, order } = view;
  if (isNarrow.value)
    return (
      <thead class="sr">
        <tr>
          <th scope="col">{columns[0]?.label}</th>
        </tr>
      </thead>
    );
  const all = view.rows.length > 0 && view.rows.every((row) => selected.has(props.rowKey(row)));
  return (
    <thead>
      {columns.some((c) => c.group) && <Groups columns={columns} extra={props.menu !== undefined} />}
      <tr>
        {columns.map((column, index) => (
          <th
            key={column.id}
            scope="col"
            class={column.numeric ? "numeric" : ""}
            aria-sort={column.id === order.column ? (order.descending ? "descending" : "ascending") : undefined}
            title={column.term ? GLOSSARY[column.term] : undefined}
          >
            {index === 0 && props.bulk && (
              <input
                type="checkbox"
                aria-label="Select all rows"
                checked={all}
                onChange={() => onAll(all ? new Set() : new Set(view.rows.map(props.rowKey)))}
              />
            )}
            {column.fixed ? (
              column.label
            ) : (
              <button type="button" class="sort" onClick={() => view.setOrder(column)}>
                {column.label}
                <span class="arrow" aria-hidden="true">
                  {column.id === order.column ? (order.descending ? "▾" : "▴") : ""}
                </span>
              </button>
            )}
          </th>
        ))}
        {props.menu && (
          <th class="acts">
            <span class="sr">Acts</span>
          </th>
        )}
      </tr>
    </thead>
  );
}

function Groups<R>({ columns, extra }: { columns: Column<R>[]; extra: boolean }) {
  const spans: { label: string; span: number }[] = [];
  for (const { group = "" } of columns) {
    const last = spans.at(-1);
    if (last && last.label === group) last.span += 1;
    else spans.push({ label: group, span: 1 });
  }
  return (
    <tr class="groups">
      {spans.map(({ label, span }, i) =>
        label ? (
          <th key={`${label}${i}`} colSpan={span} scope="colgroup">
            {label}
          </th>
        ) : (
          <td key={`none${i}`} colSpan={span} />
        ),
      )}
      {extra && <td />}
    </tr>
  );
}

function TotalRow<R>({ props, view }: { props: TableProps<R>; view: View<R> }) {
  return (
    <tr class="total">
      {view.columns.map((column, i) =>
        i === 0 ? (
          <th key={column.id} scope="row">
            {column.total ?? "Total"}
          </th>
        ) : (
          <td key={column.id} class={column.numeric ? "numeric" : ""}>
            {column.total}
          </td>
        ),
      )}
      {props.menu && <td />}
    </tr>
  );
}

interface RowProps<R> {
  props: TableProps<R>;
  view: View<R>;
  row: R;
  state: RowState<R>;
  index: number | undefined;
}

function Row<R>(given: RowProps<R>) {
  const { props, row, state, index, view } = given;
  const key = props.rowKey(row);
  const classes = [
    props.rowClass?.(row) ?? "",
    state.selected.has(key) ? "selected" : "",
    state.cursor === key ? "cursor" : "",
  ].join(" ");
  const common = { class: classes.trim(), "aria-rowindex": index };
  if (isNarrow.value) return <PhoneRow {...given} common={common} />;
  const [first, ...rest] = view.columns;
  return (
    <tr {...common} onClick={() => state.setCursor(key)}>
      {first && (
        <th scope="row">
          <Lead {...given} />
          {cellOf(first, row)}
        </th>
      )}
      {rest.map((column) => (
        <td key={column.id} class={column.numeric ? "numeric" : ""}>
          {cellOf(column, row)}
        </td>
      ))}
      {props.menu && (
        <td class="acts">
          <RowMenu props={props} row={row} />
        </td>
      )}
    </tr>
  );
}

function RowMenu<R>({ props, row }: { props: TableProps<R>; row: R }) {
  const label = `Acts for ${props.rowKey(row)}`;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-haspopup="menu"
      onClick={(event) => openMenu(event.currentTarget, label, props.menu?.(row) ?? [])}
    >
      <Icon name="more" />
    </button>
  );
}

/** What stands before the name: indentation, the opener, the box to select. */
function Lead<R>({ props, row, state }: RowProps<R>) {
  const key = props.rowKey(row);
  const level = props.level?.(row) ?? 0;
  const below = props.inner?.(row) ?? [];
  return (
    <>
      {level > 0 && <span class={`indent level-${level}`} />}
      {props.inner && below.length > 0 && (
        <button
          type="button"
          class="opener"
          aria-expanded={state.opened.has(key)}
          aria-label={`Show what belongs to ${key}`}
          onClick={() => state.toggle(key)}
        >
          <Icon name={state.opened.has(key) ? "down" : "right"} />
        </button>
      )}
      {props.inner && below.length === 0 && <span class="opener" />}
      {props.bulk && level === 0 && (
        <input
          type="checkbox"
          aria-label={`Select ${key}`}
          checked={state.selected.has(key)}
          onClick={(event) => state.select(row, event.shiftKey)}
        />
      )}
    </>
  );
}

/** Name and state on the first line, the key numbers on the second; everything on a tap. */
function PhoneRow<R>(given: RowProps<R> & { common: { class: string; "aria-rowindex": number | undefined } }) {
  const { props, view, row, common } = given;
  const [first] = view.columns;
  const keys = props.columns.filter((c) => c.phone).slice(0, 3);
  const whole = () =>
    openDialog(
      <Dialog title={props.rowKey(row)}>
        <dl class="sheet">
          {props.columns.slice(1).map((column) => (
            <div key={column.id}>
              <dt>{column.label || column.id}</dt>
              <dd>{cellOf(column, row)}</dd>
            </div>
          ))}
        </dl>
      </Dialog>,
    );
  return (
    <tr {...common}>
      <th scope="row">
        <div class="phone-row">
          <div class="phone-name">
            <Lead {...given} />
            {first && cellOf(first, row)}
          </div>
          <button type="button" class="phone-keys" onClick={whole}>
            {keys.map((column) => (
              <span key={column.id}>
                <span class="muted">{column.label}</span> {cellOf(column, row)}
              </span>
            ))}
            <span class="sr">Details of {props.rowKey(row)}</span>
          </button>
          {props.menu && <RowMenu props={props} row={row} />}
        </div>
      </th>
    </tr>
  );
}
