import type { ComponentChildren } from "preact";
import { to } from "../router";

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
}

/** Views of one page. They are links, so that each can be opened in a tab of its own. */
export function Tabs({
  tabs,
  current,
  link,
  label,
}: {
  tabs: Tab[];
  current: string;
  link: (id: string | undefined) => string;
  label: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ id, label: text, count }, index) => (
        <a key={id} href={link(index === 0 ? undefined : id)} aria-current={id === current ? "page" : undefined}>
          {text}
          {count !== undefined && <span class="tab-count"> {count}</span>}
        </a>
      ))}
    </nav>
  );
}

/** Where the page stands. */
export function Crumbs({ children }: { children: ComponentChildren }) {
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      {children}
    </nav>
  );
}

export function TopicCrumbs({ topic, leaf = false }: { topic: string; leaf?: boolean }) {
  return (
    <Crumbs>
      <a href={to.topics()}>Topics</a>
      <span aria-hidden="true"> / </span>
      {leaf ? <span>{topic}</span> : <a href={to.topic(topic)}>{topic}</a>}
    </Crumbs>
  );
}
