/** Keyboard shortcuts: single keys and pairs such as `g t`. */

export interface Stroke {
  key: string;
  ctrl: boolean;
  meta: boolean;
  alt: boolean;
  shift: boolean;
}

/** A pair must follow within this time. */
const PAIR_MS = 1200;

/** Whether keys typed there are text. */
export function isTyping(target: EventTarget | null): boolean {
  const element = target as Partial<HTMLElement> & { type?: string; tagName?: string };
  if (!element?.tagName) return false;
  if (element.isContentEditable) return true;
  if (element.tagName === "INPUT") return !["checkbox", "radio", "button"].includes(element.type ?? "");
  return element.tagName === "TEXTAREA" || element.tagName === "SELECT";
}

/** Turns strokes into names of shortcuts: `g t`, `/`, `mod k`, `Shift x`. */
export class Chords {
  #first: { key: string; at: number } | null = null;

  next(stroke: Stroke, at: number): string | null {
    const { key } = stroke;
    if (["Shift", "Control", "Alt", "Meta"].includes(key)) return null;
    if (stroke.ctrl || stroke.meta) {
      this.#first = null;
      return stroke.alt ? null : `mod ${key.toLowerCase()}`;
    }
    if (stroke.alt) return null;
    const first = this.#first;
    this.#first = null;
    if (first && at - first.at <= PAIR_MS) return `${first.key} ${key}`;
    if (key === "g") {
      this.#first = { key, at };
      return null;
    }
    return stroke.shift && /^[A-Z]$/.test(key) ? `Shift ${key.toLowerCase()}` : key;
  }
}
