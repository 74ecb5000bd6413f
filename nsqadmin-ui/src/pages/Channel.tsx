import { useEffect } from "preact/hooks";
import { encode } from "../api/client";
import { useResource } from "../api/poller";
import type { ChannelDetail, ClientGroup, Connection, Envelope } from "../api/types";
import { decode } from "../lib/columns";
import * as f from "../lib/format";
import { navigate, query, route, to } from "../router";
import { keepChannel } from "../state/history";
import { ConnectionsTable, GroupsTable } from "../tables/clients";
import { EphemeralBadge, PausedBadge } from "../tables/columns";
import { ChannelNodesTable } from "../tables/parts";
import type { Subject } from "../ui/acts";
import { Charts } from "../ui/Chart";
import { Skeleton } from "../ui/Empty";
import { Facts } from "../ui/Kpi";
import { Num, Saturation, Trend, Wait } from "../ui/Num";
import { ProblemList } from "../ui/Problems";
import { Star } from "../ui/Star";
import { Tabs, TopicCrumbs } from "../ui/Tabs";
import { Missing } from "./NotFound";
import { Actions, useLastKnown } from "./Topic";

export function ChannelPage() {
  const { topic = "", channel = "" } = route.value.params;
  const resource = useResource<ChannelDetail>(`topics/${encode(topic)}/${encode(channel)}`);
  const { envelope, isGone } = useLastKnown(resource.envelope.value, resource.error.value?.status === 404);
  if (!envelope)
    return (
      <>
        <TopicCrumbs topic={topic} />
        <h1 tabIndex={-1}>{channel}</h1>
        {resource.error.value ? (
          <Missing
            error={resource.error.value}
            what={`channel ${channel} of ${topic}`}
            link={(name) => to.channel(topic, name)}
          />
        ) : (
          <Skeleton />
        )}
      </>
    );
  return <View topic={topic} channel={channel} envelope={envelope} isGone={isGone} />;
}

interface ViewProps {
  topic: string;
  channel: string;
  envelope: Envelope<ChannelDetail>;
  isGone: boolean;
}

function View({ topic, channel, envelope, isGone }: ViewProps) {
  const { data } = envelope;
  const { row, nodes, problems } = data;
  const groups = decode<ClientGroup>(data.clients);
  const connections = decode<Connection>(data.connections);
  const tab = query.value.get("tab") ?? "nodes";
  const subject: Subject = {
    topic,
    channel,
    isPaused: row.paused !== "no",
    nodes: nodes.map(({ node }) => ({ node })),
  };
  useEffect(() => keepChannel(row, envelope), [envelope]);
  const mark = row.partial ? "≥" : "";
  return (
    <>
      <TopicCrumbs topic={topic} />
      {isGone && (
        <div class="banner warn" role="status">
          <span aria-hidden="true">▲</span> This channel has just gone. The numbers are the last known.
        </div>
      )}
      <div class="heading">
        <h1 tabIndex={-1}>{channel}</h1>
        <Star name={`${topic}/${channel}`} />
        <PausedBadge paused={row.paused} />
        <EphemeralBadge name={channel} />
        <span class="spring" />
        <Actions subject={subject} after={() => navigate(to.topic(topic))} />
      </div>
      <ProblemList problems={problems} />
      <Facts
        items={[
          [
            "Depth",
            <>
              <Num v={row.depth} mark={mark} /> <Trend v={row.trend} />{" "}
              <span class="muted">{f.forecast(row.depth, row.trend)}</span>
            </>,
          ],
          ["Memory", <Num key="m" v={row.memory_depth} />],
          ["Disk", <Num key="d" v={row.disk_depth} />],
          [
            "In flight",
            <>
              <Num v={row.in_flight} />
              {row.rdy !== null && <span class="muted"> / {f.count(row.rdy)} RDY</span>}
            </>,
          ],
          ["Saturation", <Saturation key="s" part={row.saturation} />],
          ["Deferred", <Num key="e" v={row.deferred} />],
          ["In", <>{f.perSecond(row.in_rate)}</>],
          ["Out", <>{f.perSecond(row.out_rate)}</>],
          ["Wait", <Wait key="w" depth={row.depth} out={row.out_rate} paused={row.paused === "all"} />],
        ]}
      />
      {tab !== "charts" && <ChannelCharts topic={topic} channel={channel} />}
      <Tabs
        label="Channel"
        current={tab}
        link={(id) => to.channel(topic, channel, { tab: id })}
        tabs={[
          { id: "nodes", label: "Nodes", count: nodes.length },
          { id: "clients", label: "Clients", count: connections.length },
          { id: "charts", label: "Charts" },
        ]}
      />
      {tab === "nodes" && <ChannelNodesTable data={data} />}
      {tab === "clients" && (
        <>
          <h2>Groups</h2>
          <GroupsTable groups={groups} connections={connections} scope={{ nodes: nodes.map((n) => n.node) }} />
          <h2>Connections</h2>
          <ConnectionsTable rows={connections} ofOneChannel />
        </>
      )}
      {tab === "charts" && <ChannelCharts topic={topic} channel={channel} all />}
    </>
  );
}

function ChannelCharts({ topic, channel, all = false }: { topic: string; channel: string; all?: boolean }) {
  const entity = `channel:${topic}/${channel}`;
  const line = (metric: string, label = metric.replace("_", " ")) => ({ entity, metric, label });
  const charts = [
    {
      title: "Depth",
      unit: "count" as const,
      area: true,
      lines: [line("depth"), ...(all ? [line("disk", "on disk")] : [])],
    },
    { title: "Messages per second", unit: "rate" as const, lines: [line("in"), line("out")] },
    { title: "In flight", unit: "count" as const, lines: [line("in_flight")] },
    {
      title: "Requeued and timed out",
      unit: "rate" as const,
      lines: [line("requeue", "requeued"), line("timeout", "timed out")],
    },
  ];
  return <Charts charts={all ? charts : charts.slice(0, 2)} />;
}
