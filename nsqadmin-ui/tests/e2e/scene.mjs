/** A real cluster of a shop at work: live producers and consumers, and a few things that are wrong with it. */

import { TestCluster } from "./cluster.mjs";
import { Client } from "./consumer.mjs";

/** Topic, messages a second, and channels: name, consumers, milliseconds they work at a message, RDY of a connection. */
const TOPICS = [
  [
    "clickstream",
    90,
    [
      ["archive", 3, 5, 20],
      ["metrics", 3, 2, 20],
      ["sessions#ephemeral", 2, 4, 20],
    ],
  ],
  ["image.resize", 9, [["workers", 2, 1000, 4]]],
  ["legacy_import", 3, [["loader", 1, 10, 5]]],
  [
    "orders.created",
    45,
    [
      ["billing", 2, 30, 25],
      ["fraud_check", 0, 0, 0],
      ["fulfilment", 3, 800, 3],
      ["search-index", 2, 10, 20],
      ["warehouse", 0, 0, 0],
    ],
  ],
  ["payments.settled", 8, [["ledger", 3, 40, 10]]],
  [
    "user.signup",
    2,
    [
      ["crm", 1, 50, 5],
      ["welcome-mail", 2, 80, 5],
    ],
  ],
  ["audit_log", 24, [["cold-storage", 2, 8, 20]]],
];
/** Its consumers take too long, and know nothing of the last nsqd. */
const TROUBLED = "workers";
const ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
const AGENTS = ["go-nsq/1.1.0", "nsqjs/0.13.0", "pynsq/0.9.1", "nsq-rs/1.0.0"];

const order = (i) =>
  JSON.stringify({
    order_id: 7000 + i,
    customer: `c-0${1000 + ((i * 53) % 371)}`,
    total: ((i * 3730) % 90_000) / 100,
    items: 1 + (i % 5),
  });

/** A consumer that works for a while at each message. */
async function consume(nsqd, topic, channel, work, ready, identify) {
  const client = await Client.connect(nsqd.tcpPort, identify, nsqd.host);
  await client.subscribe(topic, channel, ready, ({ id }) => {
    setTimeout(() => client.finish(id), work * (0.5 + Math.random()));
    return null;
  });
  return client;
}

async function produce(nsqd, topic, perSecond, name) {
  const client = await Client.connect(
    nsqd.tcpPort,
    { client_id: name, hostname: `${name}.prod`, user_agent: AGENTS[0] },
    nsqd.host,
  );
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    if (!client.socket.destroyed) void client.publish(topic, order(sent));
  }, 1000 / perSecond);
  client.socket.once("close", () => clearInterval(timer));
  return client;
}

/** Starts it. `stop()` of what comes back ends all of it. */
export async function startScene({ admin = ["--stats-interval=2s"] } = {}) {
  const cluster = await TestCluster.start({
    host: (i) => `127.0.0.${i + 1}`,
    nsqdArgs: (i) => [
      "--mem-queue-size=2000",
      "--enable-experiment=topology-aware-consumption",
      `--topology-zone=${ZONES[i]}`,
      "--topology-region=eu-west-1",
    ],
    admin: { args: admin },
  });
  const clients = [];
  try {
    for (const [topic, rate, channels] of TOPICS) {
      for (const [i, nsqd] of cluster.nsqds.entries()) {
        await cluster.post(i, `topic/create?topic=${topic}`);
        for (const [channel, consumers, work, ready] of channels) {
          await cluster.post(i, `channel/create?topic=${topic}&channel=${encodeURIComponent(channel)}`);
          for (let c = 0; c < consumers; c++) {
            if (channel === TROUBLED && i === cluster.nsqds.length - 1) continue;
            const name = `${channel.split("#")[0]}-${c + 1}`;
            const identify = {
              client_id: name,
              hostname: `${name}.prod`,
              user_agent: AGENTS[channel.length % AGENTS.length],
              topology_region: "eu-west-1",
              topology_zone: ZONES[c % ZONES.length],
              ...(channel === TROUBLED ? { msg_timeout: 1000 } : {}),
            };
            clients.push(await consume(nsqd, topic, channel, work, ready, identify));
          }
        }
        clients.push(await produce(nsqd, topic, rate / cluster.nsqds.length, `web-${i + 1}`));
      }
    }
    await cluster.publishMany(0, "dead.letters", 1234, order);
    for (const i of [0, 1, 2]) {
      await cluster.post(i, "topic/pause?topic=legacy_import");
      await cluster.post(i, "channel/pause?topic=orders.created&channel=warehouse");
    }
    for (const lookupd of cluster.lookupds)
      for (const path of ["topic/create?topic=orphan.topic", "channel/create?topic=orphan.topic&channel=old_consumer"])
        await fetch(`http://${lookupd.address}/${path}`, { method: "POST" });
  } catch (error) {
    for (const client of clients) client.close();
    await cluster.stop();
    throw error;
  }
  return {
    cluster,
    stop: async () => {
      for (const client of clients) client.close();
      await cluster.stop();
    },
  };
}
