/** Reading and writing messages without harm. */

import { until } from "../cluster.mjs";
import { Client } from "../consumer.mjs";

const REFUSED = [/Failed to load resource/];

async function startTail(guarded, topic) {
  await guarded.go(`topics/${topic}?tab=tail`);
  await guarded.page.getByRole("button", { name: "Start tail" }).click();
}

async function channels(cluster, index, topic) {
  const { topics } = await cluster.stats(index, topic);
  return (topics?.[0]?.channels ?? []).map((c) => c.channel_name);
}

async function withChannel(cluster, topic, nodes = [0, 1, 2]) {
  for (const i of nodes) {
    await cluster.post(i, `topic/create?topic=${topic}`);
    await cluster.post(i, `channel/create?topic=${topic}&channel=durable`);
  }
  await cluster.known(`topics/${topic}/durable`);
  await until(
    "the channel on every node",
    async () => {
      const { data } = await (await fetch(`${cluster.admin.url}api/ext/topics/${topic}/durable`)).json();
      return data.nodes.filter((n) => n.missing === false).length === nodes.length;
    },
    25_000,
  );
}

export const scenarios = [
  {
    id: "E-25",
    name: "a tail shows messages, filters and formats them, and leaves no channel behind",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.tail";
      await withChannel(cluster, topic);
      const guarded = await t.open(cluster.admin.url);
      await startTail(guarded, topic);
      await guarded.page.getByText("Waiting for messages…").waitFor();
      await until("the tail's channels", async () =>
        (await Promise.all([0, 1, 2].map((i) => channels(cluster, i, topic)))).every((c) => c.length === 2),
      );
      for (const i of [0, 1, 2]) await cluster.publish(i, topic, JSON.stringify({ order: i, total: i * 500 }));
      await cluster.publish(0, topic, Buffer.from([0, 1, 254, 255]));
      const lines = guarded.page.locator(".tail-line");
      await until("all messages", async () => (await lines.count()) === 4);
      await guarded.page.getByRole("searchbox", { name: "Filter messages" }).fill(".total > 400");
      await until("filtered", async () => (await lines.count()) === 2);
      await guarded.page.getByRole("searchbox", { name: "Filter messages" }).fill(".order == 1");
      await lines.first().click();
      const body = guarded.page.locator(".tail-detail pre");
      t.assert.equal(await body.innerText(), '{\n  "order": 1,\n  "total": 500\n}');
      await guarded.page.getByRole("button", { name: "Raw", exact: true }).click();
      t.assert.equal(await body.innerText(), '{"order":1,"total":500}');
      await guarded.page.getByRole("button", { name: "Hex", exact: true }).click();
      t.assert.match(await body.innerText(), /^00000000 {2}7b 22/);
      await guarded.checkAccess("Tail with messages");
      const [download] = await Promise.all([
        guarded.page.waitForEvent("download"),
        guarded.page.getByRole("button", { name: "Export .ndjson" }).click(),
      ]);
      t.assert.equal(download.suggestedFilename(), "messages.ndjson");
      await guarded.page.getByRole("button", { name: "Stop", exact: true }).click();
      await guarded.page.getByText("Stopped.").waitFor();
      await until("no channel left", async () =>
        (await Promise.all([0, 1, 2].map((i) => channels(cluster, i, topic)))).every((c) => c.join() === "durable"),
      );
      const [, depth] = [0, (await cluster.stats(0, topic)).topics[0].channels[0].depth];
      t.assert.equal(depth, 2, "the durable channel has its messages");
    },
  },
  {
    id: "E-26",
    name: "a topic without channels is not tailed, and keeps its messages",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.tail.refused";
      await cluster.publishMany(0, topic, 123);
      await cluster.known(`topics/${topic}`);
      const guarded = await t.open(cluster.admin.url, { allow: REFUSED });
      await startTail(guarded, topic);
      await guarded.page.getByText("cannot be tailed safely").waitFor();
      await guarded.checkAccess("Refused tail");
      t.assert.equal((await cluster.stats(0, topic)).topics[0].depth, 123);
      t.assert.deepEqual(await channels(cluster, 0, topic), []);
    },
  },
  {
    id: "E-27",
    name: "nodes without another channel are left out, and the tail ends when the last one goes",
    run: async (t) => {
      // Without nsqlookupd, from which nsqd would learn of the channel when it creates the topic.
      const cluster = await t.own({ lookupds: 0 });
      const topic = "e2e.tail.partial";
      await cluster.publishMany(2, topic, 55);
      await withChannel(cluster, topic, [0, 1]);
      await until(
        "three nodes",
        async () => {
          const { data } = await (await fetch(`${cluster.admin.url}api/ext/topics/${topic}`)).json();
          return data.nodes.length === 3;
        },
        20_000,
      );
      const guarded = await t.open(cluster.admin.url, { allow: REFUSED });
      await startTail(guarded, topic);
      await guarded.page.getByText(`${cluster.nsqds[2].address} is left out`).waitFor();
      await cluster.publish(0, topic, "seen");
      await until("a message", async () => (await guarded.page.locator(".tail-line").count()) === 1);
      for (const i of [0, 1]) await cluster.post(i, `channel/delete?topic=${topic}&channel=durable`);
      await guarded.page.getByText(/^Ended/).waitFor({ timeout: 20_000 });
      t.assert.equal((await cluster.stats(2, topic)).topics[0].depth, 55);
    },
  },
  {
    id: "E-28",
    name: "a tail of thousands a second stays within its rate, and the page answers",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.tail.fast";
      await withChannel(cluster, topic);
      const guarded = await t.open(cluster.admin.url);
      await startTail(guarded, topic);
      await guarded.page.getByText("Waiting for messages…").waitFor();
      let on = true;
      t.cleanup(() => {
        on = false;
      });
      const load = (async () => {
        while (on) {
          await cluster.publishMany(0, topic, 500);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })().catch(() => {});
      await guarded.page.getByText("skipped by rate limit").waitFor();
      const pill = async () => await guarded.page.locator(".tail .pill").innerText();
      const shown = async () => Number(/([\d.,]+)\/s/.exec(await pill())?.[1]?.replace(",", "") ?? "NaN");
      await until("a rate", async () => (await shown()) > 10);
      t.assert.ok((await shown()) <= 60, `${await shown()}/s are shown`);
      const begun = Date.now();
      await guarded.page.getByRole("searchbox", { name: "Filter messages" }).fill("message 7");
      t.assert.ok(Date.now() - begun < 1000, "typing is not held up");
      await guarded.page.getByRole("button", { name: "Stop", exact: true }).click();
      on = false;
      await load;
    },
  },
  {
    id: "E-30",
    name: "publishing text, lines, base64 and deferred messages",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.publish";
      await withChannel(cluster, topic);
      const received = [];
      const client = await Client.connect(cluster.nsqds[1].tcpPort);
      t.cleanup(() => client.close());
      await client.subscribe(topic, "durable", 10, ({ body }) => {
        received.push(body.toString("latin1"));
        return "FIN";
      });
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}?tab=publish`);
      const publish = async (body, form, delay = "") => {
        await guarded.page.getByRole("textbox", { name: "Message", exact: true }).fill(body);
        await guarded.page.getByRole("combobox", { name: "As", exact: true }).selectOption(form);
        await guarded.page.getByRole("combobox", { name: "To", exact: true }).selectOption(cluster.nsqds[1].address);
        await guarded.page.getByLabel("Delay, seconds").fill(delay);
        await guarded.page.getByRole("button", { name: /^Publish/ }).click();
        await guarded.page.locator(".toast", { hasText: "Published" }).last().waitFor();
      };
      await publish("one text\nof two lines", "text");
      await until("the text", () => received.includes("one text\nof two lines"));
      await publish("a\nb\nc", "lines");
      await until("the lines", () => ["a", "b", "c"].every((x) => received.includes(x)));
      await publish("AP8=", "base64");
      await until("the bytes", () => received.includes("\u0000\u00ff"));
      await publish("later", "text", "30");
      await until("deferred", async () => (await cluster.stats(1, topic)).topics[0].channels[0].deferred_count === 1);
      await guarded.checkAccess("Publish");
    },
  },
  {
    id: "E-31",
    name: "HTML in bodies, client ids and user agents is text",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.inert";
      const evil = '<img src=x onerror="window.__owned=1"><script>window.__owned=1</script>';
      await withChannel(cluster, topic);
      const client = await Client.connect(cluster.nsqds[0].tcpPort, {
        client_id: evil,
        hostname: evil,
        user_agent: evil,
      });
      t.cleanup(() => client.close());
      await client.subscribe(topic, "durable", 5);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}/durable?tab=clients`);
      await guarded.page.getByText("<img src=x").first().waitFor();
      await guarded.go("clients?view=connections");
      await guarded.page.getByText("<img src=x").first().waitFor();
      await startTail(guarded, topic);
      await guarded.page.getByText("Waiting for messages…").waitFor();
      await cluster.publish(1, topic, evil);
      await guarded.page.locator(".tail-line").first().click();
      t.assert.equal(await guarded.page.locator(".tail-detail pre").innerText(), evil);
      t.assert.equal(await guarded.page.evaluate(() => window.__owned), undefined);
      t.assert.equal(await guarded.page.locator("main img, main script").count(), 0);
      await guarded.page.getByRole("button", { name: "Stop", exact: true }).click();
    },
  },
];
