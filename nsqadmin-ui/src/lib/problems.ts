/** Many problems of one kind, in one line. */

import type { Problem } from "../api/types";
import { RULES } from "../text/en";
import { exact, plural } from "./format";

/** From so many problems of one rule on they become one line. */
const GROUPED_MIN = 4;

export interface Line {
  key: string;
  problems: Problem[];
}

/** Problems of one rule and severity stand together when they are many. */
export function grouped(problems: readonly Problem[]): Line[] {
  const counts = new Map<string, number>();
  const kind = (p: Problem) => `${p.severity} ${p.rule}`;
  for (const p of problems) counts.set(kind(p), (counts.get(kind(p)) ?? 0) + 1);
  const lines = new Map<string, Line>();
  problems.forEach((p, i) => {
    const key = (counts.get(kind(p)) ?? 0) >= GROUPED_MIN ? kind(p) : `${kind(p)} ${i}`;
    const line = lines.get(key);
    if (line) line.problems.push(p);
    else lines.set(key, { key, problems: [p] });
  });
  return [...lines.values()];
}

/** `4 channels of orders` and `510 to 900 waiting in each, nobody connected`. */
export function inOneLine(problems: readonly Problem[]): { subject: string; text: string } {
  const [first] = problems;
  const affected = problems.map((p) => p.affected).filter((n) => n > 0);
  const parts = [];
  if (affected.length > 0) {
    const [least, most] = [Math.min(...affected), Math.max(...affected)];
    parts.push(`${least === most ? exact(most) : `${exact(least)} to ${exact(most)}`} messages in each`);
  }
  const phrase = RULES[first?.rule ?? ""];
  if (phrase) parts.push(phrase);
  return { subject: subjectOf(problems), text: parts.join(", ") };
}

function subjectOf(problems: readonly Problem[]): string {
  const count = problems.length;
  const { kind } = problems[0]?.entity ?? {};
  if (kind === "topic") return plural(count, "topic");
  if (kind !== "channel") return `${count} ${kind ?? "problems"}`;
  const topics = new Set(problems.map((p) => p.entity.topic));
  const [only] = topics;
  return `${plural(count, "channel")} of ${topics.size === 1 ? only : plural(topics.size, "topic")}`;
}
