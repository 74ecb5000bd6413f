import { useTable } from "../api/poller";
import type { ClientGroup, Connection, Producer } from "../api/types";
import { query, to } from "../router";
import { ConnectionsTable, GroupsTable, ProducersTable } from "../tables/clients";
import { PageError } from "../ui/PageError";
import { Tabs } from "../ui/Tabs";

export function Clients() {
  const view = query.value.get("view") ?? "groups";
  const groups = useTable<ClientGroup>("clients");
  const connections = useTable<Connection>("connections");
  const producers = useTable<Producer>("producers", view === "producers" ? 0 : 10_000);
  return (
    <>
      <h1 tabIndex={-1}>Clients</h1>
      <Tabs
        label="Clients"
        current={view}
        link={(id) => to.clients({ view: id })}
        tabs={[
          { id: "groups", label: "Groups", count: groups.rows.value?.length },
          { id: "connections", label: "Connections", count: connections.rows.value?.length },
          { id: "producers", label: "Producers", count: producers.rows.value?.length },
        ]}
      />
      {groups.rows.value === null && <PageError error={groups.error.value} />}
      {view === "groups" && (
        <GroupsTable groups={groups.rows.value} connections={connections.rows.value} scope={{ topic: true }} />
      )}
      {view === "connections" && <ConnectionsTable rows={connections.rows.value} />}
      {view === "producers" && <ProducersTable rows={producers.rows.value} />}
    </>
  );
}
