import { useState } from "preact/hooks";
import type { ActionTarget } from "../../api/types";
import { origin } from "../../boot";
import { adminCurl } from "../../lib/cli";
import { plural } from "../../lib/format";
import { isValidName, nameFault } from "../../lib/names";
import { meta } from "../../state/live";
import { copy } from "../../state/toasts";
import { TEXT } from "../../text/en";
import { act } from "../../ui/Confirm";
import { closeDialog, Dialog } from "../../ui/Dialog";

/** Creates a topic, possibly with a channel, and says where. */
export function CreateDialog() {
  const lookupds = meta.value?.nsqlookupds.length ?? 0;
  const nodes = meta.value?.nsqds ?? [];
  const [topic, setTopic] = useState("");
  const [channel, setChannel] = useState("");
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const isDirect = lookupds === 0;
  const chosen = nodes.filter((node) => !left.has(node));
  const ready = isValidName(topic) && (channel === "" || isValidName(channel)) && (!isDirect || chosen.length > 0);
  const target: ActionTarget = channel === "" ? { topic } : { topic, channel };
  const submit = (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    closeDialog();
    act("create", isDirect ? chosen.map((node) => ({ ...target, node })) : [target]);
  };
  return (
    <Dialog title="Create topic or channel">
      <form onSubmit={submit}>
        <NameField label="Topic" value={topic} set={setTopic} first />
        <NameField label="Channel (optional)" value={channel} set={setChannel} />
        {isDirect ? (
          <NodeChoice nodes={nodes} left={left} setLeft={setLeft} />
        ) : (
          <p class="muted">
            Registers the topic at {plural(lookupds, "nsqlookupd", "nsqlookupd")}. {TEXT.bareTopic}
            {channel !== "" && " The channel is also created on every nsqd that has this topic."}
          </p>
        )}
        <div class="dialog-buttons">
          {!isDirect && (
            <button
              type="button"
              class="button quiet"
              disabled={!ready}
              onClick={() => void copy(adminCurl(origin, "create", target), "the command")}
            >
              Copy as curl
            </button>
          )}
          <span class="spring" />
          <button type="button" class="button" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={!ready}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface NodeChoiceProps {
  nodes: readonly string[];
  left: ReadonlySet<string>;
  setLeft: (left: ReadonlySet<string>) => void;
}

function NodeChoice({ nodes, left, setLeft }: NodeChoiceProps) {
  const toggle = (node: string) => {
    const next = new Set(left);
    if (!next.delete(node)) next.add(node);
    setLeft(next);
  };
  return (
    <fieldset class="field">
      <legend>On these nsqds</legend>
      {nodes.map((node) => (
        <label key={node} class="check">
          <input type="checkbox" checked={!left.has(node)} onChange={() => toggle(node)} /> {node}
        </label>
      ))}
    </fieldset>
  );
}

interface NameFieldProps {
  label: string;
  value: string;
  set: (value: string) => void;
  first?: boolean;
}

function NameField({ label, value, set, first = false }: NameFieldProps) {
  const fault = nameFault(value);
  const id = `create-${label.split(" ")[0]?.toLowerCase()}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        autoComplete="off"
        autoCapitalize="off"
        spellcheck={false}
        value={value}
        aria-invalid={fault !== null}
        aria-describedby={`${id}-rule`}
        {...(first ? { "data-first": true } : {})}
        onInput={(event) => set(event.currentTarget.value)}
      />
      <span id={`${id}-rule`} class={fault ? "crit-text" : "muted"}>
        {fault ?? "1–64 of a-z A-Z 0-9 . _ -, optionally followed by #ephemeral"}
      </span>
    </div>
  );
}
