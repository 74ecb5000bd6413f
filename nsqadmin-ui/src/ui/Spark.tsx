/** A small line beside the number it draws. It says nothing by itself, so it is hidden from screen readers. */

const WIDTH = 96;
const HEIGHT = 20;
const PAD = 2;

/** The path of a series, with gaps where values are missing; empty without two neighbours. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number, top?: number): string {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return "";
  const max = Math.max(top ?? 0, ...known, Number.MIN_VALUE);
  const step = (width - 2 * PAD) / Math.max(1, values.length - 1);
  let path = "";
  let pen = false;
  values.forEach((v, i) => {
    if (v === null) {
      pen = false;
      return;
    }
    const x = (PAD + i * step).toFixed(1);
    const y = (height - PAD - (Math.max(0, v) / max) * (height - 2 * PAD)).toFixed(1);
    path += `${pen ? "L" : "M"}${x} ${y}`;
    pen = true;
  });
  return path;
}

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
