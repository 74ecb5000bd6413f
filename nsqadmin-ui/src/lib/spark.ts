/** The line of a small chart. */

/** Room for the stroke and the dot at the end. */
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
