import { useState } from "preact/hooks";
import type { Problem } from "../api/types";
import { base } from "../boot";
import * as f from "../lib/format";
import { grouped, inOneLine, type Line } from "../lib/problems";
import { route } from "../router";
import { now } from "../state/live";
import { utc } from "../state/prefs";
import { GLYPH } from "./Badge";

const SHOWN = 6;
function nameOf({ entity }: Problem): string {
  const { topic, channel } = entity;
  if (topic !== undefined) return channel === undefined ? topic : `${topic} / ${channel}`;
  return entity.node ?? entity.address ?? "";
}

/** The text without the name in front of it, which stands in a column of its own. */
function sentence({ entity, text }: Problem): string {
  const { topic, channel } = entity;
  const name = channel === undefined ? topic : `${topic}/${channel}`;
  for (const link of [": ", " is "])
    if (name && text.startsWith(name + link)) return text.slice(name.length + link.length);
  return text;
}

export function Problems({ problems, of }: { problems: readonly Problem[]; of: string }) {
  const [all, setAll] = useState(false);
  const lines = grouped(problems);
  if (lines.length === 0)
    return (
      <p class="no-problems">
        <span class="mark ok" aria-hidden="true">
          ✓
        </span>{" "}
        No problems <span class="muted">— {of}</span>
      </p>
    );
  return (
    <section class="problems" aria-labelledby="problems-title">
      <h2 id="problems-title">Problems ({problems.length})</h2>
      <ul>
        {(all ? lines : lines.slice(0, SHOWN)).map((line) => (
          <ProblemLine key={line.key} line={line} />
        ))}
      </ul>
      {lines.length > SHOWN && (
        <button type="button" class="button quiet small" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${lines.length}`}
        </button>
      )}
    </section>
  );
}

function ProblemLine({ line }: { line: Line }) {
  const [first] = line.problems;
  if (!first) return null;
  const many = line.problems.length > 1;
  const since = Math.min(...line.problems.map((p) => p.since));
  const all = inOneLine(line.problems);
  const glyph = first.rule === "H-14" ? "paused" : first.severity;
  return (
    <li class={`problem ${first.severity}`}>
      <span class={`mark ${glyph}`}>
        <span aria-hidden="true">{GLYPH[glyph]}</span>
        <span class="sr">
          {first.severity === "crit" ? "critical" : first.severity === "warn" ? "warning" : "note"}
        </span>
      </span>
      {many ? (
        <details class="problem-many">
          <summary>
            <strong>{all.subject}</strong> {all.text}
          </summary>
          <ul>
            {line.problems.map((p) => (
              <li key={`${nameOf(p)} ${p.text}`}>
                <a href={base + p.link}>{nameOf(p) || p.rule}</a> {sentence(p)}
              </li>
            ))}
          </ul>
        </details>
      ) : (
        <>
          <a class="problem-name" href={base + first.link}>
            {nameOf(first) || "Cluster"}
          </a>
          <span class="problem-text">{sentence(first)}</span>
        </>
      )}
      <time class="problem-since muted" title={f.stamp(since, utc.value)}>
        for {f.age(now.value - since)}
      </time>
    </li>
  );
}

/** The problems of the entity a page shows. */
export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul class="problem-list" aria-label="Problems">
      {problems.map((p) => (
        <li key={`${p.rule} ${p.text}`}>
          <span class={`mark ${p.severity}`} aria-hidden="true">
            {GLYPH[p.severity]}
          </span>{" "}
          {p.entity.channel !== undefined && route.value.page === "topic" ? (
            <>
              <a href={base + p.link}>{p.entity.channel}</a>: {sentence(p)}
            </>
          ) : (
            sentence(p)
          )}
        </li>
      ))}
    </ul>
  );
}
