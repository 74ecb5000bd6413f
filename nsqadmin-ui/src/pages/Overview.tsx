import { useResource, useTable } from "../api/poller";
import type { Envelope, Overview as OverviewData, TopicRow } from "../api/types";
import * as f from "../lib/format";
import { to } from "../router";
import { meta, sources } from "../state/live";
import { TopicsTable } from "../tables/topics";
import { Empty, Skeleton } from "../ui/Empty";
import { Tile } from "../ui/Kpi";
import { Num, Trend } from "../ui/Num";
import { PageError } from "../ui/PageError";
import { Problems } from "../ui/Problems";

export function Overview() {
  const resource = useResource<OverviewData>("overview");
  const topics = useTable<TopicRow>("topics");
  const envelope = resource.envelope.value;
  return (
    <>
      <h1 class="sr" tabIndex={-1}>
        Overview
      </h1>
      {envelope ? (
        <>
          <Summary envelope={envelope} />
          {allSilent(envelope) ? <AllSilent /> : <TopicsTable rows={topics.rows.value} />}
        </>
      ) : resource.error.value ? (
        <PageError error={resource.error.value} />
      ) : (
        // What is wrong comes first: nothing is shown that it would push down a moment later.
        <Skeleton />
      )}
    </>
  );
}

function allSilent(envelope: Envelope<unknown> | null): boolean {
  if (!envelope) return false;
  const { nsqlookupd, nsqd } = envelope.upstreams;
  return nsqlookupd.ok + nsqd.ok === 0 && nsqlookupd.of + nsqd.of > 0 && sources.value.every((s) => s.last_ok === null);
}

/** Nothing has ever answered: probably the addresses are wrong. */
function AllSilent() {
  const known = meta.value;
  return (
    <Empty title="Nothing answers.">
      <p>nsqadmin asked these addresses, as its flags say:</p>
      <ul class="plain">
        {sources.value.map((source) => (
          <li key={source.id}>
            <code>{source.id}</code> ({source.kind}): {source.error ?? "no answer yet"}
          </li>
        ))}
      </ul>
      <p class="muted">
        Mode: {known?.mode === "nsqd" ? "--nsqd-http-address" : "--lookupd-http-address"}. Check addresses, ports (HTTP,
        not TCP) and firewalls.
      </p>
    </Empty>
  );
}

function Summary({ envelope }: { envelope: Envelope<OverviewData> }) {
  const { totals, series, problems, inactive_topics: inactive } = envelope.data;
  const { nsqd, nsqlookupd } = envelope.upstreams;
  const checked = `checked ${nsqd.ok} nsqd${nsqlookupd.of > 0 ? `, ${nsqlookupd.ok} nsqlookupd` : ""}, ${f.age(envelope.age_ms)} ago`;
  const missing = envelope.partial ? "≥ " : "";
  const unit = (rate: number | null) => (rate === null ? "" : "/s");
  return (
    <>
      <Problems problems={problems} of={checked} />
      <section class="tiles" aria-label="Totals">
        <Tile
          label="Publish"
          value={f.rate(totals.publish_rate)}
          unit={unit(totals.publish_rate)}
          values={series.publish}
          note={totals.publish_bytes_rate === null ? "" : `${f.bytes(totals.publish_bytes_rate)}/s`}
          href={to.topics({ sort: "publish_rate", dir: "desc" })}
        />
        <Tile
          label="Out"
          value={f.rate(totals.out_rate)}
          unit={unit(totals.out_rate)}
          values={series.out}
          href={to.channels({ sort: "out_rate", dir: "desc" })}
        />
        <Tile
          label="Backlog"
          value={missing + f.brief(totals.depth)}
          values={series.backlog}
          note={<Trend v={totals.trend} />}
          href={to.channels({ sort: "depth", dir: "desc" })}
        />
        <Tile
          label="In flight"
          value={missing + f.brief(totals.in_flight)}
          values={series.in_flight}
          note={totals.deferred > 0 ? `${f.brief(totals.deferred)} deferred` : ""}
          href={to.channels({ sort: "in_flight", dir: "desc" })}
        />
        <Tile
          label="Timeouts"
          value={f.rate(totals.timeout_rate)}
          unit={unit(totals.timeout_rate)}
          values={series.timeout}
          href={to.channels({
            cols: "depth,in_rate,out_rate,timeout_rate,timed_out",
            sort: "timeout_rate",
            dir: "desc",
          })}
        />
      </section>
      <p class="counts">
        <a href={to.topics()}>
          <Num v={totals.topics} /> topics
        </a>
        {" · "}
        <a href={to.channels()}>
          <Num v={totals.channels} /> channels
        </a>
        {" · "}
        <a href={to.clients()}>
          <Num v={totals.consumers} /> consumers
        </a>
        {totals.producers !== null && (
          <>
            {" · "}
            <a href={to.clients({ view: "producers" })}>
              <Num v={totals.producers} /> producers
            </a>
          </>
        )}
        {" · "}
        <a href={to.nodes()}>
          {nsqd.ok}/{nsqd.of} nsqd
        </a>
        {nsqlookupd.of > 0 && (
          <>
            {" · "}
            <a href={to.lookup()}>
              {nsqlookupd.ok}/{nsqlookupd.of} nsqlookupd
            </a>
          </>
        )}
        {inactive > 0 && (
          <>
            {" · "}
            <a href={to.lookup()}>{f.plural(inactive, "inactive topic")}</a>
          </>
        )}
      </p>
    </>
  );
}
