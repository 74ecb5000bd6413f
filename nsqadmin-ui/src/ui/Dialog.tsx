/** Modal dialogs, one at a time. */

import { signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

const shown = signal<VNode | null>(null);

export function openDialog(dialog: VNode): void {
  shown.value = dialog;
}

export function closeDialog(): void {
  shown.value = null;
}

export function isDialogOpen(): boolean {
  return shown.peek() !== null;
}

export function DialogHost() {
  return shown.value;
}

/**
 * The frame of a dialog. Focus starts on what carries `data-first`; Escape closes it, and a press of Enter chooses
 * nothing unless the dialog has a form.
 */
export function Dialog({
  title,
  children,
  wide = false,
  onClose,
}: {
  title: ComponentChildren;
  children: ComponentChildren;
  wide?: boolean;
  onClose?: () => void;
}) {
  const frame = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const before = document.activeElement;
    element.showModal();
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const close = () => {
    closeDialog();
    onClose?.();
  };
  return (
    <dialog
      ref={frame}
      class={wide ? "wide" : ""}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onPointerDown={(event) => {
        if (event.target === frame.current) close();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
