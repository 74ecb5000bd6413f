/** A small line beside the number it draws. It says nothing by itself, so it is hidden from screen readers. */

import { useEffect, useMemo } from "preact/hooks";
import { sparkPath } from "../lib/spark";
import { Sparks, sparkOf } from "../state/sparks";

const WIDTH = 96;
const HEIGHT = 20;

export function Spark({
  values,
  wide = false,
}: {
  values: readonly (number | null)[] | null | undefined;
  wide?: boolean;
}) {
  const width = wide ? 2 * WIDTH : WIDTH;
  const path = values ? sparkPath(values, width, HEIGHT) : "";
  const end = /([\d.]+) ([\d.]+)$/.exec(path);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} aria-hidden="true">
      {path && <path d={path} />}
      {end && <circle cx={end[1]} cy={end[2]} r="1.75" />}
    </svg>
  );
}

/** The line of something in a table, which comes after the table. */
export function LiveSpark({ entity, metric }: { entity: string; metric: string }) {
  return <Spark values={sparkOf(entity, metric).value} />;
}

/** Asks for the lines of the rows that are told of, until the table goes. */
export function useSparks<R>(metrics: readonly string[], entity: (row: R) => string): (rows: readonly R[]) => void {
  const sparks = useMemo(() => new Sparks(metrics), []);
  useEffect(() => () => sparks.stop(), []);
  return (rows) => sparks.show(rows.map(entity));
}
