/**
 * Questions before acts, graded by what is lost: none for what can be taken back, a dialog for what loses nothing, and
 * the typed name for what does. The numbers come from a dry run that is repeated while the dialog is open.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { send } from "../api/client";
import { refreshAll } from "../api/poller";
import type { ActionAnswer, ActionName, ActionResult, ActionTarget } from "../api/types";
import { origin } from "../boot";
import { adminCurl, nsqdCurl } from "../lib/cli";
import { exact, plural } from "../lib/format";
import { meta, outage } from "../state/live";
import { copy, toast } from "../state/toasts";
import { TEXT } from "../text/en";
import { closeDialog, Dialog, openDialog } from "./Dialog";
import { openMenu } from "./Menu";

const DRY_RUN_MS = 2000;

const VERB: Record<ActionName, string> = {
  create: "Create",
  pause: "Pause",
  unpause: "Unpause",
  empty: "Empty",
  delete: "Delete",
  tombstone: "Tombstone",
};
const DONE: Record<ActionName, string> = {
  create: "Created",
  pause: "Paused",
  unpause: "Unpaused",
  empty: "Emptied",
  delete: "Deleted",
  tombstone: "Tombstoned",
};

function nameOf(target: ActionTarget): string {
  return target.channel === undefined ? target.topic : `${target.topic} / ${target.channel}`;
}

function kindOf(targets: readonly ActionTarget[]): string {
  const channels = targets.filter((t) => t.channel !== undefined).length;
  if (targets.length === 1) return channels === 1 ? "channel" : "topic";
  return channels === targets.length ? "channels" : channels === 0 ? "topics" : "topics and channels";
}

/** What has to be typed before something is lost. */
export function phrase(action: ActionName, targets: readonly ActionTarget[]): string {
  const [only] = targets;
  if (targets.length === 1 && only) return only.channel ?? only.topic;
  return `${action} ${targets.length} ${kindOf(targets)}`;
}

type Request = { action: ActionName; targets: ActionTarget[]; done?: () => void };

async function perform({ action, targets, done }: Request): Promise<void> {
  let answer: ActionAnswer;
  try {
    answer = await send<ActionAnswer>("POST", "actions", { action, targets, dry_run: false });
  } catch (error) {
    toast(`${VERB[action]} failed: ${error instanceof Error ? error.message : error}`, { kind: "crit", lasting: true });
    return;
  }
  report({ action, targets, ...(done ? { done } : {}) }, answer);
  refreshAll();
}

function report({ action, targets, done }: Request, answer: ActionAnswer): void {
  const steps = answer.targets.flatMap((result) => result.nodes.map((node) => ({ result, node })));
  const failed = steps.filter(({ node }) => !node.ok);
  const names = [...new Set(targets.map(nameOf))];
  const subject = names.length === 1 ? names[0] : `${names.length} ${kindOf(targets)}`;
  if (failed.length === 0) {
    const nodes = new Set(steps.filter(({ node }) => node.kind === "nsqd").map(({ node }) => node.node)).size;
    const lost = action === "empty" || action === "delete" || action === "tombstone";
    const parts = [`${DONE[action]} ${subject}`];
    if (nodes > 0) parts[0] += ` on ${nodes} of ${nodes} nodes`;
    if (lost && answer.messages > 0) parts.push(plural(answer.messages, "message"));
    const undo = { label: "Undo", run: () => void perform({ action: "unpause" as const, targets }) };
    toast(parts.join(" · "), action === "pause" ? { action: undo } : {});
    done?.();
    return;
  }
  const retry = failed.map(({ result, node }): ActionTarget => {
    const target: ActionTarget = { topic: result.topic };
    // Of nsqlookupds, all are asked again; those that have done it do not mind.
    if (node.kind === "nsqd") target.node = node.node;
    if (result.channel) target.channel = result.channel;
    return target;
  });
  toast(`${VERB[action]} ${subject}: ${steps.length - failed.length} of ${steps.length} done.`, {
    kind: "crit",
    lasting: true,
    details: failed.map(
      ({ result, node }) =>
        `${node.node}: ${node.error ?? "failed"}${targets.length > 1 ? ` (${nameOf(targetOf(result))})` : ""}`,
    ),
    action: { label: "Retry failed", run: () => void perform({ action, targets: retry, ...(done ? { done } : {}) }) },
  });
}

