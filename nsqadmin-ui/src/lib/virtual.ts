/** Which rows of a long table exist in the document. */

/** Tables up to this length are drawn whole, so that the browser's own search finds everything. */
export const WHOLE_MAX = 300;

/** Rows drawn above and below the visible ones. */
const OVERSCAN = 5;

export interface Window {
  first: number;
  /** One behind the last. */
  end: number;
  /** Height of what is left out, in pixels. */
  above: number;
  below: number;
}

export function visible(rows: number, rowHeight: number, scrollTop: number, height: number): Window {
  if (rows <= WHOLE_MAX) return { first: 0, end: rows, above: 0, below: 0 };
  const top = Math.max(0, Math.min(scrollTop, rows * rowHeight - height));
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const end = Math.min(rows, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  return { first, end, above: first * rowHeight, below: (rows - end) * rowHeight };
}
