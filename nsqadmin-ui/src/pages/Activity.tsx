import { useResource } from "../api/poller";
import type { ActivityData, ActivityEntry } from "../api/types";
import * as f from "../lib/format";
import { to } from "../router";
import { utc } from "../state/prefs";
import { Empty } from "../ui/Empty";
import { PageError } from "../ui/PageError";
import { type Column, Table } from "../ui/Table";

function whatOf({ topic, channel }: ActivityEntry): string {
  return channel ? `${topic}/${channel}` : topic;
}

function linkOf({ action, topic, channel }: ActivityEntry): string {
  // The channel of a tail has no page, and is gone by now.
  return channel && action !== "tail_topic" ? to.channel(topic, channel) : to.topic(topic);
}

const COLUMNS: Column<ActivityEntry>[] = [
  {
    id: "at",
    label: "When",
    phone: false,
    value: (e) => e.at,
    cell: (e) => (
      <time dateTime={new Date(e.at).toISOString()} title={f.stamp(e.at, utc.value)}>
        {f.clock(e.at, utc.value)}
      </time>
    ),
  },
  { id: "action", label: "Act", phone: true, value: (e) => e.action, cell: (e) => e.action.replaceAll("_", " ") },
  {
    id: "what",
    label: "Topic / channel",
    phone: true,
    value: whatOf,
    cell: (e) => <a href={linkOf(e)}>{whatOf(e)}</a>,
  },
  {
    id: "node",
    label: "Node",
    value: (e) => e.node,
    cell: (e) => (e.node ? <a href={to.node(e.node)}>{e.node}</a> : <span class="zero">–</span>),
  },
  { id: "user", label: "User", phone: true, value: (e) => e.user, cell: (e) => e.user || <span class="zero">–</span> },
  { id: "remote_address", label: "From", value: (e) => e.remote_address },
  { id: "user_agent", label: "With", optional: true, value: (e) => e.user_agent },
];

/** Who has changed what. */
export function Activity() {
  const resource = useResource<ActivityData>("activity");
  const data = resource.envelope.value?.data;
  return (
    <>
      <h1 tabIndex={-1}>Activity</h1>
      <p class="muted">
        The last changes by way of this nsqadmin{data ? `, ${data.entries_max} at most` : ""}. They are forgotten when
        it stops; --notification-http-endpoint tells somebody who keeps them.
      </p>
      {!data && <PageError error={resource.error.value} />}
      <Table
        id="activity"
        caption="Activity"
        rows={data?.entries ?? null}
        rowKey={(e) => `${e.at} ${e.action} ${whatOf(e)} ${e.node}`}
        columns={COLUMNS}
        order={{ column: "at", descending: true }}
        fields={(e) => ({
          text: `${e.action} ${whatOf(e)} ${e.node} ${e.user} ${e.remote_address}`,
          in: { topic: e.topic, channel: e.channel, user: e.user, action: e.action, node: e.node },
        })}
        empty={<Empty title="Nobody has changed anything." />}
      />
    </>
  );
}
