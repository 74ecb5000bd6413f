import { query, setQuery } from "../router";
import { columns as chosenColumns } from "../state/prefs";
import { copy, download } from "../state/toasts";
import { Icon } from "./Icon";
import { type MenuItem, openMenu } from "./Menu";
import { isNarrow, type TableProps } from "./Table";
import { asText, columnsOf, type View } from "./tableState";

/** The line over a table: filter, quick filters, columns and copies. */
export function TableTools<R>({ props, view }: { props: TableProps<R>; view: View<R> }) {
  const total = props.rows?.length ?? 0;
  return (
    <div class="tools">
      <input
        id={`${props.id}-filter`}
        class="filter"
        type="search"
        placeholder="Filter…  /"
        aria-label={`Filter ${props.caption}`}
        value={view.text}
        onInput={(event) => view.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          view.setText("");
          event.currentTarget.blur();
        }}
      />
      {props.filters && total > 0 && (
        <div class="chips" role="group" aria-label="Quick filters">
          <Chip id="" label="All" count={total} current={view.quick} />
          {props.filters.map(({ id, label, quiet }) => {
            const count = view.quickCounts[id] ?? 0;
            if (quiet && count === 0 && view.quick !== id) return null;
            return <Chip key={id} id={id} label={label} count={count} current={view.quick} />;
          })}
        </div>
      )}
      <span class="spring" />
      {props.tools}
      {isNarrow.value && <SortSelect props={props} view={view} />}
      <span class="muted tools-count" aria-live="off">
        {view.rows.length === total ? "" : `${view.rows.length} of ${total}`}
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label={`Columns and copies of ${props.caption}`}
        title="Columns, copy"
        aria-haspopup="menu"
        onClick={(event) => openMenu(event.currentTarget, "Columns and copies", () => items(props, view))}
      >
        <Icon name="columns" />
      </button>
    </div>
  );
}

function Chip({ id, label, count, current }: { id: string; label: string; count: number; current: string }) {
  return (
    <button type="button" class="chip" aria-pressed={current === id} onClick={() => setQuery({ f: id })}>
      {label} <span class="chip-count">{count}</span>
    </button>
  );
}

function SortSelect<R>({ props, view }: { props: TableProps<R>; view: View<R> }) {
  const choose = (id: string) => {
    const column = props.columns.find((c) => c.id === id);
    if (column) view.setOrder(column);
  };
  return (
    <select aria-label="Sort by" value={view.order.column} onChange={(event) => choose(event.currentTarget.value)}>
      {props.columns.every((c) => c.id !== view.order.column) && <option value={view.order.column}>Worst first</option>}
      {props.columns
        .filter((c) => !c.fixed && c.label)
        .map((c) => (
          <option key={c.id} value={c.id}>
            {c.label}
          </option>
        ))}
    </select>
  );
}

function items<R>(props: TableProps<R>, view: View<R>): MenuItem[] {
  const shown = columnsOf(props.id, props.columns).map((c) => c.id);
  const toggle = (id: string) => {
    const next = shown.includes(id) ? shown.filter((c) => c !== id) : [...shown, id];
    chosenColumns.value = { ...chosenColumns.value, [props.id]: next };
    setQuery({ cols: next.join(",") });
  };
  const reset = () => {
    const { [props.id]: _, ...rest } = chosenColumns.value;
    chosenColumns.value = rest;
    setQuery({ cols: "" });
  };
  const file = (separator: "\t" | ",") => asText(view.columns, view.rows, separator);
  return [
    { label: `Copy ${view.rows.length} rows (TSV)`, run: () => void copy(file("\t"), `${view.rows.length} rows`) },
    { label: "Download CSV", run: () => download(`${props.id}.csv`, "text/csv", file(",")) },
    { label: "Copy link to this view", run: () => void copy(location.href, "the link") },
    { label: "Columns", heading: true },
    ...props.columns.slice(1).map(
      ({ id, label }): MenuItem => ({
        label: label || id,
        checked: shown.includes(id),
        keeps: true,
        run: () => toggle(id),
      }),
    ),
    {
      label: "Reset columns",
      run: reset,
      ...(query.value.has("cols") || chosenColumns.value[props.id] ? {} : { disabled: "unchanged" }),
    },
  ];
}
