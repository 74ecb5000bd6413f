import { useState } from "preact/hooks";
import { refreshAll } from "../api/poller";
import type { Counts } from "../api/types";
import * as f from "../lib/format";
import { navigate, type Page, query, route, setQuery, to } from "../router";
import { held, meta, outage, pulse, staleFor, upstreams } from "../state/live";
import {
  chartSource,
  density,
  exactNumbers,
  interval,
  RANGES,
  range,
  setRange,
  shortcuts,
  theme,
  utc,
} from "../state/prefs";
import { useShortcuts } from "../state/shortcuts";
import { openDialog } from "./Dialog";
import { Icon } from "./Icon";
import { KeyHelp } from "./KeyHelp";
import { type MenuItem, openMenu } from "./Menu";
import { Palette } from "./Palette";

const NAV: [string, string, Page[]][] = [
  ["Overview", to.overview(), ["overview"]],
  ["Topics", to.topics(), ["topics", "topic", "channel"]],
  ["Channels", to.channels(), ["channels"]],
  ["Clients", to.clients(), ["clients"]],
  ["Nodes", to.nodes(), ["nodes", "node"]],
  ["Lookup", to.lookup(), ["lookup"]],
  ["Counter", to.counter(), ["counter"]],
];

function hold(): void {
  held.value = !held.value;
  setQuery({ live: held.value ? "0" : undefined });
}

