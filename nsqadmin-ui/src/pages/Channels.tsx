import { useTable } from "../api/poller";
import type { ChannelRow } from "../api/types";
import { ChannelsTable } from "../tables/channels";
import { PageError } from "../ui/PageError";

export function Channels() {
  const channels = useTable<ChannelRow>("channels");
  const rows = channels.rows.value;
  return (
    <>
      <h1 tabIndex={-1}>Channels</h1>
      {rows === null && <PageError error={channels.error.value} />}
      <ChannelsTable rows={rows} />
    </>
  );
}
