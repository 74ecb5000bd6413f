/**
 * Addresses of pages.
 *
 * What is a page is in the path; tabs, filters and order are in the query, because a channel may be called "tail".
 */

import { computed, signal } from "@preact/signals";
import { base } from "./boot";

export type Page =
  | "overview"
  | "topics"
  | "topic"
  | "channel"
  | "channels"
  | "clients"
  | "nodes"
  | "node"
  | "lookup"
  | "counter"
  | "activity"
  | "missing";

export interface Route {
  page: Page;
  params: Record<string, string>;
}

const PATTERNS: [string[], Page][] = [
  [[], "overview"],
  [["topics"], "topics"],
  [["topics", ":topic"], "topic"],
  [["topics", ":topic", ":channel"], "channel"],
  [["channels"], "channels"],
  [["clients"], "clients"],
  [["nodes"], "nodes"],
  [["nodes", ":node"], "node"],
  [["lookup"], "lookup"],
  [["counter"], "counter"],
  [["activity"], "activity"],
];

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The page of a path, which starts with the base path. */
export function match(pathname: string, root: string): Route {
  if (`${pathname}/` === root) return { page: "overview", params: {} };
  if (!pathname.startsWith(root)) return { page: "missing", params: {} };
  const segments = pathname.slice(root.length).replace(/\/$/, "").split("/").filter(Boolean).map(decode);
  for (const [pattern, page] of PATTERNS) {
    if (pattern.length !== segments.length) continue;
    const params: Record<string, string> = {};
    const fits = pattern.every((part, i) => {
      const segment = segments[i] ?? "";
      if (part.startsWith(":")) params[part.slice(1)] = segment;
      return part.startsWith(":") || part === segment;
    });
    if (fits) return { page, params };
  }
  return { page: "missing", params: {} };
}

type Query = Record<string, string | undefined>;

export function href(path: string, query: Query = {}, root = base): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, value);
  const text = search.toString();
  return `${root}${path}${text === "" ? "" : `?${text}`}`;
}

const segment = encodeURIComponent;

export const to = {
  overview: () => href(""),
  topics: (query: Query = {}) => href("topics", query),
  topic: (topic: string, query: Query = {}) => href(`topics/${segment(topic)}`, query),
  channel: (topic: string, channel: string, query: Query = {}) =>
    href(`topics/${segment(topic)}/${segment(channel)}`, query),
  channels: (query: Query = {}) => href("channels", query),
  clients: (query: Query = {}) => href("clients", query),
  nodes: () => href("nodes"),
  node: (node: string, query: Query = {}) => href(`nodes/${segment(node)}`, query),
  lookup: () => href("lookup"),
  counter: () => href("counter"),
  activity: () => href("activity"),
};

interface Place {
  pathname: string;
  search: string;
}

function here(): Place {
  return { pathname: location.pathname, search: location.search };
}

export const place = signal<Place>(here());
const pathname = computed(() => place.value.pathname);
export const route = computed(() => match(pathname.value, base));
const search = computed(() => place.value.search);
export const query = computed(() => new URLSearchParams(search.value));

/** Where each visited entry of the history was scrolled to, by its number in `history.state`. */
const scrolled = new Map<number, Map<string, number>>();
let entry = 0;
let entries = 0;

/** Remembers how far a region of the current page is scrolled; the page itself is `""`. */
export function rememberScroll(region: string, top: number): void {
  let regions = scrolled.get(entry);
  if (!regions) {
    regions = new Map();
    scrolled.set(entry, regions);
  }
  regions.set(region, top);
}

export function rememberedScroll(region: string): number {
  return scrolled.get(entry)?.get(region) ?? 0;
}

/** Whether the current page was reached by Back or Forward. */
let returning = false;
export function isReturning(): boolean {
  return returning;
}

export function navigate(target: string): void {
  const url = new URL(target, document.baseURI);
  rememberScroll("", scrollY);
  entries += 1;
  entry = entries;
  returning = false;
  history.pushState({ entry }, "", url);
  place.value = here();
}

/** Changes the query in place; an empty value removes a name. */
export function setQuery(changes: Query): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const url = `${location.pathname}${text === "" ? "" : `?${text}`}`;
  if (url === location.pathname + location.search) return;
  history.replaceState({ entry }, "", url);
  place.value = here();
}

function isPlain(event: MouseEvent): boolean {
  return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

/** Whether a link leads to one of our pages. */
function isOurs(link: HTMLAnchorElement): boolean {
  if (link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return false;
  return match(link.pathname, base).page !== "missing";
}

export function startRouter(): void {
  history.scrollRestoration = "manual";
  const state = history.state as { entry?: number } | null;
  entry = entries = state?.entry ?? 0;
  history.replaceState({ entry }, "");
  addEventListener("popstate", (event) => {
    rememberScroll("", scrollY);
    entry = (event.state as { entry?: number } | null)?.entry ?? 0;
    returning = true;
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || !isPlain(event)) return;
    const link = (event.target as Element).closest("a");
    if (!link?.href || !isOurs(link)) return;
    event.preventDefault();
    navigate(link.href);
  });
}
