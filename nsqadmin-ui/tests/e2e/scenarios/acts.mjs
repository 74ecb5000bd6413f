/** Acts, and the questions before them. */

import { until } from "../cluster.mjs";
import { Client } from "../consumer.mjs";

const act = (guarded, name) => guarded.page.locator(".actions").getByRole("button", { name, exact: true });
const dialog = (guarded) => guarded.page.getByRole("dialog");
const toast = (guarded, text) => guarded.page.locator(".toast", { hasText: text });

/** A topic with a channel and messages in both, on every node. */
async function prepare(cluster, topic, channel = "one", messages = 4) {
  for (const i of [0, 1, 2]) {
    await cluster.post(i, `topic/create?topic=${topic}`);
    if (channel) await cluster.post(i, `channel/create?topic=${topic}&channel=${channel}`);
    await cluster.publishMany(i, topic, messages);
  }
  await cluster.known(channel ? `topics/${topic}/${channel}` : `topics/${topic}`);
}

async function channelOf(cluster, index, topic, channel) {
  const { topics } = await cluster.stats(index, topic);
  return topics[0]?.channels.find((c) => c.channel_name === channel);
}

/** A consumer and a producer of a topic, on the first node. */
async function connected(t, cluster, topic, channel) {
  const { tcpPort } = cluster.nsqds[0];
  const consumer = await Client.connect(tcpPort, { client_id: "fulfil-1", hostname: "fulfil-1.prod" });
  const producer = await Client.connect(tcpPort, { client_id: "web-1", hostname: "web-1.prod" });
  t.cleanup(() => {
    consumer.close();
    producer.close();
  });
  await consumer.subscribe(topic, channel, 0);
  t.assert.equal(await producer.publish(topic, "x"), "OK");
}

/** The page of what is just being deleted may be asked for once more. */
const NOT_FOUND = /status of 404/;