function targetOf({ topic, channel }: ActionResult): ActionTarget {
  return channel ? { topic, channel } : { topic };
}

/** Asks as much as the act deserves, and then acts. `done` runs when all of it succeeded. */
export function act(action: ActionName, targets: ActionTarget[], done?: () => void): void {
  const request: Request = { action, targets, ...(done ? { done } : {}) };
  if (action === "unpause" || action === "create") void perform(request);
  else if (action === "pause") openDialog(<PauseDialog {...request} />);
  else openDialog(<LossDialog {...request} />);
}

function useDryRun({ action, targets }: Request): { answer: ActionAnswer | null; error: string | null } {
  const [state, setState] = useState<{ answer: ActionAnswer | null; error: string | null }>({
    answer: null,
    error: null,
  });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      try {
        const answer = await send<ActionAnswer>("POST", "actions", { action, targets, dry_run: true }, abort.signal);
        setState({ answer, error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, error: error instanceof Error ? error.message : String(error) }));
      }
      timer = setTimeout(ask, DRY_RUN_MS);
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  return state;
}

function Title({ action, targets }: Request) {
  const [only] = targets;
  const what =
    targets.length === 1 && only ? `${kindOf(targets)} ${nameOf(only)}` : `${targets.length} ${kindOf(targets)}`;
  const where = action === "tombstone" && only?.node ? ` on ${only.node}` : "";
  return (
    <>
      {VERB[action]} {what}
      {where}
    </>
  );
}

function Buttons({ request, children }: { request: Request; children: ComponentChildren }) {
  const menu = (anchor: Element) => {
    const commands = request.targets.map((t) => adminCurl(origin, request.action, t)).join("\n");
    const [only] = request.targets;
    openMenu(anchor, "Copy as", [
      { label: "curl to nsqadmin", run: () => void copy(commands, "the command") },
      ...(only?.node
        ? [
            {
              label: `curl to ${only.node}`,
              run: () => void copy(nsqdCurl(only.node ?? "", request.action, only), "the command"),
            },
          ]
        : []),
    ]);
  };
  return (
    <div class="dialog-buttons">
      <button type="button" class="button quiet" aria-haspopup="menu" onClick={(event) => menu(event.currentTarget)}>
        Copy as curl
      </button>
      <span class="spring" />
      <button type="button" class="button" data-first onClick={closeDialog}>
        Cancel
      </button>
      {children}
    </div>
  );
}

function PauseDialog(request: Request) {
  const { answer } = useDryRun(request);
  const isTopic = request.targets.every((t) => t.channel === undefined);
  const go = () => {
    closeDialog();
    void perform(request);
  };
  return (
    <Dialog title={<Title {...request} />}>
      <p>
        {isTopic
          ? "Messages pile up in the topic and reach no channel until it is unpaused."
          : "Consumers get no messages from the channel until it is unpaused. New ones pile up in it."}
      </p>
      {answer && <p class="muted">{plural(answer.clients, "connected consumer")} will receive nothing meanwhile.</p>}
      <Buttons request={request}>
        <button type="button" class="button primary" onClick={go}>
          Pause
        </button>
      </Buttons>
    </Dialog>
  );
}

