/** A made-up cluster that lives: queues fill and drain, and a few things are wrong with it. */

const KNOWN = [
  // topic, publish rate, channels: [name, share of the load its consumers can take, consumers]
  [
    "clickstream",
    118,
    [
      ["archive", 1.2, 3],
      ["metrics", 1.4, 3],
      ["sessions#ephemeral", 1.1, 2],
    ],
  ],
  ["dead.letters", 0, []],
  ["image.resize", 14, [["workers", 0.7, 2]]],
  ["legacy_import", 3, [["loader", 0, 2]]],
  [
    "orders.created",
    61,
    [
      ["billing", 1.3, 6],
      ["fraud_check", 0, 0],
      ["fulfilment", 0.8, 3],
      ["search-index", 1.5, 2],
      ["warehouse", 0, 0],
    ],
  ],
  ["payments.settled", 9, [["ledger", 1.4, 3]]],
  [
    "user.signup",
    2.4,
    [
      ["crm", 1.5, 1],
      ["welcome-mail", 1.5, 2],
    ],
  ],
  ["audit_log", 32, [["cold-storage", 1.2, 2]]],
];

const AGENTS = ["go-nsq/1.1.0", "nsqjs/0.13.0", "pynsq/0.9.1", "nsq-rs/1.0.0"];

/** The same numbers in every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

export class Cluster {
  constructor({ topics = 0, channels = 10, nodes = 3, attributes = false } = {}) {
    /** Connections have every attribute that there is. */
    this.attributes = attributes;
    this.started = Date.now() - 3_600_000;
    this.seq = 1;
    this.random = random(7);
    this.nodes = Array.from({ length: nodes }, (_, i) => ({
      node: `10.0.0.${i + 1}:4151`,
      hostname: `queue-${i + 1}`,
      broadcast_address: `10.0.0.${i + 1}`,
      ok: true,
    }));
    this.lookupds = ["10.0.0.1:4161", "10.0.0.2:4161"];
    this.topics = new Map();
    for (const [name, rate, list] of KNOWN) this.addTopic(name, rate, list);
    for (let i = 0; i < topics; i++) {
      const list = Array.from({ length: channels }, (_, j) => [`channel-${j}`, 1.2, 0]);
      this.addTopic(`topic-${String(i).padStart(4, "0")}`, this.random() * 50, list);
    }
    this.topic("legacy_import").paused = true;
    this.channel("orders.created", "warehouse").paused = true;
    this.topic("dead.letters").depth = 1234;
    for (let i = 0; i < 90; i++) this.tick(10);
    this.inactive = new Map([
      ["orphan.topic", ["old_consumer", "older_consumer"]],
      ["planned.topic", []],
    ]);
  }

  addTopic(name, rate, list) {
    const topic = {
      name,
      rate,
      paused: false,
      depth: 0,
      messages: 1_000_000 * this.random(),
      channels: new Map(),
      publishSpark: [],
      backlogSpark: [],
    };
    for (const [channel, power, consumers] of list) {
      topic.channels.set(channel, {
        name: channel,
        power,
        consumers,
        paused: false,
        depth: 0,
        inFlight: 0,
        deferred: 0,
        requeued: 0,
        timedOut: 0,
        messages: topic.messages,
        spark: [],
        inRate: 0,
        outRate: 0,
      });
    }
    this.topics.set(name, topic);
  }

  topic(name) {
    return this.topics.get(name);
  }

  channel(topic, name) {
    return this.topics.get(topic)?.channels.get(name);
  }

  /** Lets `seconds` pass. */
  tick(seconds) {
    this.seq += 1;
    for (const topic of this.topics.values()) {
      topic.now = topic.rate * (0.8 + 0.4 * this.random());
      const came = topic.now * seconds;
      topic.messages += came;
      if (topic.paused || topic.channels.size === 0) topic.depth += came;
      let backlog = topic.depth;
      for (const channel of topic.channels.values()) {
        channel.inRate = topic.paused ? 0 : topic.now;
        const arrived = channel.inRate * seconds;
        channel.messages += arrived;
        const able = channel.paused || channel.consumers === 0 ? 0 : topic.rate * channel.power * seconds;
        const gone = Math.min(channel.depth + arrived, able);
        channel.depth = Math.max(0, channel.depth + arrived - gone);
        channel.outRate = gone / seconds;
        channel.inFlight =
          channel.consumers === 0 ? 0 : channel.depth > 0 ? channel.consumers * 10 : Math.round(gone / seconds / 8);
        if (channel.name === "workers") {
          channel.timedOut += gone * 0.24;
          channel.requeued += gone * 0.05;
        }
        channel.spark = [...channel.spark, Math.round(channel.depth)].slice(-30);
        backlog += channel.depth;
      }
      topic.backlog = backlog;
      topic.publishSpark = [...topic.publishSpark, topic.now].slice(-30);
      topic.backlogSpark = [...topic.backlogSpark, Math.round(backlog)].slice(-30);
    }
  }

  agent(index) {
    return AGENTS[index % AGENTS.length];
  }
}
