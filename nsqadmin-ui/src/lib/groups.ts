/** Consumers: what they are called, and how near they are. */

import type { ClientGroup, Connection, Locality } from "../api/types";

interface Named {
  hostname: string;
  client_id: string;
  remote_address?: string;
}

/** Host name of a client, with its id unless that repeats it. */
export function clientName({ hostname, client_id: id, remote_address: remote = "" }: Named): string {
  if (hostname === "") return id || remote;
  return id === "" || id === hostname || hostname.startsWith(`${id}.`) ? hostname : `${hostname} (${id})`;
}

type Grouped = Pick<Connection, "topic" | "channel" | "client_id" | "hostname" | "user_agent">;

function groupKey(row: Grouped): string {
  return [row.topic, row.channel, row.client_id, row.hostname, row.user_agent].join("\u0000");
}

/** The connections of each group, by the group's key. */
export function members(groups: readonly ClientGroup[], connections: readonly Connection[]): Map<string, Connection[]> {
  const byGroup = new Map<string, Connection[]>();
  for (const connection of connections) {
    const key = groupKey(connection);
    const list = byGroup.get(key);
    if (list) list.push(connection);
    else byGroup.set(key, [connection]);
  }
  return new Map(groups.map((group) => [group.key, byGroup.get(groupKey(group)) ?? []]));
}

const PLACE: Record<Locality, number> = { zone: 0, region: 1, global: 2 };

/** By node, then nearest first, as nsqadmin has always listed them. */
export function nearness(connection: Connection): string {
  return `${connection.node} ${PLACE[connection.attributes?.locality ?? "global"]} ${connection.hostname}`;
}
