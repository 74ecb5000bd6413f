import { useTable } from "../api/poller";
import type { TopicRow } from "../api/types";
import { TopicsTable } from "../tables/topics";
import { PageError } from "../ui/PageError";

export function Topics() {
  const topics = useTable<TopicRow>("topics");
  const rows = topics.rows.value;
  return (
    <>
      <h1 tabIndex={-1}>Topics</h1>
      {rows === null && <PageError error={topics.error.value} />}
      <TopicsTable rows={rows} />
    </>
  );
}
