/**
 * The table behind every list: sorts, filters, keeps its state in the address, draws only the visible rows of long
 * lists, and never moves a row away from under the pointer.
 */

import { computed, signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
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
  /** Hears which rows are on the screen. */
  onShown?: (rows: readonly R[]) => void;
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

/** What rows do, of the table as it is now. */
interface Handles<R> {
  props: TableProps<R>;
  select: (row: R, range: boolean) => void;
  toggle: (key: string) => void;
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

  const select = (row: R, range: boolean) => {
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
  };
  const toggle = (key: string) => {
    const next = new Set(opened);
    if (!next.delete(key)) next.add(key);
    setOpened(next);
  };
  const handles = useRef<Handles<R>>({ props, select, toggle, setCursor });
  handles.current = { props, select, toggle, setCursor };

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
      else if (props.inner) toggle(rowKey(current));
    },
    x: () => current !== undefined && bulk && select(current, false),
    "Shift x": () => current !== undefined && bulk && select(current, true),
    ".": () => {
      const row = region.current?.querySelector("tr.cursor");
      if (row && current !== undefined && props.menu) openMenu(row, "Row", props.menu(current));
    },
    p: choose("pause"),
    e: choose("empty"),
  });

  const chosen = bulk && selected.size > 0 ? view.rows.filter((row) => selected.has(rowKey(row))) : [];
  const shown = flat.slice(part.first, part.end);
  useEffect(() => props.onShown?.(shown));
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
              {shown.map((row, index) => {
                const key = rowKey(row);
                return (
                  <Row
                    key={key}
                    id={key}
                    row={row}
                    columns={view.columns}
                    look={`${props.rowClass?.(row) ?? ""}${selected.has(key) ? " selected" : ""}${cursor === key ? " cursor" : ""}`.trim()}
                    index={part.above + part.below > 0 ? part.first + index + 2 : undefined}
                    isSelected={bulk ? selected.has(key) : undefined}
                    isOpen={props.inner ? opened.has(key) : undefined}
                    hasMenu={props.menu !== undefined}
                    handles={handles}
                  />
                );
              })}
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
  id: string;
  row: R;
  columns: readonly Column<R>[];
  look: string;
  index: number | undefined;
  /** `undefined`: cannot be selected. */
  isSelected: boolean | undefined;
  /** `undefined`: has no rows below it. */
  isOpen: boolean | undefined;
  hasMenu: boolean;
  handles: { readonly current: Handles<R> };
}

/**
 * One row. It reads a signal, and such a component is made anew only when one of its properties is another one: rows that
 * have not changed cost nothing when others have.
 */
function Row<R>(given: RowProps<R>) {
  const { id, row, columns, look, index, hasMenu, handles } = given;
  if (isNarrow.value) return <PhoneRow {...given} />;
  const [first, ...rest] = columns;
  return (
    <tr class={look} aria-rowindex={index} onClick={() => handles.current.setCursor(id)}>
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
      {hasMenu && (
        <td class="acts">
          <RowMenu {...given} />
        </td>
      )}
    </tr>
  );
}

function RowMenu<R>({ id, row, handles }: RowProps<R>) {
  const label = `Acts for ${id}`;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-haspopup="menu"
      onClick={(event) => openMenu(event.currentTarget, label, handles.current.props.menu?.(row) ?? [])}
    >
      <Icon name="more" />
    </button>
  );
}

/** What stands before the name: indentation, the opener, the box to select. */
function Lead<R>({ id, row, isSelected, isOpen, handles }: RowProps<R>) {
  const { props } = handles.current;
  const level = props.level?.(row) ?? 0;
  const hasBelow = isOpen !== undefined && (props.inner?.(row).length ?? 0) > 0;
  return (
    <>
      {level > 0 && <span class={`indent level-${level}`} />}
      {hasBelow && (
        <button
          type="button"
          class="opener"
          aria-expanded={isOpen}
          aria-label={`Show what belongs to ${id}`}
          onClick={() => handles.current.toggle(id)}
        >
          <Icon name={isOpen ? "down" : "right"} />
        </button>
      )}
      {isOpen !== undefined && !hasBelow && <span class="opener" />}
      {isSelected !== undefined && level === 0 && (
        <input
          type="checkbox"
          aria-label={`Select ${id}`}
          checked={isSelected}
          onClick={(event) => handles.current.select(row, event.shiftKey)}
        />
      )}
    </>
  );
}

/** Name and state on the first line, the key numbers on the second; everything on a tap. */
function PhoneRow<R>(given: RowProps<R>) {
  const { id, row, columns, look, index, hasMenu, handles } = given;
  const [first] = columns;
  const all = handles.current.props.columns;
  const keys = all.filter((c) => c.phone).slice(0, 3);
  const whole = () =>
    openDialog(
      <Dialog title={id}>
        <dl class="sheet">
          {all.slice(1).map((column) => (
            <div key={column.id}>
              <dt>{column.label || column.id}</dt>
              <dd>{cellOf(column, row)}</dd>
            </div>
          ))}
        </dl>
      </Dialog>,
    );
  return (
    <tr class={look} aria-rowindex={index}>
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
            <span class="sr">Details of {id}</span>
          </button>
          {hasMenu && <RowMenu {...given} />}
        </div>
      </th>
    </tr>
  );
}