export function Shell({ counts, bare }: { counts: Counts | undefined; bare: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const go = (target: string) => () => navigate(target);
  const palette = () => openDialog(<Palette />);
  useShortcuts({
    "mod k": palette,
    "g o": go(to.overview()),
    "g t": go(to.topics()),
    "g c": go(to.channels()),
    "g u": go(to.clients()),
    "g n": go(to.nodes()),
    "g l": go(to.lookup()),
    r: refreshAll,
    h: hold,
    t: () => document.getElementById("range-button")?.click(),
    "?": () => openDialog(<KeyHelp />),
  });
  return (
    <header class={`top${bare ? " bare" : ""}`}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <button
        type="button"
        class="icon-button nav-button"
        aria-expanded={isOpen}
        aria-controls="nav"
        aria-label="Menu"
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="menu" />
      </button>
      <a class="brand" href={to.overview()}>
        <Icon name="logo" />
        nsqadmin
      </a>
      <nav id="nav" class={`nav${isOpen ? " open" : ""}`} aria-label="Main">
        {NAV.map(([label, link, pages]) => (
          <a
            key={label}
            href={link}
            aria-current={pages.includes(route.value.page) ? "page" : undefined}
            onClick={() => setOpen(false)}
          >
            {label}
          </a>
        ))}
      </nav>
      <span class="spring" />
      <button type="button" class="search" onClick={palette}>
        <Icon name="search" />
        <span class="search-text">Search…</span>
        <kbd>{navigator.platform.startsWith("Mac") ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <ProblemCount counts={counts} />
      <LivePill />
      <button
        type="button"
        id="range-button"
        class="button quiet range"
        aria-haspopup="menu"
        aria-label={`Time range of charts: ${range.value}`}
        onClick={(event) => openMenu(event.currentTarget, "Time range", rangeItems)}
      >
        {range.value}
        <Icon name="down" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-haspopup="menu"
        aria-label="Help"
        onClick={(event) => openMenu(event.currentTarget, "Help", helpItems)}
      >
        <Icon name="help" />
      </button>
      <button
        type="button"
        class="button quiet user"
        aria-haspopup="menu"
        aria-label={`Settings${meta.value?.user ? ` of ${meta.value.user}` : ""}`}
        onClick={(event) => openMenu(event.currentTarget, "Settings", settingItems)}
      >
        <Icon name="user" />
        <span class="user-name">{meta.value?.user ?? ""}</span>
        {meta.value && !meta.value.can.act && <span class="badge plain">read only</span>}
      </button>
    </header>
  );
}

function ProblemCount({ counts }: { counts: Counts | undefined }) {
  if (!counts) return null;
  const { crit, warn } = counts;
  return (
    <a class="problem-count" href={to.overview()}>
      {crit + warn === 0 && (
        <span class="mark ok">
          <span aria-hidden="true">✓</span>
          <span class="sr">No problems</span>
        </span>
      )}
      {crit > 0 && <Count severity="crit" glyph="◆" value={crit} word="critical problem" />}
      {warn > 0 && <Count severity="warn" glyph="▲" value={warn} word="warning" />}
    </a>
  );
}

function Count({ severity, glyph, value, word }: { severity: string; glyph: string; value: number; word: string }) {
  return (
    <span class={`mark ${severity}`} title={f.plural(value, word)}>
      <span aria-hidden="true">{glyph}</span>
      {value}
      <span class="sr"> {value === 1 ? word : `${word}s`} </span>
    </span>
  );
}

function LivePill() {
  const state = pulse.value;
  const every = `${interval.value / 1000} s`;
  const old = f.age(staleFor.value);
  const text = { live: `live ${every}`, held: "held", stale: `${old} old`, offline: "offline", off: "off" }[state];
  const glyph = { live: "●", held: "‖", stale: "▲", offline: "○", off: "○" }[state];
  return (
    <button
      type="button"
      class={`pill ${state}`}
      aria-haspopup="menu"
      aria-label={`Updates: ${text}`}
      onClick={(event) => openMenu(event.currentTarget, "Updates", liveItems)}
    >
      <span aria-hidden="true">{glyph}</span> {text}
    </button>
  );
}

function liveItems(): MenuItem[] {
  return [
    { label: held.value ? "Resume" : "Hold", hint: "h", run: hold },
    { label: "Refresh now", hint: "r", run: refreshAll },
    { label: "Update every", heading: true },
    ...[1000, 2000, 5000, 10_000, 0].map((ms) => ({
      label: ms === 0 ? "off" : `${ms / 1000} s`,
      checked: interval.value === ms,
      run: () => {
        interval.value = ms;
      },
    })),
  ];
}

function rangeItems(): MenuItem[] {
  const ranges = Object.keys(RANGES).map((name) => ({
    label: name === "off" ? "off (no charts)" : name,
    checked: range.value === name,
    run: () => {
      setRange(name);
      if (query.value.has("t")) setQuery({ t: name });
    },
  }));
  if ((meta.value?.graphite.mode ?? "off") === "off") return ranges;
  return [
    ...ranges,
    { label: "Samples of", heading: true },
    choice("nsqadmin", chartSource, "nsqadmin"),
    choice("Graphite", chartSource, "graphite"),
  ];
}

/** An entry of a menu that sets something. */
function choice<T>(label: string, state: { value: T }, value: T): MenuItem {
  return {
    label,
    checked: state.value === value,
    keeps: true,
    run: () => {
      state.value = value;
    },
  };
}

function helpItems(): MenuItem[] {
  const known = meta.value;
  const state = upstreams.value;
  return [
    { label: "Keyboard shortcuts", hint: "?", run: () => openDialog(<KeyHelp />) },
    { label: "Documentation of NSQ", href: "https://nsq.io/overview/design.html", external: true },
    { label: "NSQ on GitHub", href: "https://github.com/nsqio/nsq", external: true },
    { label: "Activity of users", href: to.activity() },
    { label: `nsqadmin ${known?.version ?? ""}`, heading: true },
    ...(state
      ? [
          { label: `${state.nsqd.ok} of ${state.nsqd.of} nsqd answer`, heading: true },
          { label: `${state.nsqlookupd.ok} of ${state.nsqlookupd.of} nsqlookupd answer`, heading: true },
        ]
      : []),
  ];
}

function settingItems(): MenuItem[] {
  const known = meta.value;
  const who = known?.user ? `Signed in as ${known.user}` : "Not signed in";
  const flip = (label: string, state: { value: boolean }): MenuItem => ({
    label,
    checked: state.value,
    keeps: true,
    run: () => {
      state.value = !state.value;
    },
  });
  return [
    { label: `${who}, ${known?.can.act ? "admin" : "read only"}`, heading: true },
    { label: "Theme", heading: true },
    choice("As the system", theme, "system"),
    choice("Light", theme, "light"),
    choice("Dark", theme, "dark"),
    { label: "Rows", heading: true },
    choice("Compact", density, "compact"),
    choice("Comfortable", density, "comfortable"),
    { label: "Numbers and keys", heading: true },
    flip("Times in UTC", utc),
    flip("All digits of large numbers", exactNumbers),
    flip("Single-key shortcuts", shortcuts),
    ...(outage.value ? [{ label: "nsqadmin cannot be reached", heading: true }] : []),
  ];
}
