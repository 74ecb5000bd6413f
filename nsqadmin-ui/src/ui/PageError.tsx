import type { Failure } from "../api/client";
import { outage } from "../state/live";
import { Empty } from "./Empty";

/** In place of a page whose first answer was a refusal. */
export function PageError({ error }: { error: Failure | null }) {
  if (!error || (error.unreachable && outage.value)) return null;
  return (
    <Empty title="This could not be loaded.">
      <p>{error.message}</p>
      <p class="muted">{error.code}</p>
    </Empty>
  );
}
