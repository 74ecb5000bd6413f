import { refusal, type Subject, target } from "./acts";
import { act } from "./Confirm";

/** Acts on all selected rows. */
export function BulkActs({ subjects, done }: { subjects: Subject[]; done: () => void }) {
  const targets = subjects.map(target);
  const disabled = refusal() !== undefined;
  return (
    <>
      <button type="button" class="button small" disabled={disabled} onClick={() => act("pause", targets, done)}>
        Pause…
      </button>
      <button type="button" class="button small" disabled={disabled} onClick={() => act("unpause", targets, done)}>
        Unpause
      </button>
      <button type="button" class="button small" disabled={disabled} onClick={() => act("empty", targets, done)}>
        Empty…
      </button>
      <button
        type="button"
        class="button small danger"
        disabled={disabled}
        onClick={() => act("delete", targets, done)}
      >
        Delete…
      </button>
    </>
  );
}
