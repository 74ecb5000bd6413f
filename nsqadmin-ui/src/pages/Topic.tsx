import { useEffect, useState } from "preact/hooks";
import { encode } from "../api/client";
import { useResource } from "../api/poller";
import type { ChannelRow, ClientGroup, Connection, Envelope, Producer, TopicDetail } from "../api/types";
import { decode } from "../lib/columns";
import * as f from "../lib/format";
import { navigate, query, route, to } from "../router";
import { keepChannel, keepTopic } from "../state/history";
import { isAdmin, meta, outage } from "../state/live";
import { ChannelsTable } from "../tables/channels";
import { GroupsTable, ProducersTable } from "../tables/clients";
import { EphemeralBadge, PausedBadge } from "../tables/columns";
import { TopicNodesTable } from "../tables/parts";
import { TEXT } from "../text/en";
import { copyItems, readOnlyNote, type Subject } from "../ui/acts";
import { Charts } from "../ui/Chart";
import { act } from "../ui/Confirm";
import { Empty, Skeleton } from "../ui/Empty";
import { Icon } from "../ui/Icon";
import { Facts } from "../ui/Kpi";
import { later } from "../ui/later";
import { openMenu } from "../ui/Menu";
import { Num, Trend } from "../ui/Num";
import { ProblemList } from "../ui/Problems";
import { Star } from "../ui/Star";
import { Tabs, TopicCrumbs } from "../ui/Tabs";
import { Missing } from "./NotFound";

const Tail = later(async () => (await import("./topic/Tail")).Tail);
const Publish = later(async () => (await import("./topic/Publish")).Publish);

export function Topic() {
  const topic = route.value.params["topic"] ?? "";
  const resource = useResource<TopicDetail>(`topics/${encode(topic)}`);
  const { envelope, isGone } = useLastKnown(resource.envelope.value, resource.error.value?.status === 404);
  if (!envelope)
    return (
      <>
        <TopicCrumbs topic={topic} leaf />
        <h1 tabIndex={-1}>{topic}</h1>
        {resource.error.value ? (
          <Missing error={resource.error.value} what={`topic ${topic}`} link={to.topic} />
        ) : (
          <Skeleton />
        )}
      </>
    );
  return <View topic={topic} envelope={envelope} isGone={isGone} />;
}

/** What was deleted while it is looked at stays on the screen, marked. */
export function useLastKnown<T>(envelope: Envelope<T> | null, missing: boolean) {
  const [last, setLast] = useState<Envelope<T> | null>(null);
  useEffect(() => {
    if (envelope && !missing) setLast(envelope);
  }, [envelope, missing]);
  return { envelope: envelope ?? last, isGone: missing && (envelope ?? last) !== null };
}

function View({ topic, envelope, isGone }: { topic: string; envelope: Envelope<TopicDetail>; isGone: boolean }) {
  const { data } = envelope;
  const { row, nodes, problems } = data;
  const channels = decode<ChannelRow>(data.channels);
  const groups = decode<ClientGroup>(data.clients);
  const connections = decode<Connection>(data.connections);
  const producers = decode<Producer>(data.producers);
  const tab = query.value.get("tab") ?? "channels";
  const subject: Subject = { topic, isPaused: row.paused !== "no", nodes: nodes.map(({ node }) => ({ node })) };
  useEffect(() => {
    keepTopic(row, envelope);
    for (const channel of busiest(channels)) keepChannel(channel, envelope);
  }, [envelope]);
  const partial = row.partial ? "≥" : "";
  const known = meta.value;
  if (data.inactive) return <Inactive topic={topic} data={data} />;
  return (
    <>
      <TopicCrumbs topic={topic} leaf />
      {isGone && (
        <div class="banner warn" role="status">
          <span aria-hidden="true">▲</span> This topic has just gone. The numbers are the last known.
        </div>
      )}
      <div class="heading">
        <h1 tabIndex={-1}>{topic}</h1>
        <Star name={topic} />
        <PausedBadge paused={row.paused} />
        <EphemeralBadge name={topic} />
        <span class="spring" />
        <Actions subject={subject} after={() => navigate(to.topics())} />
      </div>
      <ProblemList problems={problems} />
      <Facts
        items={[
          [
            "Publish",
            <>
              {f.perSecond(row.publish_rate)}{" "}
              {row.publish_bytes_rate !== null && <span class="muted">{f.bytes(row.publish_bytes_rate)}/s</span>}
            </>,
          ],
          [
            "Backlog",
            <>
              <Num v={row.backlog} mark={partial} /> <Trend v={row.trend} />{" "}
              <span class="muted">{f.forecast(row.backlog, row.trend)}</span>
            </>,
          ],
          ["Topic depth", <Num key="d" v={row.depth} mark={partial} />],
          ["In flight", <Num key="i" v={row.in_flight} />],
          ["Deferred", <Num key="e" v={row.deferred} />],
        ]}
      />
      {tab !== "charts" && tab !== "tail" && tab !== "publish" && <TopicCharts topic={topic} channels={channels} />}
      <Tabs
        label="Topic"
        current={tab}
        link={(id) => to.topic(topic, { tab: id })}
        tabs={[
          { id: "channels", label: "Channels", count: channels.length },
          { id: "nodes", label: "Nodes", count: nodes.length },
          { id: "clients", label: "Clients", count: connections.length + producers.length },
          { id: "charts", label: "Charts" },
          ...(known?.tail_access === "off" ? [] : [{ id: "tail", label: "Tail" }]),
          ...(known?.publish_access === "off" ? [] : [{ id: "publish", label: "Publish" }]),
        ]}
      />
      {tab === "channels" && <ChannelsTable rows={channels} topic={topic} />}
      {tab === "nodes" && <TopicNodesTable data={data} channels={channels} />}
      {tab === "clients" && (
        <>
          <h2>Consumers</h2>
          <GroupsTable
            groups={groups}
            connections={connections}
            scope={{ channel: true, nodes: nodes.map((n) => n.node) }}
          />
          <h2>Producers</h2>
          <ProducersTable rows={producers} ofOneTopic />
        </>
      )}
      {tab === "charts" && <TopicCharts topic={topic} channels={channels} all />}
      {tab === "tail" && <Tail topic={topic} data={data} />}
      {tab === "publish" && <Publish topic={topic} data={data} />}
    </>
  );
}