export const scenarios = [
  {
    id: "E-09",
    name: "pausing asks, can be undone, and shows everywhere",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.pause";
      await prepare(cluster, topic);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}/one`);
      await act(guarded, "Pause…").click();
      await dialog(guarded).getByRole("button", { name: "Pause", exact: true }).click();
      await toast(guarded, "on 3 of 3 nodes").waitFor();
      await guarded.page.locator(".heading .badge.paused").waitFor();
      for (const i of [0, 1, 2]) t.assert.equal((await channelOf(cluster, i, topic, "one")).paused, true);
      await toast(guarded, "Paused").getByRole("button", { name: "Undo" }).click();
      await until("undone", async () => !(await channelOf(cluster, 2, topic, "one")).paused);
      await guarded.page.locator(".heading .badge.paused").waitFor({ state: "detached" });
      await guarded.go(`topics/${topic}`);
      await act(guarded, "Pause…").click();
      await dialog(guarded).getByRole("button", { name: "Pause", exact: true }).click();
      await guarded.page.locator(".heading .badge.paused").waitFor();
      await act(guarded, "Unpause").click();
      await guarded.page.locator(".heading .badge.paused").waitFor({ state: "detached" });
    },
  },
  {
    id: "E-10",
    name: "emptying a topic leaves its channels, emptying a channel takes what is in flight and deferred",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.empty";
      await prepare(cluster, topic);
      await until("messages in the channel", async () => (await channelOf(cluster, 0, topic, "one"))?.depth === 4);
      for (const i of [0, 1, 2]) await cluster.post(i, `topic/pause?topic=${topic}`);
      await cluster.publishMany(0, topic, 5);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}`);
      await act(guarded, "Empty…").click();
      await dialog(guarded).getByText("channels keep their messages", { exact: false }).waitFor();
      await dialog(guarded).getByText("5 messages lost").waitFor();
      await dialog(guarded).getByRole("textbox").fill(topic);
      await dialog(guarded).getByRole("button", { name: "Empty", exact: true }).click();
      await toast(guarded, "Emptied").waitFor();
      t.assert.equal((await cluster.stats(0, topic)).topics[0].depth, 0);
      t.assert.equal((await channelOf(cluster, 0, topic, "one")).depth, 4);
      for (const i of [0, 1, 2]) await cluster.post(i, `topic/unpause?topic=${topic}`);
      const client = await (await Client.connect(cluster.nsqds[1].tcpPort)).subscribe(topic, "one", 2, () => null);
      t.cleanup(() => client.close());
      await cluster.publish(2, topic, "later", "&defer=60000");
      await until("in flight and deferred", async () => {
        const [held, deferred] = [await channelOf(cluster, 1, topic, "one"), await channelOf(cluster, 2, topic, "one")];
        return held.in_flight_count === 2 && deferred.deferred_count === 1;
      });
      await guarded.go(`topics/${topic}/one`);
      await act(guarded, "Empty…").click();
      await dialog(guarded).getByText("13 messages lost").waitFor();
      await dialog(guarded).getByRole("textbox").fill("one");
      await dialog(guarded).getByRole("button", { name: "Empty", exact: true }).click();
      await toast(guarded, "Emptied").waitFor();
      for (const i of [0, 1, 2]) {
        const channel = await channelOf(cluster, i, topic, "one");
        t.assert.deepEqual([channel.depth, channel.in_flight_count, channel.deferred_count], [0, 0, 0]);
      }
    },
  },
  {
    id: "E-11",
    name: "deleting a channel wants its name typed; Enter and a wrong name do nothing",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.delete";
      await prepare(cluster, topic);
      await prepare(cluster, topic, "two");
      const guarded = await t.open(cluster.admin.url, { allow: [NOT_FOUND] });
      await guarded.go(`topics/${topic}/one`);
      await act(guarded, "Delete…").click();
      await until("Cancel has the focus", async () =>
        guarded.page.evaluate(() => document.activeElement.textContent === "Cancel"),
      );
      const button = dialog(guarded).getByRole("button", { name: "Delete", exact: true });
      await dialog(guarded).getByRole("textbox").fill("on");
      t.assert.equal(await button.isDisabled(), true);
      await guarded.page.keyboard.press("Enter");
      await dialog(guarded).getByRole("textbox").fill("one");
      t.assert.equal(await button.isEnabled(), true);
      await guarded.page.keyboard.press("Enter");
      await guarded.page.keyboard.press("Escape");
      await dialog(guarded).waitFor({ state: "detached" });
      const acted = guarded.requests.filter((r) => r.method() === "POST" && !JSON.parse(r.postData() ?? "{}").dry_run);
      t.assert.deepEqual(acted, [], "Enter deletes nothing");
      t.assert.ok(await channelOf(cluster, 0, topic, "one"));
      await act(guarded, "Delete…").click();
      await dialog(guarded).getByRole("textbox").fill("one");
      await button.click();
      await guarded.page.waitForURL(new RegExp(`topics/${topic}$`));
      for (const i of [0, 1, 2]) {
        t.assert.equal(await channelOf(cluster, i, topic, "one"), undefined);
        t.assert.ok(await channelOf(cluster, i, topic, "two"));
      }
    },
  },
  {
    id: "E-12",
    name: "deleting a topic with producers and consumers says who would create it again",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.recreate";
      await prepare(cluster, topic, "only");
      await connected(t, cluster, topic, "only");
      const guarded = await t.open(cluster.admin.url, { allow: [NOT_FOUND] });
      await guarded.go(`topics/${topic}`);
      await act(guarded, "Delete…").click();
      await dialog(guarded).getByText("1 connected consumer").waitFor();
      await dialog(guarded).getByText("would create it again").waitFor();
      await until("both are named", async () => /web-1 \(producer\).*fulfil-1/.test(await dialog(guarded).innerText()));
      await dialog(guarded).getByRole("button", { name: "Cancel" }).click();
      t.assert.ok(await channelOf(cluster, 0, topic, "only"));
    },
  },
  {
    id: "E-13",
    name: "deleting the last channel warns, and names the consumers that would create it again, not the producers",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.last";
      await prepare(cluster, topic, "only");
      await connected(t, cluster, topic, "only");
      const guarded = await t.open(cluster.admin.url, { allow: [NOT_FOUND] });
      await guarded.go(`topics/${topic}/only`);
      await act(guarded, "Delete…").click();
      await dialog(guarded).getByText("pile up in the topic").waitFor();
      const text = await dialog(guarded).innerText();
      t.assert.match(text, /fulfil-1/);
      t.assert.doesNotMatch(text, /web-1/);
      await dialog(guarded).getByRole("button", { name: "Cancel" }).click();
      t.assert.ok(await channelOf(cluster, 0, topic, "only"));
    },
  },
  {
    id: "E-14",
    name: "a tombstone states both effects, and the node leaves the topic",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.tombstone";
      await prepare(cluster, topic);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}?tab=nodes`);
      const node = cluster.nsqds[1].address;
      await guarded.page.getByRole("button", { name: `Acts for ${node}` }).click();
      await guarded.page.getByRole("menuitem", { name: "Tombstone…" }).click();
      await dialog(guarded).getByText("at 2 nsqlookupd for a limited time").waitFor();
      t.assert.match(await dialog(guarded).innerText(), /Deletes the topic and its messages on this node/);
      await dialog(guarded).getByText("4 messages lost").waitFor();
      await dialog(guarded).getByRole("textbox").fill(topic);
      await dialog(guarded).getByRole("button", { name: "Tombstone", exact: true }).click();
      await until("deleted there", async () => ((await cluster.stats(1, topic)).topics ?? []).length === 0);
      t.assert.equal((await cluster.stats(0, topic)).topics.length, 1);
      await until("two nodes", async () => (await guarded.page.locator("tbody tr:not(.total)").count()) === 2, 25_000);
    },
  },
  {
    id: "E-15",
    name: "an act that fails on one node says which, and can be tried again there",
    run: async (t) => {
      const cluster = await t.own({ admin: { args: ["--http-client-request-timeout=2s"] } });
      const topic = "e2e.partial";
      await prepare(cluster, topic);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}/one`);
      await guarded.page.getByText("Message queues").waitFor();
      await until("all nodes", async () => (await guarded.page.locator("tbody tr:not(.total)").count()) === 3, 20_000);
      cluster.nsqds[2].freeze();
      await act(guarded, "Pause…").click();
      await dialog(guarded).getByRole("button", { name: "Pause", exact: true }).click();
      const failed = toast(guarded, "2 of 3 done");
      await failed.waitFor({ timeout: 15_000 });
      t.assert.match(await failed.innerText(), new RegExp(cluster.nsqds[2].address));
      cluster.nsqds[2].thaw();
      await until("it answers", async () => (await channelOf(cluster, 2, topic, "one")) !== undefined);
      await cluster.post(2, `channel/unpause?topic=${topic}&channel=one`);
      await failed.getByRole("button", { name: "Retry failed" }).click();
      await until("paused there", async () => (await channelOf(cluster, 2, topic, "one")).paused);
    },
  },
  {
    id: "E-16",
    name: "inactive registrations are listed, deleted together after a question, and not on Cancel",
    run: async (t) => {
      const cluster = await t.cluster();
      for (const lookupd of cluster.lookupds)
        for (const path of [
          "topic/create?topic=e2e.orphan",
          "channel/create?topic=e2e.orphan&channel=old",
          "topic/create?topic=e2e.planned",
        ])
          await fetch(`http://${lookupd.address}/${path}`, { method: "POST" });
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("lookup");
      await guarded.page.getByLabel("Select e2e.orphan", { exact: true }).check({ timeout: 20_000 });
      await guarded.page.getByLabel("Select e2e.planned", { exact: true }).check({ timeout: 20_000 });
      const names = async () => (await (await fetch(`http://${cluster.lookupds[1].address}/topics`)).json()).topics;
      await guarded.page.getByRole("button", { name: "Delete selected…" }).click();
      await dialog(guarded).getByText("e2e.planned").first().waitFor();
      await dialog(guarded).getByRole("button", { name: "Cancel" }).click();
      t.assert.ok((await names()).includes("e2e.orphan"));
      await guarded.page.getByRole("button", { name: "Delete selected…" }).click();
      const button = dialog(guarded).getByRole("button", { name: "Delete", exact: true });
      await until("counted", async () => await button.isEnabled());
      await button.click();
      await until("deleted", async () => !(await names()).some((n) => n === "e2e.orphan" || n === "e2e.planned"));
      await guarded.page.getByLabel("Select e2e.orphan", { exact: true }).waitFor({ state: "detached" });
    },
  },
  {
    id: "E-17",
    name: "topics and channels are created, and wrong names explained while they are typed",
    run: async (t) => {
      const cluster = await t.cluster();
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("lookup");
      await guarded.page.getByRole("button", { name: "Create topic / channel…" }).click();
      const create = dialog(guarded).getByRole("button", { name: "Create", exact: true });
      await dialog(guarded).getByLabel("Topic").fill("no spaces");
      await dialog(guarded).getByText("Not allowed: space").waitFor();
      t.assert.equal(await create.isDisabled(), true);
      await dialog(guarded).getByLabel("Topic").fill("e2e.created");
      await dialog(guarded).getByText("appears on an nsqd with the first message").waitFor();
      await dialog(guarded)
        .getByLabel(/^Channel/)
        .fill("fresh");
      await create.click();
      await toast(guarded, "Created").waitFor();
      for (const lookupd of cluster.lookupds) {
        const { channels } = await (await fetch(`http://${lookupd.address}/channels?topic=e2e.created`)).json();
        t.assert.deepEqual(channels, ["fresh"]);
      }
    },
  },
];
