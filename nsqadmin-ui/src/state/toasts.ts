import { signal } from "@preact/signals";

export interface Toast {
  id: number;
  text: string;
  kind: "ok" | "warn" | "crit";
  /** Offered beside the text. */
  action?: { label: string; run: () => void };
  /** Stays until it is closed. */
  lasting: boolean;
  details?: string[];
}

const SHOWN_MS = 8000;

export const toasts = signal<Toast[]>([]);

let last = 0;

export function closeToast(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function toast(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value.slice(-3), { kind: "ok", lasting: false, ...options, id, text }];
  if (!options.lasting) setTimeout(() => closeToast(id), SHOWN_MS);
}

/** Copies text and says so. */
export async function copy(text: string, what: string): Promise<void> {
  if (await toClipboard(text)) toast(`Copied ${what}`);
  else toast("The browser refused to copy.", { kind: "warn" });
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard object.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "sr";
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function download(name: string, type: string, text: string | Blob): void {
  const url = URL.createObjectURL(typeof text === "string" ? new Blob([text], { type }) : text);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
