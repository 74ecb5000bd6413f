import type { ComponentChildren } from "preact";
import type { Severity } from "../api/types";

export type Status = Severity | "ok" | "paused" | "unknown" | "plain";

export const GLYPH: Record<Status, string> = {
  ok: "✓",
  info: "i",
  warn: "▲",
  crit: "◆",
  paused: "‖",
  unknown: "?",
  plain: "",
};

/** A state in a word; the glyph says the same without colour. */
export function Badge({
  status,
  children,
  title,
}: {
  status: Status;
  children: ComponentChildren;
  title?: string | undefined;
}) {
  return (
    <span class={`badge ${status}`} title={title}>
      {GLYPH[status] && status !== "info" && <span aria-hidden="true">{GLYPH[status]} </span>}
      {children}
    </span>
  );
}

const WORD: Record<Severity, string> = { crit: "critical", warn: "warning", info: "note" };

/** The glyph of a severity beside a name, with its word for those who hear the page. Notes are left out. */
export function Mark({ severity, title }: { severity: Severity | "" | null; title?: string | undefined }) {
  if (!severity || severity === "info") return null;
  return (
    <span class={`mark ${severity}`} title={title ?? WORD[severity]}>
      <span aria-hidden="true">{GLYPH[severity]}</span>
      <span class="sr"> {title ?? WORD[severity]}</span>
    </span>
  );
}
