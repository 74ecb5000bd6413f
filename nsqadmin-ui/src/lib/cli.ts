/** Commands to copy: what a click does, as something to run in a shell. */

import type { ActionName, ActionTarget } from "../api/types";

/** One word of a POSIX shell. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

const encode = encodeURIComponent;

/** The same act through nsqadmin's own API, `origin` being its address with the base path and a slash. */
export function adminCurl(origin: string, action: ActionName, target: ActionTarget): string {
  const { topic, channel, node } = target;
  const json = (value: unknown) => `-d ${quote(JSON.stringify(value))}`;
  const at = (path: string) => quote(origin + path);
  const path = channel === undefined ? `api/topics/${encode(topic)}` : `api/topics/${encode(topic)}/${encode(channel)}`;
  switch (action) {
    case "create":
      return `curl ${json(channel ? { topic, channel } : { topic })} ${at("api/topics")}`;
    case "delete":
      return `curl -X DELETE ${at(path)}`;
    case "tombstone":
      return `curl -X DELETE ${json({ topic })} ${at(`api/nodes/${encode(node ?? "")}`)}`;
    default:
      return `curl ${json({ action })} ${at(path)}`;
  }
}

/** The same act on one nsqd, which others do not learn of. */
export function nsqdCurl(node: string, action: ActionName, target: ActionTarget): string {
  const { topic, channel } = target;
  const verb = action === "tombstone" ? "delete" : action;
  const query = channel === undefined ? `topic=${encode(topic)}` : `topic=${encode(topic)}&channel=${encode(channel)}`;
  return `curl -X POST ${quote(`http://${node}/${channel === undefined ? "topic" : "channel"}/${verb}?${query}`)}`;
}

function addresses(lookupd: readonly string[], nsqdTcp: readonly string[]): string {
  return lookupd.length > 0
    ? lookupd.map((a) => `--lookupd-http-address=${quote(a)}`).join(" ")
    : nsqdTcp.map((a) => `--nsqd-tcp-address=${quote(a)}`).join(" ");
}

/** Follows a topic with a channel of its own, which goes when it ends. */
export function tailCommand(topic: string, lookupd: readonly string[], nsqdTcp: readonly string[]): string {
  return `nsq_tail ${addresses(lookupd, nsqdTcp)} --topic=${quote(topic)}`;
}

export function pipeCommand(topic: string, nsqdTcp: string): string {
  return `to_nsq --topic=${quote(topic)} --nsqd-tcp-address=${quote(nsqdTcp)}`;
}

export function publishCurl(node: string, topic: string): string {
  return `curl -d ${quote("hello")} ${quote(`http://${node}/pub?topic=${encode(topic)}`)}`;
}
