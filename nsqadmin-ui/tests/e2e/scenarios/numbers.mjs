/** What is shown agrees with what is. */

import { until } from "../cluster.mjs";
import { Client } from "../consumer.mjs";

/** The text of a row's cell under a heading. */
async function cell(page, table, row, column) {
  return await page.evaluate(
    ([table, row, column]) => {
      const region = document.querySelector(`[role="region"][aria-label="${table}"]`);
      if (!region) return null;
      const heads = [...region.querySelectorAll("thead tr:last-child th")].map((h) =>
        h.textContent.replace(/[▴▾]/g, "").trim(),
      );
      const found = [...region.querySelectorAll("tbody tr")].find((r) =>
        r.querySelector("th")?.textContent.includes(row),
      );
      return found ? (found.children[heads.indexOf(column)]?.textContent.trim() ?? null) : null;
    },
    [table, row, column],
  );
}

const number = (text) => Number((text ?? "").replace(/[^\d.-]/g, ""));

export const scenarios = [
  {
    id: "E-03",
    name: "the publish rate is that of the load, without Graphite",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.rate";
      const [perSecond, step] = [40, 100];
      const timer = setInterval(() => {
        for (let i = 0; i < (perSecond * step) / 1000; i++) cluster.publish(i % 3, topic, "x").catch(() => {});
      }, step);
      t.cleanup(() => clearInterval(timer));
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics?q=${topic}`);
      const rate = async () => number(await cell(guarded.page, "Topics", topic, "Publish/s"));
      const isRight = async () => Math.abs((await rate()) - perSecond) <= perSecond * 0.15;
      await until(`${perSecond}/s`, isRight, 30_000);
    },
  },
  {
    id: "E-04",
    name: "numbers move within 3 s, stand still when held, and are not asked for by a hidden tab",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.live";
      await cluster.publishMany(0, topic, 10);
      await cluster.known(`topics/${topic}`);
      const guarded = await t.open(cluster.admin.url);
      // Its clock can be put forward: a minute in which nothing is asked for takes a moment.
      await guarded.page.clock.install();
      await guarded.go(`topics/${topic}?tab=nodes`);
      const depth = () => cell(guarded.page, `Nodes of ${topic}`, "Total", "Depth");
      await until("the first depth", async () => (await depth()) === "10");
      await cluster.publishMany(0, topic, 7);
      await until("the next depth", async () => (await depth()) === "17", 3500);
      await guarded.page.keyboard.press("h");
      await guarded.page.getByRole("button", { name: "Updates: held" }).waitFor();
      t.assert.match(guarded.page.url(), /live=0/);
      const asked = () => guarded.requests.filter((r) => r.url().includes("/api/")).length;
      const before = asked();
      await cluster.publishMany(0, topic, 5);
      await guarded.page.clock.runFor(60_000);
      const late = guarded.requests.slice(-4).map((r) => r.url());
      t.assert.equal(asked(), before, `a held page asks for nothing: ${late}`);
      t.assert.equal(await depth(), "17");
      await guarded.page.keyboard.press("h");
      await until("the depth after resuming", async () => (await depth()) === "22", 4000);
      await guarded.page.evaluate(() => {
        Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      const hidden = asked();
      await guarded.page.clock.runFor(60_000);
      t.assert.equal(asked(), hidden, "a hidden page asks for nothing");
    },
  },
  {
    id: "E-05",
    name: "order, filter, quick filter and columns are in the address and open the same view",
    run: async (t) => {
      const cluster = await t.cluster();
      for (const [i, name] of ["e2e.view.a", "e2e.view.b", "e2e.view.c"].entries())
        await cluster.publishMany(0, name, (i + 1) * 3);
      const guarded = await t.open(cluster.admin.url);
      const names = (page) => page.locator("tbody th a.name").allInnerTexts();
      await guarded.go("topics");
      await guarded.page.getByText("e2e.view.c").first().waitFor();
      await guarded.page.keyboard.press("/");
      await guarded.page.keyboard.type("e2e.view");
      await guarded.page.getByRole("button", { name: /^Backlog \d/ }).click();
      await guarded.page.getByRole("columnheader", { name: "Backlog" }).getByRole("button").click();
      await guarded.page.getByRole("button", { name: /Columns and copies/ }).click();
      await guarded.page.getByRole("menuitemcheckbox", { name: "Messages", exact: true }).click();
      await guarded.page.keyboard.press("Escape");
      await guarded.page.waitForURL((url) => url.searchParams.has("q") && url.searchParams.has("cols"));
      const query = new URL(guarded.page.url()).searchParams;
      t.assert.equal(query.get("q"), "e2e.view");
      t.assert.equal(query.get("f"), "backlog");
      t.assert.equal(query.get("sort"), "backlog");
      t.assert.match(query.get("cols"), /messages/);
      t.assert.deepEqual(await names(guarded.page), ["e2e.view.c", "e2e.view.b", "e2e.view.a"]);
      const other = await t.open(cluster.admin.url);
      await other.page.goto(guarded.page.url());
      await until("the same rows", async () => (await names(other.page)).join() === "e2e.view.c,e2e.view.b,e2e.view.a");
      await other.page.getByRole("columnheader", { name: "Messages", exact: true }).waitFor();
      await other.page.getByRole("searchbox").fill("nothing at all");
      await other.page.getByRole("button", { name: "Clear filter" }).click();
      await other.page.getByText("e2e.view.c").first().waitFor();
    },
  },
  {
    id: "E-06",
    name: "the numbers of a topic are those of the API, and totals are the sums of the nodes",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.sums";
      for (const i of [0, 1, 2]) {
        await cluster.publishMany(i, topic, 1 + i);
        await cluster.post(i, `channel/create?topic=${topic}&channel=one`);
        await cluster.publishMany(i, topic, 10 * (i + 1));
      }
      await cluster.known(`topics/${topic}/one`);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}?tab=nodes`);
      await until("all nodes", async () => (await guarded.page.locator("tbody tr").count()) === 4);
      const api = await (await fetch(`${cluster.admin.url}api/topics/${topic}`)).json();
      const shown = async (row, column) => number(await cell(guarded.page, `Nodes of ${topic}`, row, column));
      t.assert.equal(api.message_count, 66);
      t.assert.equal(await shown("Total", "Messages"), api.message_count);
      t.assert.equal(await shown("Total", "Depth"), api.depth);
      for (const node of api.nodes) {
        t.assert.equal(await shown(node.node.split(":")[1], "Messages"), node.message_count);
        t.assert.equal(await shown(node.node.split(":")[1], "Memory"), node.memory_depth);
      }
      await guarded.go(`topics/${topic}`);
      await until(
        "the channel",
        async () => number(await cell(guarded.page, `Channels of ${topic}`, "one", "Depth")) === api.channels[0].depth,
      );
    },
  },
  {
    id: "E-07",
    name: "connections show their attributes and numbers, grouped and one by one",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.clients";
      const clients = [];
      t.cleanup(() => {
        for (const client of clients) client.close();
      });
      for (const i of [0, 1]) {
        const client = await Client.connect(cluster.nsqds[i].tcpPort, {
          client_id: "worker-1",
          hostname: "worker-1.prod",
          user_agent: "e2e/2.5",
          sample_rate: 42,
        });
        clients.push(await client.subscribe(topic, "jobs", 7));
      }
      const producer = await Client.connect(cluster.nsqds[2].tcpPort, { client_id: "web-1", hostname: "web-1.prod" });
      clients.push(producer);
      t.assert.equal(await producer.publish(topic, "hello"), "OK");
      await cluster.known(`topics/${topic}/jobs`);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}/jobs?tab=clients`);
      const group = guarded.page.locator("tbody tr", { hasText: "worker-1.prod" }).first();
      await group.waitFor();
      await until("both connections", async () => /14/.test(await group.innerText()));
      const text = await group.innerText();
      t.assert.match(text, /e2e\/2\.5/);
      t.assert.match(text, /sampled 42 %/);
      await guarded.page.getByRole("button", { name: /^Show what belongs/ }).click();
      t.assert.equal(await guarded.page.locator('[aria-label="Consumers"] tbody tr').count(), 3);
      const connections = guarded.page.locator('[role="region"][aria-label="Connections"] tbody tr');
      t.assert.equal(await connections.count(), 2);
      t.assert.match(await connections.first().innerText(), /127\.0\.0\.1:\d+/);
      await guarded.go(`topics/${topic}?tab=clients`);
      await guarded.page
        .locator('[role="region"][aria-label="Producers"] tbody tr', { hasText: "web-1.prod" })
        .waitFor();
      await guarded.go("clients?q=worker-1");
      await guarded.page.locator("tbody tr", { hasText: `${topic}/jobs` }).waitFor();
    },
  },
  {
    id: "E-08",
    name: "the delivery column keeps all cells below their heads when a node has no counts",
    mock: true,
    run: async (t) => {
      const { url } = await t.mock({});
      const guarded = await t.open(url);
      await guarded.go("topics/clickstream/archive");
      await guarded.page.getByRole("columnheader", { name: "Delivery" }).waitFor();
      const cells = await guarded.page.evaluate(() =>
        [...document.querySelectorAll("tbody tr")].map((r) => r.children.length),
      );
      const heads = await guarded.page.evaluate(() => document.querySelector("thead tr:last-child").children.length);
      t.assert.deepEqual([...new Set(cells)], [heads]);
      t.assert.equal(await cell(guarded.page, "Nodes of clickstream / archive", "queue-1", "Delivery"), "–");
      t.assert.match(await cell(guarded.page, "Nodes of clickstream / archive", "queue-2", "Delivery"), /48%/);
      t.assert.equal(await cell(guarded.page, "Nodes of clickstream / archive", "queue-1", "p50"), "148 ms");
    },
  },
  {
    id: "E-33",
    name: "charts have ranges and a table, and no rate is ever negative over a restart",
    run: async (t) => {
      const cluster = await t.own({ nsqds: 1, lookupds: 1, admin: { args: ["--stats-interval=1s"] } });
      const topic = "e2e.charts";
      const timer = setInterval(() => cluster.publish(0, topic, "x").catch(() => {}), 50);
      t.cleanup(() => clearInterval(timer));
      const guarded = await t.open(cluster.admin.url);
      await until("the topic", async () => (await fetch(`${cluster.admin.url}api/ext/topics/${topic}`)).ok, 20_000);
      const rates = async () => {
        const path = `api/ext/series?entity=topic:${topic}&metric=publish&range_ms=900000&points=900`;
        const { data } = await (await fetch(`${cluster.admin.url}${path}`)).json();
        return data.series[0].values;
      };
      const known = async () => (await rates()).filter((v) => v !== null && v > 0).length;
      await until("some samples", async () => (await known()) >= 5, 30_000);
      const nsqd = cluster.nsqds[0];
      await nsqd.stop();
      await until("a node that is away", async () => {
        const { upstreams } = await (await fetch(`${cluster.admin.url}api/ext/nodes`)).json();
        return upstreams.nsqd.ok === 0;
      });
      const before = await known();
      await nsqd.start();
      await until("samples after the restart", async () => (await known()) >= before + 5, 40_000);
      await guarded.go(`topics/${topic}?tab=charts&t=15m`);
      await guarded.page.locator("canvas").first().waitFor();
      await guarded.page
        .locator(".chart", { hasText: "Messages per second" })
        .getByRole("button", { name: "Table" })
        .click();
      const values = await guarded.page.locator(".chart-table tbody td").allInnerTexts();
      t.assert.ok(
        values.some((v) => v.endsWith("/s")),
        "there are samples",
      );
      t.assert.deepEqual(
        values.filter((v) => /^[-−]/.test(v)),
        [],
        "no negative rates",
      );
      await guarded.page.getByRole("button", { name: /^Time range/ }).click();
      await guarded.page.getByRole("menuitemcheckbox", { name: /^off/ }).click();
      await until("no charts", async () => (await guarded.page.locator(".chart").count()) === 0);
      t.assert.equal(await guarded.page.evaluate(() => localStorage.getItem("graph_interval")), "off");
    },
  },
];
