import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useResource } from "./api/poller";
import type { Meta, Overview as OverviewData } from "./api/types";
import { Activity } from "./pages/Activity";
import { ChannelPage } from "./pages/Channel";
import { Channels } from "./pages/Channels";
import { Clients } from "./pages/Clients";
import { Counter } from "./pages/Counter";
import { Lookup } from "./pages/Lookup";
import { Node } from "./pages/Node";
import { Nodes } from "./pages/Nodes";
import { NotFound } from "./pages/NotFound";
import { Overview } from "./pages/Overview";
import { Topic } from "./pages/Topic";
import { Topics } from "./pages/Topics";
import { isReturning, type Page, place, rememberedScroll, route } from "./router";
import { keepCluster } from "./state/history";
import { meta, pulse } from "./state/live";
import { Banners } from "./ui/Banner";
import { DialogHost } from "./ui/Dialog";
import { MenuHost } from "./ui/Menu";
import { Shell } from "./ui/Shell";
import { ToastHost } from "./ui/Toast";

const PAGES: Record<Page, ComponentType> = {
  overview: Overview,
  topics: Topics,
  topic: Topic,
  channel: ChannelPage,
  channels: Channels,
  clients: Clients,
  nodes: Nodes,
  node: Node,
  lookup: Lookup,
  counter: Counter,
  activity: Activity,
  missing: NotFound,
};

const NAMES: Record<Page, string> = {
  overview: "Overview",
  topics: "Topics",
  topic: "Topic",
  channel: "Channel",
  channels: "Channels",
  clients: "Clients",
  nodes: "Nodes",
  node: "Node",
  lookup: "Lookup",
  counter: "Counter",
  activity: "Activity",
  missing: "Not found",
};

/** `(2) orders / billing · nsqadmin`: problems first, because tabs are narrow. */
export function title(page: Page, params: Record<string, string>, problems: number, stale: boolean): string {
  const entity = Object.values(params).join(" / ") || NAMES[page];
  return `${stale ? "(stale) " : ""}${problems > 0 ? `(${problems}) ` : ""}${entity} · nsqadmin`;
}

const META_MS = 30_000;
const PROBLEMS_MS = 5000;

export function App() {
  const known = useResource<Meta>("meta", META_MS);
  const overview = useResource<OverviewData>("overview", PROBLEMS_MS);
  const envelope = overview.envelope.value;
  useEffect(() => {
    if (envelope) keepCluster(envelope);
  }, [envelope]);
  const fresh = known.envelope.value?.data;
  useEffect(() => {
    if (fresh) meta.value = fresh;
  }, [fresh]);

  const { page, params } = route.value;
  const path = place.value.pathname;
  const counts = envelope?.data.counts;
  const serious = counts ? counts.crit + counts.warn : 0;
  const stale = pulse.value === "stale" || pulse.value === "offline";
  useEffect(() => {
    document.title = title(page, params, serious, stale);
  }, [page, path, serious, stale]);

  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useLayoutEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    main.current?.querySelector("h1")?.focus({ preventScroll: true });
    return restoreScroll();
  }, [path]);

  const Current = PAGES[page];
  return (
    <>
      <Shell counts={counts} bare={page === "counter"} />
      <Banners />
      <main id="main" ref={main} class={`page page-${page}${stale ? " is-stale" : ""}`} tabIndex={-1}>
        <Current key={path} />
      </main>
      <MenuHost />
      <DialogHost />
      <ToastHost />
    </>
  );
}

/** After Back, the page is scrolled as it was left, once it is long enough again. */
function restoreScroll(): () => void {
  const wanted = isReturning() ? rememberedScroll("") : 0;
  let tries = 40;
  let frame = 0;
  const attempt = () => {
    scrollTo(0, wanted);
    tries -= 1;
    if (Math.abs(scrollY - wanted) > 1 && tries > 0) frame = requestAnimationFrame(attempt);
  };
  attempt();
  return () => cancelAnimationFrame(frame);
}
