/** Words that appear in more than one place, and the meaning of NSQ's terms. */

export const GLOSSARY: Record<string, string> = {
  topic: "A stream of messages. Every channel of a topic receives each message once.",
  channel: "A queue of a topic for one kind of consumer. Each message goes to one of its consumers.",
  depth: "Messages waiting: not yet sent to a consumer, in memory and on disk.",
  memory: "The part of the depth held in memory.",
  disk: "The part of the depth written to disk, beyond --mem-queue-size.",
  backlog: "Depth of the topic and of all its channels.",
  trend: "How fast the backlog grows (▲) or shrinks (▼), over the last minute.",
  in_flight: "Sent to a consumer, not yet finished, requeued or timed out.",
  deferred: "Waiting for their time: published with a delay or requeued with one.",
  requeued: "Given back by consumers, since nsqd started.",
  timed_out: "Taken back because a consumer was silent longer than its message timeout, since nsqd started.",
  messages: "All messages ever received, since nsqd started.",
  connections: "Connected consumers.",
  publish: "Messages published to the topic per second.",
  bytes: "Bytes published to the topic per second.",
  in: "Messages entering the channel per second.",
  out: "Messages that left the queue per second: finished, sampled away or emptied.",
  wait: "How long a new message waits: depth divided by the rate out.",
  saturation: "In flight divided by RDY. At 100 % the consumers take no more.",
  rdy: "RDY: how many messages the consumer is ready to hold.",
  requeue_rate: "Messages requeued per second.",
  timeout_rate: "Messages timed out per second.",
  e2e: "Time from publishing to finishing. The worst node is shown.",
  delivery: "Share of deliveries within the zone, within the region, and beyond.",
  consumers: "Connections that consume from the channels.",
  producers: "Connections that published to the topic.",
  nodes: "nsqd processes that have it.",
  worst_channel: "The channel in which most messages wait.",
  heap: "Heap in use of the process.",
  lookupd: "How many of the nsqlookupd know this nsqd.",
  finish_rate: "Messages finished per second.",
};

/** What each rule of the server finds, for many of a kind. */
export const RULES: Record<string, string> = {
  "H-01": "no answer",
  "H-02": "no answer",
  "H-03": "not healthy",
  "H-04": "not known to every nsqlookupd",
  "H-06": "no channel where they wait",
  "H-07": "nobody connected",
  "H-08": "nothing leaves the queue",
  "H-09": "and growing",
  "H-10": "on disk and growing",
  "H-11": "consumers saturated",
  "H-12": "deliveries time out",
  "H-13": "deliveries are requeued",
  "H-14": "paused",
  "H-15": "the channel or its consumers are not on every node",
  "H-16": "consumers in back-off",
  "H-17": "tombstoned",
};

export const EPHEMERAL = "Ephemeral: kept in memory only, and gone with its last consumer.";

export const TEXT = {
  emptyTopic: "Drops only what waits in the topic itself. Channels keep their messages.",
  emptyChannel: "Drops what waits in the channel, and what is in flight or deferred.",
  lastChannel: "This is the last channel: from then on messages pile up in the topic until a channel exists.",
  tombstone: (topic: string, lookupds: number) =>
    `1. Hides this node for ${topic} at ${lookupds} nsqlookupd for a limited time. 2. Deletes the topic and its messages on this node.`,
  noProducers: "No nsqd has this topic now; it is only registered in nsqlookupd.",
  readOnly: (user: string) =>
    user ? `Read only: signed in as ${user}, not in --admin-user` : "Read only: ask an admin (see --admin-user)",
  bareTopic: "It appears on an nsqd with the first message.",
  tailCost: (channel: string) =>
    `Uses channel ${channel}. nsqd copies every message of this topic into it while you watch.`,
};
