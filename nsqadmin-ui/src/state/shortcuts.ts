/** Which keys do what on the current page. The component shown last is asked first. */

import { useEffect, useRef } from "preact/hooks";
import { Chords, isTyping } from "../lib/keys";
import { shortcuts } from "./prefs";

type Handlers = Record<string, () => void>;

const stack: { current: Handlers }[] = [];

export function useShortcuts(handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    stack.push(latest);
    return () => {
      stack.splice(stack.indexOf(latest), 1);
    };
  }, []);
}

export function startShortcuts(): void {
  const chords = new Chords();
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const { key, ctrlKey: ctrl, metaKey: meta, altKey: alt, shiftKey: shift } = event;
    const single = !ctrl && !meta;
    if (single && (isTyping(event.target) || !shortcuts.peek())) return;
    if (document.querySelector("dialog[open]")) return;
    // Keys of buttons and links stay theirs.
    if (key === "Enter" && (event.target as Element).closest("a, button, summary")) return;
    const chord = chords.next({ key, ctrl, meta, alt, shift }, event.timeStamp);
    if (chord === null) return;
    for (const handlers of stack.toReversed()) {
      const run = handlers.current[chord];
      if (!run) continue;
      event.preventDefault();
      run();
      return;
    }
  });
}
