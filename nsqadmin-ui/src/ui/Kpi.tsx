import type { ComponentChildren } from "preact";
import { Spark } from "./Spark";

/** One total with its last quarter of an hour. */
export function Tile({
  label,
  value,
  unit,
  note,
  values,
  href,
}: {
  label: string;
  value: ComponentChildren;
  unit?: string;
  note?: ComponentChildren;
  values?: (number | null)[] | undefined;
  href?: string | undefined;
}) {
  const content = (
    <>
      <span class="tile-label">{label}</span>
      <span class="tile-value">
        {value}
        {unit && <span class="tile-unit">{unit}</span>}
      </span>
      {values && <Spark values={values} wide />}
      {note && <span class="tile-note">{note}</span>}
    </>
  );
  return href ? (
    <a class="tile" href={href}>
      {content}
    </a>
  ) : (
    <div class="tile">{content}</div>
  );
}

/** A line of named numbers under a title. */
export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {items.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
