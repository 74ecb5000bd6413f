/** Dead, hung and missing processes: pages stay quick, say what is missing, and recover. */

import { until } from "../cluster.mjs";

const FAST = ["--stats-interval=1s", "--http-client-request-timeout=2s"];
/** Chromium reports every refused request itself. */
const REFUSED = [/Failed to load resource/];

async function quick(t, guarded, path, selector, limit) {
  const begun = Date.now();
  await guarded.go(path);
  await guarded.page.locator(selector).first().waitFor();
  const took = Date.now() - begun;
  t.assert.ok(took < limit, `${path} took ${took} ms`);
}

export const scenarios = [
  {
    id: "E-02",
    name: "the overview lists problems, worst first, and clears them",
    run: async (t) => {
      const cluster = await t.own({ nsqds: 2, lookupds: 1, admin: { args: FAST } });
      for (const i of [0, 1]) await cluster.post(i, "topic/create?topic=e2e.stuck");
      for (const i of [0, 1]) await cluster.post(i, "channel/create?topic=e2e.stuck&channel=nobody");
      await cluster.publishMany(0, "e2e.stuck", 500);
      await cluster.publishMany(1, "e2e.lonely", 20);
      await cluster.post(0, "topic/create?topic=e2e.resting");
      await cluster.post(0, "topic/pause?topic=e2e.resting");
      const guarded = await t.open(cluster.admin.url);
      await guarded.go();
      const texts = () => guarded.page.locator(".problem").allInnerTexts();
      await until(
        "all problems",
        async () => {
          const all = (await texts()).join("\n");
          return all.includes("nobody") && all.includes("e2e.lonely") && all.includes("e2e.resting");
        },
        20_000,
      );
      const severities = await guarded.page
        .locator(".problem")
        .evaluateAll((lines) => lines.map((l) => l.className.split(" ")[1]));
      const rank = { crit: 0, warn: 1, info: 2 };
      t.assert.deepEqual(
        severities,
        severities.toSorted((a, b) => rank[a] - rank[b]),
      );
      await until("the number in the title", async () => /^\(\d+\)/.test(await guarded.page.title()));
      await guarded.checkAccess("Overview with problems");
      await cluster.post(0, "channel/empty?topic=e2e.stuck&channel=nobody");
      await cluster.post(1, "topic/empty?topic=e2e.lonely");
      await until(
        "cleared",
        async () => !(await texts()).some((l) => l.includes("nobody") || l.includes("e2e.lonely")),
        30_000,
      );
    },
  },
  {
    id: "E-18",
    name: "with a hung nsqd pages are there at once, and name it everywhere",
    run: async (t) => {
      const cluster = await t.own({ admin: { args: FAST } });
      const topic = "e2e.hung";
      for (const i of [0, 1, 2]) {
        await cluster.post(i, `topic/create?topic=${topic}`);
        await cluster.post(i, `channel/create?topic=${topic}&channel=one`);
        await cluster.publishMany(i, topic, 100);
      }
      await cluster.known(`topics/${topic}/one`);
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}?tab=nodes`);
      await until("three nodes", async () => (await guarded.page.locator("tbody tr:not(.total)").count()) === 3);
      const { address } = cluster.nsqds[1];
      cluster.nsqds[1].freeze();
      await guarded.page
        .locator(".banner", { hasText: `nsqd ${address} has not answered` })
        .waitFor({ timeout: 20_000 });
      await quick(t, guarded, `topics/${topic}?tab=nodes`, "tbody tr.total", 1000);
      const row = guarded.page.locator("tbody tr", { hasText: address.split(":")[1] });
      t.assert.match(await row.innerText(), /no answer, last known/);
      t.assert.match(await guarded.page.locator("tbody tr.total").innerText(), /≥/);
      await quick(t, guarded, "nodes", "tbody tr", 1000);
      t.assert.match(
        await guarded.page.locator("tbody tr", { hasText: address.split(":")[1] }).innerText(),
        /no answer/,
      );
      await quick(t, guarded, "", ".problem", 1000);
      await until("the problem", async () => (await guarded.page.locator(".problems").innerText()).includes(address));
      await quick(t, guarded, `topics/${topic}/one`, "tbody tr.total", 1000);
      await guarded.checkAccess("Channel with a hung nsqd");
      cluster.nsqds[1].thaw();
      await until("no banner", async () => (await guarded.page.locator(".banner").count()) === 0, 30_000);
      await until("no gap", async () => !(await guarded.page.locator("tbody tr.total").innerText()).includes("≥"));
    },
  },
  {
    id: "E-19",
    name: "with a hung nsqlookupd the lookup page is there at once",
    run: async (t) => {
      const cluster = await t.own({ nsqds: 1, admin: { args: FAST } });
      for (const lookupd of cluster.lookupds)
        for (let i = 0; i < 5; i++)
          await fetch(`http://${lookupd.address}/topic/create?topic=e2e.inactive.${i}`, { method: "POST" });
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("lookup");
      await guarded.page.getByText("e2e.inactive.4").waitFor({ timeout: 20_000 });
      cluster.lookupds[1].freeze();
      await guarded.page
        .locator("tr", { hasText: cluster.lookupds[1].address })
        .getByText("no answer")
        .waitFor({ timeout: 20_000 });
      await quick(t, guarded, "lookup", "tbody tr", 1000);
      t.assert.match(await guarded.page.locator(".tree").innerText(), /e2e\.inactive\.0/);
      await quick(t, guarded, "topics", "tbody tr", 1000);
    },
  },
  {
    id: "E-20",
    name: "the page outlives nsqadmin and comes back by itself; all upstreams down is explained",
    run: async (t) => {
      const cluster = await t.own({ nsqds: 1, lookupds: 1, admin: { args: FAST } });
      await cluster.publishMany(0, "e2e.outage", 3);
      await cluster.known("topics/e2e.outage");
      const guarded = await t.open(cluster.admin.url, { allow: REFUSED });
      await guarded.go("topics/e2e.outage");
      await guarded.page.getByText("Topic depth").waitFor();
      await cluster.admin.stop();
      await guarded.page.getByRole("alert").getByText("Cannot reach nsqadmin since").waitFor({ timeout: 15_000 });
      t.assert.match(await guarded.page.title(), /^\(stale\)/);
      t.assert.equal(await guarded.page.getByRole("button", { name: "Pause…" }).isDisabled(), true);
      await guarded.page.getByText("Topic depth").waitFor();
      await cluster.admin.start();
      await guarded.page.getByRole("alert").waitFor({ state: "detached", timeout: 25_000 });
      await until("acts again", async () => await guarded.page.getByRole("button", { name: "Pause…" }).isEnabled());
      await cluster.lookupds[0].stop();
      await cluster.nsqds[0].stop();
      const other = await cluster.nsqadmin({ args: FAST });
      const lost = await t.open(other.url, { allow: REFUSED });
      await lost.go();
      await lost.page.getByText("Nothing answers.").waitFor({ timeout: 15_000 });
      t.assert.match(await lost.page.locator("main").innerText(), new RegExp(cluster.lookupds[0].address));
    },
  },
  {
    id: "E-23",
    name: "without nsqlookupd everything but lookup works, and lookup says why",
    run: async (t) => {
      const cluster = await t.own({ lookupds: 0, nsqds: 2, admin: { args: FAST } });
      await cluster.publishMany(0, "e2e.direct", 3);
      await cluster.known("topics/e2e.direct");
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("lookup");
      await guarded.page.getByText("No nsqlookupd is configured.").waitFor();
      await guarded.checkAccess("Lookup without nsqlookupd");
      await guarded.go("nodes");
      await until("both nodes", async () => (await guarded.page.locator("tbody tr").count()) === 2);
      t.assert.equal(await guarded.page.getByRole("columnheader", { name: "Lookupd" }).count(), 0);
      await guarded.go("topics/e2e.direct");
      await guarded.page.getByText("No channels.").waitFor();
    },
  },
  {
    id: "E-24",
    name: "missing topics, channels and nodes are explained with names like them; inactive topics have a page",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publish(0, "e2e.present", "x");
      await cluster.post(0, "channel/create?topic=e2e.present&channel=reader");
      await fetch(`http://${cluster.lookupds[0].address}/topic/create?topic=e2e.sleeping`, { method: "POST" });
      await cluster.known("topics/e2e.present/reader");
      await cluster.known("topics/e2e.sleeping");
      const guarded = await t.open(cluster.admin.url, { allow: REFUSED });
      await guarded.go("topics/e2e.presemt");
      await guarded.page.getByText("Nobody knows the topic e2e.presemt.").waitFor();
      await guarded.page.getByRole("link", { name: "e2e.present", exact: true }).click();
      await guarded.page.getByRole("heading", { name: "e2e.present" }).waitFor();
      await guarded.go("topics/e2e.present/raeder");
      await guarded.page.getByText("Nobody knows the channel raeder of e2e.present.").waitFor();
      await guarded.checkAccess("Missing channel");
      await guarded.go("nodes/10.255.255.1:4151");
      await guarded.page.getByText("Nobody knows the node").waitFor();
      await guarded.go("topics/e2e.sleeping");
      await guarded.page.getByText("it is only registered in nsqlookupd").waitFor();
      await guarded.page.getByRole("button", { name: "Delete registration…" }).waitFor();
    },
  },
];
