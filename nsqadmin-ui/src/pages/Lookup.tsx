import { useEffect, useState } from "preact/hooks";
import { useResource } from "../api/poller";
import type { LookupData } from "../api/types";
import * as f from "../lib/format";
import { query, setQuery, to } from "../router";
import { isAdmin, now, outage } from "../state/live";
import { nodeLabel } from "../tables/parts";
import { readOnlyNote } from "../ui/acts";
import { Badge } from "../ui/Badge";
import { act } from "../ui/Confirm";
import { openDialog } from "../ui/Dialog";
import { Empty, Skeleton } from "../ui/Empty";
import { PageError } from "../ui/PageError";
import { type Column, Table } from "../ui/Table";
import { CreateDialog } from "./lookup/Create";

export function Lookup() {
  const resource = useResource<LookupData>("lookup");
  const data = resource.envelope.value?.data;
  const create = () => openDialog(<CreateDialog />);
  const asked = query.value.get("create") !== null;
  useEffect(() => {
    if (!asked || !data) return;
    setQuery({ create: undefined });
    if (isAdmin.peek()) create();
  }, [asked, data !== undefined]);
  const note = readOnlyNote();
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>Lookup</h1>
        <span class="spring" />
        {isAdmin.value ? (
          <button type="button" class="button" disabled={outage.value !== null} onClick={create}>
            Create topic / channel…
          </button>
        ) : (
          note && <span class="muted">{note}</span>
        )}
      </div>
      {data ? <View data={data} /> : resource.error.value ? <PageError error={resource.error.value} /> : <Skeleton />}
    </>
  );
}

function View({ data }: { data: LookupData }) {
  if (!data.configured)
    return (
      <Empty title="No nsqlookupd is configured.">
        <p>
          nsqadmin asks the nsqds of <code>--nsqd-http-address</code> themselves. With{" "}
          <code>--lookupd-http-address</code> it would find them, and this page would show who is registered where.
          Topics and channels can be created on the nsqds themselves.
        </p>
      </Empty>
    );
  return (
    <>
      <Lookupds data={data} />
      <div class="columns">
        <Registrations data={data} />
        <div>
          <Inactive data={data} />
          <Tombstones data={data} />
        </div>
      </div>
    </>
  );
}