export function Actions({ subject, after }: { subject: Subject; after: () => void }) {
  const targets = [
    subject.channel === undefined ? { topic: subject.topic } : { topic: subject.topic, channel: subject.channel },
  ];
  const note = readOnlyNote();
  const away = outage.value !== null;
  return (
    <div class="actions">
      <button
        type="button"
        class="button quiet"
        aria-haspopup="menu"
        onClick={(event) => openMenu(event.currentTarget, "Copy", copyItems(subject))}
      >
        <Icon name="copy" /> Copy
      </button>
      {isAdmin.value ? (
        <>
          <button
            type="button"
            class="button"
            disabled={away}
            onClick={() => act(subject.isPaused ? "unpause" : "pause", targets)}
          >
            {subject.isPaused ? "Unpause" : "Pause…"}
          </button>
          <button type="button" class="button" disabled={away} onClick={() => act("empty", targets)}>
            Empty…
          </button>
          <button type="button" class="button danger" disabled={away} onClick={() => act("delete", targets, after)}>
            Delete…
          </button>
        </>
      ) : (
        note && <span class="muted">{note}</span>
      )}
    </div>
  );
}

const CHANNEL_LINES = 3;

/** The channels that have lines of their own. */
function busiest(channels: ChannelRow[]): ChannelRow[] {
  const order = channels.toSorted((a, b) => b.depth - a.depth || (b.in_rate ?? 0) - (a.in_rate ?? 0));
  return order.slice(0, CHANNEL_LINES);
}

function TopicCharts({ topic, channels, all = false }: { topic: string; channels: ChannelRow[]; all?: boolean }) {
  const entity = `topic:${topic}`;
  const ofChannels = (metric: string) =>
    busiest(channels).map(({ channel }) => ({ entity: `channel:${topic}/${channel}`, metric, label: channel }));
  const rates = {
    title: "Messages per second",
    unit: "rate" as const,
    lines: [
      { entity, metric: "publish", label: "publish" },
      { entity, metric: "out", label: "out" },
    ],
  };
  const backlog = {
    title: "Backlog",
    unit: "count" as const,
    area: true,
    lines: [{ entity, metric: "backlog", label: "backlog" }],
  };
  const depths = {
    title: "Depth of channels",
    unit: "count" as const,
    lines: ofChannels("depth"),
  };
  const outs = {
    title: "Out of channels",
    unit: "rate" as const,
    lines: ofChannels("out"),
  };
  const trouble = {
    title: "Requeued and timed out",
    unit: "rate" as const,
    lines: [
      { entity, metric: "requeue", label: "requeued" },
      { entity, metric: "timeout", label: "timed out" },
    ],
  };
  const bytes = {
    title: "Bytes per second",
    unit: "bytes" as const,
    lines: [{ entity, metric: "bytes", label: "published" }],
  };
  return (
    <Charts
      charts={all ? [rates, backlog, ...(channels.length > 0 ? [depths, outs] : []), trouble, bytes] : [rates, backlog]}
    />
  );
}

function Inactive({ topic, data }: { topic: string; data: TopicDetail }) {
  return (
    <>
      <TopicCrumbs topic={topic} leaf />
      <h1 tabIndex={-1}>{topic}</h1>
      <Empty title="Inactive">
        <p>{TEXT.noProducers}</p>
        {data.registered_channels.length > 0 && (
          <>
            <p>Registered channels:</p>
            <ul class="plain">
              {data.registered_channels.map((channel) => (
                <li key={channel}>{channel}</li>
              ))}
            </ul>
          </>
        )}
        <p>
          {isAdmin.value && (
            <button
              type="button"
              class="button danger"
              onClick={() => act("delete", [{ topic }], () => navigate(to.lookup()))}
            >
              Delete registration…
            </button>
          )}{" "}
          <a href={to.lookup()}>Lookup</a>
        </p>
      </Empty>
    </>
  );
}
