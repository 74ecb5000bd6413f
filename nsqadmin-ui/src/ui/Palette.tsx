/** Search over everything that has a name. */

import { useMemo, useState } from "preact/hooks";
import { useResource, useTable } from "../api/poller";
import type { ChannelRow, NodeRow, RowProblem, TopicRow } from "../api/types";
import { brief } from "../lib/format";
import { rank } from "../lib/rank";
import { navigate, to } from "../router";
import { theme } from "../state/prefs";
import { Mark } from "./Badge";
import { closeDialog, Dialog } from "./Dialog";

const SHOWN = 12;
const PACE_MS = 10_000;

interface Hit {
  kind: string;
  name: string;
  href?: string;
  run?: () => void;
  problem?: RowProblem;
  note?: string;
}

function setTheme(value: "light" | "dark"): void {
  theme.value = value;
}

const PAGES: Hit[] = [
  { kind: "page", name: "Overview", href: to.overview() },
  { kind: "page", name: "Topics", href: to.topics() },
  { kind: "page", name: "Channels", href: to.channels() },
  { kind: "page", name: "Clients", href: to.clients() },
  { kind: "page", name: "Nodes", href: to.nodes() },
  { kind: "page", name: "Lookup", href: to.lookup() },
  { kind: "page", name: "Counter", href: to.counter() },
  { kind: "act", name: "Dark theme", run: () => setTheme("dark") },
  { kind: "act", name: "Light theme", run: () => setTheme("light") },
  { kind: "act", name: "Create topic or channel", href: `${to.lookup()}?create=1` },
];

export function Palette() {
  const topics = useTable<TopicRow>("topics?cols=topic,backlog,problem", PACE_MS).rows.value;
  const channels = useTable<ChannelRow>("channels?cols=topic,channel,depth,problem", PACE_MS).rows.value;
  const nodes = useResource<{ nodes: NodeRow[] }>("nodes", PACE_MS).envelope.value?.data.nodes;
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const all = useMemo((): Hit[] => {
    const hits = [...PAGES];
    for (const t of topics ?? [])
      hits.push({ kind: "topic", name: t.topic, href: to.topic(t.topic), problem: t.problem, note: brief(t.backlog) });
    for (const c of channels ?? []) {
      const name = `${c.topic}/${c.channel}`;
      hits.push({
        kind: "channel",
        name,
        href: to.channel(c.topic, c.channel),
        problem: c.problem,
        note: brief(c.depth),
      });
    }
    for (const n of nodes ?? [])
      hits.push({ kind: "node", name: `${n.hostname} ${n.node}`, href: to.node(n.node), problem: n.problem });
    return hits;
  }, [topics, channels, nodes]);
  const hits = useMemo(() => {
    const ranked = all.map((hit) => ({ hit, rank: rank(hit.name, typed.trim()) })).filter((r) => r.rank > 0);
    ranked.sort((a, b) => b.rank - a.rank || a.hit.name.length - b.hit.name.length);
    return ranked.slice(0, SHOWN).map(({ hit }) => hit);
  }, [all, typed]);
  const choose = (hit: Hit | undefined) => {
    if (!hit) return;
    closeDialog();
    hit.run?.();
    if (hit.href) navigate(hit.href);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((at + step + hits.length) % Math.max(1, hits.length));
    } else if (event.key === "Enter") choose(hits[at]);
  };
  return (
    <Dialog title={<span class="sr">Search</span>}>
      <input
        class="palette-input"
        data-first
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={hits[at] ? `palette-${at}` : undefined}
        aria-label="Search topics, channels, nodes and pages"
        placeholder="Topic, channel, node or page"
        autoComplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div id="palette-list" class="palette-list" role="listbox" aria-label="Found">
        {hits.map((hit, i) => (
          <div
            key={`${hit.kind} ${hit.name}`}
            id={`palette-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            class="palette-hit"
            onPointerMove={() => setAt(i)}
            onClick={() => choose(hit)}
            onKeyDown={onKey}
          >
            <span class="palette-kind">{hit.kind}</span>
            <span class="palette-name">{hit.name}</span>
            {hit.problem && <Mark severity={hit.problem} />}
            <span class="muted">{hit.note}</span>
          </div>
        ))}
        {hits.length === 0 && <p class="muted">Nothing has such a name.</p>}
      </div>
    </Dialog>
  );
}
