/** What stands around every page, and pages that Go's nsqadmin does not have. */

import { until } from "../cluster.mjs";

const dialog = (guarded) => guarded.page.getByRole("dialog");

async function withChannel(cluster, topic, channel) {
  for (const i of cluster.nsqds.keys()) {
    await cluster.post(i, `topic/create?topic=${topic}`);
    await cluster.post(i, `channel/create?topic=${topic}&channel=${channel}`);
  }
  await cluster.known(`topics/${topic}/${channel}`);
}

/** Samples of a chart, as its table shows them. */
async function samples(page, title) {
  const chart = page.locator(".chart", { hasText: title }).first();
  const table = chart.getByRole("button", { name: "Table" });
  if ((await table.getAttribute("aria-pressed")) !== "true") await table.click();
  return await chart.locator(".chart-table tbody td").allInnerTexts();
}

export const scenarios = [
  {
    id: "E-46",
    name: "the overview begins with the problems, and nothing moves when the rest comes",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publishMany(0, "e2e.shift", 30);
      await until(
        "a problem",
        async () => {
          const { data } = await (await fetch(`${cluster.admin.url}api/ext/overview`)).json();
          return data.problems.some((p) => p.entity.topic === "e2e.shift");
        },
        40_000,
      );
      const guarded = await t.open(cluster.admin.url);
      await guarded.context.addInitScript(() => {
        window.__shift = 0;
        window.__order = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.__shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
        new MutationObserver(() => {
          for (const name of [".problems", ".table-frame"])
            if (!window.__order.includes(name) && document.querySelector(name)) window.__order.push(name);
        }).observe(document, { childList: true, subtree: true });
      });
      // One answer comes when the other one has been shown, or could have been.
      for (const [slow, other] of [
        [/ext\/overview/, /ext\/topics/],
        [/ext\/topics/, /ext\/overview/],
      ]) {
        const answered = guarded.page.waitForResponse(other);
        await guarded.page.route(slow, async (route) => {
          const response = await route.fetch();
          await (await answered).finished();
          await guarded.page.evaluate(
            () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
          );
          await route.fulfill({ response });
        });
        await guarded.go();
        await guarded.page.locator(".problems").waitFor();
        await guarded.page.locator("tbody tr a.name").first().waitFor();
        t.assert.equal((await guarded.page.evaluate(() => window.__order))[0], ".problems");
        const shift = await guarded.page.evaluate(() => window.__shift);
        t.assert.ok(shift < 0.02, `things moved by ${shift}`);
        await guarded.page.unrouteAll({ behavior: "ignoreErrors" });
      }
    },
  },
  {
    id: "E-47",
    name: "the shell: brand, help, menu on a phone, new tabs, titles, crumbs and the version of everything",
    run: async (t) => {
      const cluster = await t.cluster();
      await withChannel(cluster, "e2e.shell", "one");
      const guarded = await t.open(cluster.admin.url);
      const { page } = guarded;
      await guarded.go("topics/e2e.shell/one");
      await page.getByRole("heading", { name: "one" }).waitFor();
      await until("the title", async () => /^(\(\d+\) )?e2e\.shell \/ one · nsqadmin$/.test(await page.title()));
      t.assert.equal(await page.locator("html").getAttribute("lang"), "en");
      t.assert.match(await page.locator('link[rel="icon"]').getAttribute("href"), /icon.*\.svg$/);
      t.assert.equal(
        (
          await page.request.get(
            new URL(await page.locator('link[rel="icon"]').getAttribute("href"), cluster.admin.url).href,
          )
        ).status(),
        200,
      );
      await page.locator("main").getByRole("link", { name: "Topics", exact: true }).click();
      await page.getByRole("heading", { name: "Topics" }).waitFor();
      const [tab] = await Promise.all([
        guarded.context.waitForEvent("page"),
        page.getByRole("link", { name: "e2e.shell", exact: true }).click({ modifiers: ["ControlOrMeta"] }),
      ]);
      await tab.getByRole("heading", { name: "e2e.shell" }).waitFor();
      await tab.close();
      t.assert.match(page.url(), /topics$/);
      await page.getByRole("link", { name: "nsqadmin", exact: true }).click();
      await page.locator(".tiles").waitFor();
      await page.getByRole("button", { name: "Help" }).click();
      const links = page.getByRole("menu").getByRole("menuitem").filter({ hasText: "NSQ" });
      await links.nth(1).waitFor();
      for (const link of await links.all()) t.assert.match((await link.getAttribute("rel")) ?? "", /noreferrer/);
      const help = await page.getByRole("menu").innerText();
      t.assert.match(help, /nsqadmin \d+\.\d+\.\d+/);
      t.assert.match(help, /3 of 3 nsqd answer/);
      await page.keyboard.press("Escape");
      const phone = await t.open(cluster.admin.url, { width: 390, height: 780 });
      await phone.go();
      t.assert.equal(await phone.page.getByRole("navigation", { name: "Main" }).isVisible(), false);
      await phone.page.getByRole("button", { name: "Menu" }).click();
      await phone.page.getByRole("link", { name: "Nodes", exact: true }).click();
      await phone.page.getByRole("heading", { name: "Nodes" }).waitFor();
      t.assert.equal(await phone.page.getByRole("navigation", { name: "Main" }).isVisible(), false);
    },
  },
  {
    id: "E-48",
    name: "nodes tell how many topics they have and by how many nsqlookupd they are known",
    run: async (t) => {
      const cluster = await t.cluster();
      await withChannel(cluster, "e2e.nodes", "one");
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("nodes");
      const row = guarded.page.locator("tbody tr", { hasText: cluster.nsqds[0].address.split(":")[1] });
      const heads = await guarded.page.locator("thead tr:last-child th").allInnerTexts();
      const cell = async (name) => {
        const texts = await row.locator("th, td").allInnerTexts();
        return texts[heads.findIndex((h) => h.trim().startsWith(name))].trim();
      };
      await until("known to both", async () => (await cell("Lookupd")) === "2/2");
      t.assert.ok(Number(await cell("Topics")) >= 1);
      t.assert.equal(await row.locator(".warn").count(), 0, "what is well is not marked");
      await row.getByRole("link").first().click();
      await guarded.page.getByText("Safe to stop?").waitFor();
      await guarded.page.getByRole("link", { name: "e2e.nodes", exact: true }).waitFor();
      await guarded.page.getByRole("button", { name: "Show what belongs to e2e.nodes", exact: true }).click();
      await guarded.page.locator("tbody").getByRole("link", { name: "one", exact: true }).click();
      await guarded.page.getByRole("heading", { name: "one" }).waitFor();
    },
  },
  {
    id: "E-49",
    name: "the activity page tells who has changed what",
    run: async (t) => {
      const cluster = await t.cluster();
      await withChannel(cluster, "e2e.activity", "one");
      const guarded = await t.open(cluster.admin.url, { headers: { "X-Forwarded-User": "alice" } });
      await guarded.go("topics/e2e.activity/one");
      await guarded.page.locator(".actions").getByRole("button", { name: "Pause…" }).click();
      await dialog(guarded).getByRole("button", { name: "Pause", exact: true }).click();
      await guarded.page.locator(".toast", { hasText: "Paused" }).waitFor();
      await guarded.page.getByRole("button", { name: "Help" }).click();
      await guarded.page.getByRole("menuitem", { name: "Activity of users" }).click();
      await guarded.page.getByRole("heading", { name: "Activity" }).waitFor();
      const row = guarded.page.locator("tbody tr", { hasText: "e2e.activity/one" });
      await row.waitFor();
      t.assert.match(await row.innerText(), /pause channel/);
      t.assert.match(await row.innerText(), /alice/);
      await guarded.checkAccess("Activity");
      await row.getByRole("link", { name: "e2e.activity/one" }).click();
      await guarded.page.getByRole("heading", { name: "one" }).waitFor();
    },
  },
  {
    id: "E-50",
    name: "charts are made in the browser when nsqadmin keeps no history",
    run: async (t) => {
      const cluster = await t.own({ lookupds: 1, nsqds: 1, admin: { args: ["--stats-interval=0"] } });
      await withChannel(cluster, "e2e.ring", "one");
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("topics/e2e.ring?t=5m");
      await cluster.publishMany(0, "e2e.ring", 12);
      await until("samples", async () => (await samples(guarded.page, "Backlog")).includes("12"), 20_000);
      await cluster.publishMany(0, "e2e.ring", 5);
      await until("the next sample", async () => (await samples(guarded.page, "Backlog"))[0] === "17", 20_000);
      t.assert.equal(guarded.requests.filter((r) => /series\?.*range_ms=300000/.test(r.url())).length, 0);
    },
  },
  {
    id: "E-51",
    name: "without nsqlookupd topics and channels are created on the nsqds that are ticked",
    run: async (t) => {
      const cluster = await t.own({ lookupds: 0, nsqds: 2, admin: { args: ["--stats-interval=1s"] } });
      const guarded = await t.open(cluster.admin.url);
      await guarded.go("lookup");
      await guarded.page.getByText("No nsqlookupd is configured.").waitFor();
      await guarded.page.getByRole("button", { name: "Create topic / channel…" }).click();
      await dialog(guarded).getByLabel("Topic").fill("e2e.direct");
      await dialog(guarded).getByLabel("Channel (optional)").fill("one");
      await dialog(guarded).getByLabel(cluster.nsqds[1].address).uncheck();
      await guarded.checkAccess("Creation on nsqds");
      await dialog(guarded).getByRole("button", { name: "Create", exact: true }).click();
      await guarded.page.locator(".toast", { hasText: "Created e2e.direct / one on 1 of 1 nodes" }).waitFor();
      const { topics } = await cluster.stats(0, "e2e.direct");
      t.assert.equal(topics[0].channels[0].channel_name, "one");
      t.assert.deepEqual((await cluster.stats(1, "e2e.direct")).topics ?? [], []);
    },
  },
  {
    id: "E-52",
    name: "connections show every attribute, and an identity leads only to web addresses",
    mock: true,
    run: async (t) => {
      const made = await t.mock({ attributes: true });
      const guarded = await t.open(made.url);
      await guarded.go("topics/orders.created/fulfilment?tab=clients");
      const table = guarded.page.locator('[role="region"][aria-label="Connections"]');
      await table.locator("tbody tr").first().waitFor();
      const text = await table.innerText();
      for (const word of [
        "TLS",
        "snappy",
        "deflate",
        "sampled 10 %",
        "auth: joe",
        "auth: eve",
        "zone-local",
        "region-local",
      ])
        t.assert.ok(text.includes(word), `${word} in ${text}`);
      t.assert.equal(
        await table.getByRole("link", { name: /joe/ }).first().getAttribute("href"),
        "https://id.example/joe",
      );
      t.assert.equal(await table.getByRole("link", { name: /eve/ }).count(), 0);
      await guarded.page
        .getByTitle(/TLS1\.3/)
        .first()
        .waitFor();
    },
  },
  {
    id: "E-53",
    name: "an nsqadmin that does not answer is given up after ten seconds, and the page says so",
    run: async (t) => {
      const cluster = await t.cluster();
      const guarded = await t.open(cluster.admin.url, { allow: [/Failed to load resource/] });
      await guarded.page.route(/\/api\/ext\//, () => {});
      const begun = Date.now();
      await guarded.go("topics");
      await guarded.page.getByRole("alert").getByText("Cannot reach nsqadmin since").waitFor({ timeout: 20_000 });
      const took = Date.now() - begun;
      t.assert.ok(took >= 9500 && took < 15_000, `${took} ms`);
      await guarded.page.unrouteAll({ behavior: "ignoreErrors" });
      await guarded.page.getByRole("alert").waitFor({ state: "detached", timeout: 25_000 });
    },
  },
];