function LossDialog(request: Request) {
  const { action, targets } = request;
  const { answer, error } = useDryRun(request);
  const [typed, setTyped] = useState("");
  const wanted = phrase(action, targets);
  const harmless = answer?.ok && answer.messages === 0 && answer.clients === 0;
  const ready = (harmless || (answer !== null && typed === wanted)) && outage.value === null;
  const go = () => {
    closeDialog();
    void perform(request);
  };
  return (
    <Dialog title={<Title {...request} />} wide={targets.length > 1}>
      {answer === null && !error && <p class="muted">Counting what would be lost…</p>}
      {error && <p class="crit-text">What would be lost could not be counted: {error}</p>}
      {answer && <Impact request={request} answer={answer} />}
      <Effects request={request} answer={answer} />
      {answer && !harmless && (
        <label class="confirm-name">
          <span>
            Type <code>{wanted}</code> to confirm
          </span>
          <input
            type="text"
            autoComplete="off"
            autoCapitalize="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      )}
      <Buttons request={request}>
        <button type="button" class="button destroy" disabled={!ready} onClick={go}>
          {VERB[action]}
        </button>
      </Buttons>
    </Dialog>
  );
}

function Impact({ request, answer }: { request: Request; answer: ActionAnswer }) {
  const { targets } = answer;
  const silent = targets.flatMap((t) => t.nodes).filter((node) => !node.ok);
  const nsqds = new Set(targets.flatMap((t) => t.nodes.filter((n) => n.kind === "nsqd").map((n) => n.node)));
  const sum = (pick: (t: ActionResult) => number) => targets.reduce((total, t) => total + pick(t), 0);
  const parts: [number, string][] = [
    [sum((t) => t.depth), "waiting"],
    [sum((t) => t.in_flight), "in flight"],
    [sum((t) => t.deferred), "deferred"],
  ];
  return (
    <>
      {answer.messages === 0 ? (
        <p>No messages are lost.</p>
      ) : (
        <p class="impact">
          On {nsqds.size} nsqd this removes{" "}
          {parts
            .filter(([n]) => n > 0)
            .map(([n, label]) => `${exact(n)} ${label}`)
            .join(", ")}
          {" = "}
          <strong>
            {silent.length > 0 ? "≥ " : ""}
            {plural(answer.messages, "message")} lost
          </strong>
        </p>
      )}
      {answer.clients > 0 && request.action !== "empty" && (
        <p>
          <strong>{plural(answer.clients, "connected consumer")}</strong> will be disconnected.
        </p>
      )}
      {targets.length > 1 && <TargetList targets={targets} />}
      {silent.length > 0 && (
        <p class="warn-text">
          <span aria-hidden="true">▲ </span>
          No answer from {silent.map((node) => node.node).join(", ")}: what is there is not counted.
        </p>
      )}
    </>
  );
}

function TargetList({ targets }: { targets: ActionResult[] }) {
  return (
    <ul class="target-list">
      {targets.map((t) => (
        <li key={nameOf(targetOf(t))}>
          <span>{nameOf(targetOf(t))}</span>
          <span class="muted">
            {plural(t.messages, "message")}, {plural(t.clients, "consumer")}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What the act does beyond the numbers. */
function Effects({ request, answer }: { request: Request; answer: ActionAnswer | null }) {
  const { action, targets } = request;
  const [only] = targets;
  const channels = targets.some((t) => t.channel !== undefined);
  const topics = targets.some((t) => t.channel === undefined);
  const results = answer?.targets ?? [];
  const clients = [...new Set(results.flatMap((t) => t.client_ids))];
  // Who publishes creates topics; channels come back with those who consume.
  const producers = topics ? [...new Set(results.flatMap((t) => t.producers))] : [];
  const removes = action === "delete" || action === "tombstone";
  return (
    <>
      {action === "empty" && topics && <p>{TEXT.emptyTopic}</p>}
      {action === "empty" && channels && <p>{TEXT.emptyChannel}</p>}
      {action === "tombstone" && only && <p>{TEXT.tombstone(only.topic, meta.value?.nsqlookupds.length ?? 0)}</p>}
      {action === "delete" && channels && results.some((t) => t.is_last) && (
        <p class="warn-text">
          <span aria-hidden="true">▲ </span>
          {TEXT.lastChannel}
        </p>
      )}
      {removes && clients.length + producers.length > 0 && (
        <p class="warn-text">
          <span aria-hidden="true">▲ </span>
          {topics
            ? "These would create it again: "
            : "These clients will create the channel again when they reconnect: "}
          {[...producers.map((p) => `${p} (producer)`), ...clients].slice(0, 12).join(", ")}
          {clients.length + producers.length > 12 ? " and others" : ""}.
          {channels && !topics ? " Stop them first, or use Empty to drop the messages only." : " Stop them first."}
        </p>
      )}
    </>
  );
}
