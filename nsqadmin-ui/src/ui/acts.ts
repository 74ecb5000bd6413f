/** Menus and buttons for topics and channels, the same wherever they are listed. */

import type { ActionTarget, Meta } from "../api/types";
import { origin } from "../boot";
import { adminCurl, nsqdCurl, pipeCommand, publishCurl, tailCommand } from "../lib/cli";
import { to } from "../router";
import { isAdmin, meta, outage } from "../state/live";
import { favourites, toggleFavourite } from "../state/prefs";
import { copy } from "../state/toasts";
import { TEXT } from "../text/en";
import { act } from "./Confirm";
import type { MenuItem } from "./Menu";

export interface Subject {
  topic: string;
  channel?: string;
  isPaused: boolean;
  /** Addresses of nsqds that have it. */
  nodes?: readonly { node: string; tcp?: string }[];
}

export function target({ topic, channel }: Subject): ActionTarget {
  return channel === undefined ? { topic } : { topic, channel };
}

/** Why acts are refused, if they are. */
export function refusal(): string | undefined {
  if (outage.value) return "nsqadmin cannot be reached";
  return undefined;
}

export function actItems(subject: Subject, after?: () => void): MenuItem[] {
  const targets = [target(subject)];
  const disabled = refusal();
  if (!isAdmin.value) return [];
  return [
    subject.isPaused
      ? { id: "pause", label: "Unpause", run: () => act("unpause", targets), disabled }
      : { id: "pause", label: "Pause…", run: () => act("pause", targets), disabled },
    { id: "empty", label: "Empty…", run: () => act("empty", targets), disabled },
    { id: "delete", label: "Delete…", run: () => act("delete", targets, after), danger: true, disabled },
  ];
}

export function copyItems(subject: Subject): MenuItem[] {
  const { topic, channel, nodes = [] } = subject;
  const known = meta.value;
  const lookups = known?.nsqlookupds ?? [];
  const tcp = nodes.flatMap((n) => (n.tcp ? [n.tcp] : []));
  const [first] = nodes;
  const name = channel ?? topic;
  const commands: MenuItem[] = [
    { label: `Copy name`, hint: name, run: () => void copy(name, name) },
    { label: "Copy link", run: () => void copy(location.origin + linkOf(subject), "the link") },
    { label: "Commands", heading: true },
  ];
  const command = (label: string, text: string): MenuItem => ({ label, run: () => void copy(text, "the command") });
  if (lookups.length > 0 || tcp.length > 0) commands.push(command("nsq_tail", tailCommand(topic, lookups, tcp)));
  if (tcp[0]) commands.push(command("to_nsq", pipeCommand(topic, tcp[0])));
  if (first) commands.push(command(`curl: publish to ${first.node}`, publishCurl(first.node, topic)));
  for (const action of ["pause", "unpause", "empty", "delete"] as const)
    commands.push(command(`curl: ${action} with nsqadmin`, adminCurl(origin, action, target(subject))));
  if (first)
    commands.push(command(`curl: empty on ${first.node} only`, nsqdCurl(first.node, "empty", target(subject))));
  return [...commands, ...externalItems(known, { topic, channel: channel ?? "" })];
}

function linkOf({ topic, channel }: Subject): string {
  return channel === undefined ? to.topic(topic) : to.channel(topic, channel);
}

export function externalItems(known: Meta | null, values: Record<string, string>): MenuItem[] {
  return (known?.external_links ?? []).map(({ label, url }) => ({
    label,
    external: true,
    href: url.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "")),
  }));
}

export function rowItems(subject: Subject): MenuItem[] {
  const { topic, channel } = subject;
  const name = channel === undefined ? topic : `${topic}/${channel}`;
  const starred = favourites.value.includes(name);
  const items: MenuItem[] = [{ label: "Open", href: linkOf(subject) }];
  const known = meta.value;
  if (channel === undefined && known?.can.tail) items.push({ label: "Tail", href: to.topic(topic, { tab: "tail" }) });
  if (channel === undefined && known?.can.publish)
    items.push({ label: "Publish", href: to.topic(topic, { tab: "publish" }) });
  items.push({ label: starred ? "Remove star" : "Add star", run: () => toggleFavourite(name) });
  return [...items, ...actItems(subject), { label: "Copy", heading: true }, ...copyItems(subject)];
}

export function readOnlyNote(): string | null {
  const known = meta.value;
  return known && !known.can.act ? TEXT.readOnly(known.user) : null;
}
