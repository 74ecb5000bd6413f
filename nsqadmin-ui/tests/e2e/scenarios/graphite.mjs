/** Charts with Graphite configured. */

import { createServer } from "node:http";

export const scenarios = [
  {
    id: "E-34",
    name: "with Graphite, charts link to valid expressions and can show its samples; ?t= and the stored range are honoured",
    run: async (t) => {
      const cluster = await t.cluster();
      const topic = "e2e.graphite";
      await cluster.publish(0, topic, "x");
      const asked = [];
      /** The value of every series; `null` for none at all. */
      let known = null;
      const graphite = createServer((request, response) => {
        asked.push(new URL(request.url, "http://graphite"));
        response.setHeader("Content-Type", "application/json");
        const names = asked
          .at(-1)
          .searchParams.getAll("target")
          .flatMap((target) => /"(\d+)"/.exec(target)?.[1] ?? []);
        const now = Math.floor(Date.now() / 1000);
        const points = Array.from({ length: 10 }, (_, i) => [known, now - (10 - i) * 10]);
        response.end(JSON.stringify(known === null ? [] : names.map((name) => ({ target: name, datapoints: points }))));
      });
      await new Promise((resolve) => graphite.listen(0, "127.0.0.1", resolve));
      t.cleanup(() => {
        graphite.closeAllConnections();
        graphite.close();
      });
      const url = `http://127.0.0.1:${graphite.address().port}`;
      const admin = await cluster.nsqadmin({ args: [`--graphite-url=${url}`, "--proxy-graphite"] });
      const guarded = await t.open(admin.url, { allow: [/Failed to load resource/] });
      await guarded.go(`topics/${topic}?t=12h`);
      const link = guarded.page.locator(".chart", { hasText: "Backlog" }).getByRole("link", { name: "Graphite" });
      await link.waitFor({ timeout: 25_000 });
      t.assert.ok((await guarded.page.getByRole("button", { name: /^Time range/ }).innerText()).includes("12h"));
      const answer = await fetch(new URL(await link.getAttribute("href"), admin.url));
      t.assert.equal(answer.status, 200);
      const [request] = asked.filter((r) => r.pathname.endsWith("/render"));
      t.assert.equal(request.searchParams.get("from"), "-43200seconds");
      t.assert.match(request.searchParams.get("target"), /^sumSeries\(.*nsq\.\*\.topic\.e2e\.graphite\.depth.*\)$/);
      await guarded.page.getByRole("button", { name: /^Time range/ }).click();
      await guarded.page.getByRole("menuitemcheckbox", { name: "Graphite" }).click();
      await guarded.page.keyboard.press("Escape");
      const chart = guarded.page.locator(".chart", { hasText: "Backlog" });
      await chart.getByText("Graphite has no samples in this range.").waitFor();
      await chart.getByText("What was asked").click();
      await chart.getByText("sumSeries(stats.gauges.nsq.*.topic.e2e.graphite.depth)").first().waitFor();
      known = 321;
      await chart.getByRole("button", { name: "Table" }).click();
      await chart.locator(".chart-table").waitFor({ timeout: 15_000 });
      t.assert.ok((await chart.locator(".chart-table tbody td").allInnerTexts()).includes("321"));
      await guarded.page.evaluate(() => localStorage.setItem("graph_interval", "2h"));
      await guarded.go(`topics/${topic}`);
      t.assert.ok((await guarded.page.getByRole("button", { name: /^Time range/ }).innerText()).includes("2h"));
    },
  },
];
