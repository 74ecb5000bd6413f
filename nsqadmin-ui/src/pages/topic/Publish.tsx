import { useState } from "preact/hooks";
import { Failure, send } from "../../api/client";
import type { PublishAnswer, TopicDetail } from "../../api/types";
import { toBase64 } from "../../lib/body";
import * as f from "../../lib/format";
import { meta, outage } from "../../state/live";
import { toast } from "../../state/toasts";
import { TEXT } from "../../text/en";
import { Empty } from "../../ui/Empty";

const BODY_MAX = 1 << 20;

type Form = "text" | "lines" | "base64";

/** Publishes a message by hand, for trying things out. */
export function Publish({ topic, data }: { topic: string; data: TopicDetail }) {
  const [body, setBody] = useState("");
  const [form, setForm] = useState<Form>("text");
  const [node, setNode] = useState("");
  const [defer, setDefer] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const known = meta.value;
  if (!known?.can.publish)
    return (
      <Empty title="Publishing is not allowed here.">
        <p>{TEXT.readOnly(known?.user ?? "")}</p>
      </Empty>
    );
  const lines = body.split("\n").filter((line) => line !== "").length;
  const count = form === "lines" ? lines : body === "" ? 0 : 1;
  const deferMs = Math.round(Number(defer) * 1000);
  const ready = count > 0 && Number.isFinite(deferMs) && deferMs >= 0 && !busy && outage.value === null;
  const publish = async () => {
    setBusy(true);
    setError(null);
    try {
      const answer = await send<PublishAnswer>("POST", "publish", {
        topic,
        node,
        body,
        encoding: form === "base64" ? "base64" : "text",
        defer_ms: deferMs,
        split: form === "lines",
        create: false,
      });
      toast(`Published ${f.plural(answer.messages, "message")}, ${f.bytes(answer.bytes)}, to ${answer.node}`);
    } catch (failure) {
      setError(failure instanceof Failure ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };
  const load = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > BODY_MAX) {
      setError(`${file.name} has ${f.bytes(file.size)}; at most 1 MiB can be published here.`);
      return;
    }
    setForm("base64");
    setBody(toBase64(new Uint8Array(await file.arrayBuffer())));
  };
  const channels = data.channels.rows.length;
  const consumers = data.row.consumers;
  return (
    <form
      class="publish"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void publish();
      }}
    >
      <p>
        {channels === 0
          ? "The topic has no channel: the message waits in the topic."
          : `${f.plural(channels, "channel")} and ${f.plural(consumers, "consumer")} will get this.`}
      </p>
      <label class="field">
        <span>Message</span>
        <textarea rows={8} spellcheck={false} value={body} onInput={(event) => setBody(event.currentTarget.value)} />
      </label>
      <div class="fields">
        <label class="field">
          <span>As</span>
          <select value={form} onChange={(event) => setForm(event.currentTarget.value as Form)}>
            <option value="text">text, one message</option>
            <option value="lines">text, one message per line</option>
            <option value="base64">base64</option>
          </select>
        </label>
        <label class="field">
          <span>To</span>
          <select value={node} onChange={(event) => setNode(event.currentTarget.value)}>
            <option value="">the nsqd with the least depth</option>
            {data.nodes.map((n) => (
              <option key={n.node} value={n.node}>
                {n.node}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Delay, seconds</span>
          <input
            type="number"
            min="0"
            step="any"
            inputMode="decimal"
            placeholder="0"
            value={defer}
            onInput={(event) => setDefer(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>From a file</span>
          <input type="file" onChange={(event) => void load(event.currentTarget.files?.[0])} />
        </label>
      </div>
      {error && (
        <p class="crit-text" role="alert">
          {error}
        </p>
      )}
      <button type="submit" class="button primary" disabled={!ready}>
        Publish{count > 1 ? ` ${count} messages` : ""}
      </button>
    </form>
  );
}
