/** Keyboard, search, copies, the wall display, odd names, Graphite's settings. */

import { exec } from "node:child_process";
import { promisify } from "node:util";
import { until } from "../cluster.mjs";

const run = promisify(exec);

async function withChannel(cluster, topic, channel) {
  for (const i of [0, 1, 2]) {
    await cluster.post(i, `topic/create?topic=${encodeURIComponent(topic)}`);
    await cluster.post(i, `channel/create?topic=${encodeURIComponent(topic)}&channel=${encodeURIComponent(channel)}`);
  }
  await cluster.known(`topics/${encodeURIComponent(topic)}/${encodeURIComponent(channel)}`);
}

export const scenarios = [
  {
    id: "E-32",
    name: "the counter counts, and stands still between polls with reduced motion",
    run: async (t) => {
      const cluster = await t.cluster();
      await withChannel(cluster, "e2e.counter", "one");
      const guarded = await t.open(cluster.admin.url, { reducedMotion: "reduce" });
      await guarded.go("counter");
      const shown = async () =>
        Number((await guarded.page.locator(".counter-number .sr").innerText()).replace(/\D/g, ""));
      await until("a number", async () => Number.isFinite(await shown()));
      const before = await shown();
      await cluster.publishMany(0, "e2e.counter", 250);
      await until("the number rises", async () => (await shown()) >= before + 250, 25_000);
      const api = await (await fetch(`${cluster.admin.url}api/counter`)).json();
      const sum = Object.values(api.stats).reduce((total, s) => total + s.message_count, 0);
      await until("the sum of the API", async () => (await shown()) === sum, 25_000);
      await guarded.checkAccess("Counter");
    },
  },
  {
    id: "E-36",
    name: "with the keyboard alone: find a channel, pause it, undo; single keys can be switched off",
    run: async (t) => {
      const cluster = await t.cluster();
      await withChannel(cluster, "e2e.keys", "target");
      const guarded = await t.open(cluster.admin.url);
      const { page } = guarded;
      const { keyboard } = page;
      await guarded.go();
      await page.locator("tbody tr").first().waitFor();
      await keyboard.press("Control+k");
      await page.getByRole("combobox").waitFor();
      await keyboard.type("e2e.keys/tar");
      await page.getByRole("option", { name: "e2e.keys/target" }).waitFor({ timeout: 20_000 });
      await keyboard.press("Enter");
      await page.getByRole("heading", { name: "target" }).waitFor();
      await keyboard.press("g");
      await keyboard.press("t");
      await page.getByRole("heading", { name: "Topics" }).waitFor();
      await page.locator("tbody tr").first().waitFor();
      await keyboard.press("/");
      await keyboard.type("e2e.keys");
      await until("one row", async () => (await page.locator("tbody tr").count()) === 1);
      await page.evaluate(() => document.activeElement.blur());
      await keyboard.press("j");
      await keyboard.press("Enter");
      await page.getByRole("heading", { name: "e2e.keys" }).waitFor();
      await page.locator("tbody tr", { hasText: "target" }).waitFor();
      await keyboard.press("j");
      await keyboard.press("p");
      await page.getByRole("dialog").waitFor();
      await keyboard.press("Tab");
      t.assert.equal(await page.evaluate(() => document.activeElement.textContent), "Pause");
      await keyboard.press("Enter");
      await page.locator("tbody .badge.paused").waitFor();
      await page.locator(".toast").getByRole("button", { name: "Undo" }).focus();
      await keyboard.press("Enter");
      await page.locator("tbody .badge.paused").waitFor({ state: "detached" });
      await keyboard.press("?");
      await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
      await guarded.checkAccess("Keyboard help");
      await keyboard.press("Escape");
      await page.getByRole("button", { name: /^Settings/ }).click();
      await page.getByRole("menuitemcheckbox", { name: "Single-key shortcuts" }).click();
      await keyboard.press("Escape");
      await keyboard.press("?");
      t.assert.equal(await page.getByRole("dialog").count(), 0);
    },
  },
  {
    id: "E-39",
    name: "every legal name has pages: ephemeral, dots, 64 characters, a channel called tail",
    run: async (t) => {
      const cluster = await t.cluster();
      const long = `e2e.${"n".repeat(60)}`;
      const cases = [
        ["e2e.eph#ephemeral", "c#ephemeral"],
        ["e2e.dots.and-dashes_too", "tail"],
        [long, long],
      ];
      for (const [topic, channel] of cases) await withChannel(cluster, topic, channel);
      for (const width of [1400, 390]) {
        const guarded = await t.open(cluster.admin.url, { width });
        for (const [topic, channel] of cases) {
          await guarded.go("topics");
          await guarded.page.getByRole("link", { name: topic, exact: true }).click();
          await guarded.page.getByRole("heading", { name: topic, exact: true }).waitFor();
          await guarded.page.locator("tbody").getByRole("link", { name: channel, exact: true }).click();
          await guarded.page.getByRole("heading", { name: channel, exact: true }).waitFor();
          await guarded.page.getByText("In flight").first().waitFor();
          await guarded.checkWidth(`${topic}/${channel} at ${width}`);
          await guarded.page.reload();
          await guarded.page.getByRole("heading", { name: channel, exact: true }).waitFor();
        }
      }
    },
  },
  {
    id: "E-43",
    name: "copied commands run",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.copied";
      await withChannel(cluster, topic, "one");
      const guarded = await t.open(cluster.admin.url);
      await guarded.go(`topics/${topic}/one`);
      const copied = async (name) => {
        await guarded.page.getByRole("button", { name: "Copy", exact: true }).click();
        await guarded.page.getByRole("menuitem", { name }).click();
        return await guarded.page.evaluate(() => navigator.clipboard.readText());
      };
      await guarded.page.getByText("Message queues").waitFor();
      await run(`${await copied("curl: pause with nsqadmin")} -sf`);
      const paused = async () => (await cluster.stats(0, topic)).topics[0].channels[0].paused;
      t.assert.equal(await paused(), true);
      await run(`${await copied("curl: unpause with nsqadmin")} -sf`);
      t.assert.equal(await paused(), false);
      await run(`${await copied(/^curl: publish to/)} -sf`);
      await until("published", async () =>
        (await Promise.all([0, 1, 2].map((i) => cluster.stats(i, topic)))).some((s) => s.topics[0].message_count === 1),
      );
      t.assert.match(
        await copied("nsq_tail"),
        new RegExp(`^nsq_tail --lookupd-http-address=${cluster.lookupds[0].address} .* --topic=${topic}$`),
      );
      const link = await copied("Copy link");
      t.assert.equal(link, `${cluster.admin.url}topics/${topic}/one`);
    },
  },
  {
    id: "E-44",
    name: "changed nsqlookupd addresses take effect without a restart",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publish(0, "e2e.config", "x");
      const empty = await t.own({ lookupds: 1, nsqds: 0 });
      const guarded = await t.open(empty.admin.url);
      await guarded.go("topics");
      await guarded.page.getByText("No topics yet.").waitFor();
      const answer = await fetch(`${empty.admin.url}config/nsqlookupd_http_addresses`, {
        method: "PUT",
        body: JSON.stringify(cluster.lookupds.map((l) => l.address)),
      });
      t.assert.equal(answer.status, 200);
      await guarded.page.getByRole("link", { name: "e2e.config" }).waitFor({ timeout: 30_000 });
      await guarded.go("lookup");
      await guarded.page.locator("tbody tr", { hasText: cluster.lookupds[1].address }).waitFor();
    },
  },
];