function Lookupds({ data }: { data: LookupData }) {
  return (
    <div class="table-region">
      <table>
        <caption class="sr">nsqlookupd</caption>
        <thead>
          <tr>
            <th scope="col">nsqlookupd</th>
            <th scope="col">State</th>
            <th scope="col" class="numeric">
              Answer
            </th>
            <th scope="col">Version</th>
            <th scope="col" class="numeric">
              nsqd
            </th>
            <th scope="col" class="numeric">
              Topics
            </th>
          </tr>
        </thead>
        <tbody>
          {data.nsqlookupds.map((l) => (
            <tr key={l.address}>
              <th scope="row">{l.address}</th>
              <td>
                {l.ok ? (
                  <Badge status="ok">OK</Badge>
                ) : (
                  <Badge status="crit" title={l.error ?? undefined}>
                    no answer{l.since === null ? "" : ` for ${f.age(now.value - l.since)}`}
                  </Badge>
                )}
              </td>
              <td class="numeric">
                {l.latency_ms === null || !l.ok ? "–" : f.duration(Math.max(0.001, l.latency_ms / 1000))}
              </td>
              <td>{l.version ?? "–"}</td>
              <td class="numeric">{l.nodes ?? "–"}</td>
              <td class="numeric">{l.topics ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Known({ value }: { value: boolean | null | undefined }) {
  if (value === null || value === undefined)
    return (
      <span class="unknown" title="no answer">
        ?
      </span>
    );
  return value ? (
    <span class="mark ok" title="registered">
      <span aria-hidden="true">✓</span>
      <span class="sr">registered</span>
    </span>
  ) : (
    <span class="mark warn" title="not registered">
      <span aria-hidden="true">✗</span>
      <span class="sr">not registered</span>
    </span>
  );
}

type Registration = LookupData["registrations"][number];

function Registrations({ data }: { data: LookupData }) {
  const columns: Column<Registration>[] = [
    {
      id: "node",
      label: "nsqd",
      value: (r) => r.node,
      cell: (r) => <a href={to.node(r.node)}>{nodeLabel(r.node, r.hostname)}</a>,
    },
    ...data.nsqlookupds.map(
      (l, i): Column<Registration> => ({
        id: l.address,
        label: l.address,
        phone: true,
        value: (r) => (r.known_to[i] === true ? 1 : 0),
        cell: (r) => <Known value={r.known_to[i]} />,
      }),
    ),
  ];
  return (
    <section>
      <h2>Registrations</h2>
      <Table
        id="registrations"
        caption="Registrations"
        rows={data.registrations}
        rowKey={(r) => r.node}
        columns={columns}
        order={{ column: "node", descending: false }}
        fields={(r) => ({ text: `${r.node} ${r.hostname}` })}
        href={(r) => to.node(r.node)}
        plain
        empty={<Empty title="No nsqd is registered." />}
      />
    </section>
  );
}

function Inactive({ data }: { data: LookupData }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { inactive } = data;
  const entries = inactive.flatMap(({ topic, channels }) => [
    { id: topic, target: { topic } },
    ...channels.map((channel) => ({ id: `${topic}/${channel}`, target: { topic, channel } })),
  ]);
  const selected = entries.filter(({ id }) => chosen.has(id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const box = (id: string) =>
    isAdmin.value && (
      <input type="checkbox" aria-label={`Select ${id}`} checked={chosen.has(id)} onChange={() => toggle(id)} />
    );
  const remove = () =>
    act(
      "delete",
      selected.map(({ target }) => target),
      () => setChosen(new Set()),
    );
  return (
    <section>
      <div class="heading">
        <h2>Inactive ({inactive.length})</h2>
        <span class="spring" />
        {isAdmin.value && inactive.length > 0 && (
          <>
            <button
              type="button"
              class="button quiet small"
              onClick={() =>
                setChosen(selected.length === entries.length ? new Set() : new Set(entries.map((e) => e.id)))
              }
            >
              {selected.length === entries.length ? "Select none" : "Select all"}
            </button>
            <button
              type="button"
              class="button small danger"
              disabled={selected.length === 0 || outage.value !== null}
              onClick={remove}
            >
              Delete selected…
            </button>
          </>
        )}
      </div>
      <p class="muted">Registered at nsqlookupd without an nsqd: created in advance, or left over.</p>
      {inactive.length === 0 ? (
        <p>
          <span class="mark ok" aria-hidden="true">
            ✓
          </span>{" "}
          None.
        </p>
      ) : (
        <ul class="tree">
          {inactive.map(({ topic, channels }) => (
            <li key={topic}>
              <span class="tree-line">
                {box(topic)}
                <a href={to.topic(topic)}>{topic}</a>
                {channels.length === 0 && <span class="muted"> no channels</span>}
              </span>
              {channels.length > 0 && (
                <ul>
                  {channels.map((channel) => (
                    <li key={channel} class="tree-line">
                      {box(`${topic}/${channel}`)}
                      <span>{channel}</span>
                    </li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Tombstones({ data }: { data: LookupData }) {
  if (data.tombstones.length === 0) return null;
  return (
    <section>
      <h2>Tombstones ({data.tombstones.length})</h2>
      <ul class="plain">
        {data.tombstones.map(({ topic, node, nsqlookupds, left_s: left }) => (
          <li key={`${topic} ${node}`}>
            <a href={to.topic(topic)}>{topic}</a> on <a href={to.node(node)}>{node}</a>{" "}
            <span class="muted">
              at {nsqlookupds.join(", ")}
              {left !== null && `, ${f.duration(left)} left`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
