/** Who may do what, and how it is refused. */

import { createServer } from "node:http";
import { until } from "../cluster.mjs";

const USER = "X-Forwarded-User";
const REFUSED = [/Failed to load resource/];

/** Words of controls that change something. */
const MUTATING = /^(pause|unpause|empty|delete|tombstone|create|publish$|start tail)/i;

export const scenarios = [
  {
    id: "E-21",
    name: "a reader finds no control that changes anything, and the API refuses",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publish(0, "e2e.readonly", "x");
      await cluster.post(0, "channel/create?topic=e2e.readonly&channel=one");
      for (const lookupd of cluster.lookupds)
        await fetch(`http://${lookupd.address}/topic/create?topic=e2e.readonly.inactive`, { method: "POST" });
      const admin = await cluster.nsqadmin({ args: ["--admin-user=root"] });
      await until("known", async () => (await fetch(`${admin.url}api/ext/topics/e2e.readonly/one`)).ok, 20_000);
      const guarded = await t.open(admin.url, { headers: { [USER]: "bob" } });
      const node = encodeURIComponent(cluster.nsqds[0].address);
      for (const path of [
        "",
        "topics",
        "topics/e2e.readonly",
        "topics/e2e.readonly?tab=nodes",
        "topics/e2e.readonly/one",
        "channels",
        "clients",
        "nodes",
        `nodes/${node}`,
        "lookup",
        "topics/e2e.readonly?tab=tail",
        "topics/e2e.readonly?tab=publish",
      ]) {
        await guarded.go(path);
        await guarded.settled();
        const controls = await guarded.page.locator("button, input[type=submit]").allInnerTexts();
        t.assert.deepEqual(
          controls.filter((c) => MUTATING.test(c.trim())),
          [],
          path,
        );
        t.assert.equal(await guarded.page.locator("main input[type=checkbox]").count(), 0, path);
        const menus = guarded.page.locator("main tbody .acts button");
        if ((await menus.count()) === 0) continue;
        await menus.first().click();
        const items = await guarded.page.getByRole("menuitem").allInnerTexts();
        t.assert.deepEqual(
          items.filter((c) => MUTATING.test(c.trim())),
          [],
          path,
        );
        await guarded.page.keyboard.press("Escape");
      }
      await guarded.go("topics/e2e.readonly");
      await guarded.page.getByText("Read only: signed in as bob, not in --admin-user").waitFor();
      const headers = { "Content-Type": "application/json", "X-NSQAdmin-UI": "1", [USER]: "bob" };
      for (const [path, body] of [
        ["actions", { action: "pause", targets: [{ topic: "e2e.readonly" }], dry_run: false }],
        ["publish", { topic: "e2e.readonly", body: "x" }],
        ["tail", { topic: "e2e.readonly" }],
      ]) {
        const answer = await fetch(`${admin.url}api/ext/${path}`, {
          method: "POST",
          headers,
          body: JSON.stringify(body),
        });
        t.assert.equal(answer.status, 403, path);
      }
    },
  },
  {
    id: "E-22",
    name: "the user of the header acts, and notifications tell of it in the words of Go",
    run: async (t) => {
      const cluster = await t.cluster();
      const told = [];
      const listener = createServer(async (request, response) => {
        let text = "";
        for await (const chunk of request) text += chunk;
        told.push(JSON.parse(text));
        response.end();
      });
      await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
      t.cleanup(() => listener.close());
      const endpoint = `http://127.0.0.1:${listener.address().port}/`;
      const admin = await cluster.nsqadmin({
        args: ["--admin-user=alice", `--notification-http-endpoint=${endpoint}`],
      });
      for (const i of [0, 1, 2]) await cluster.post(i, "topic/create?topic=e2e.told");
      await until("known", async () => (await fetch(`${admin.url}api/ext/topics/e2e.told`)).ok, 20_000);
      const guarded = await t.open(admin.url, {
        headers: { [USER]: "alice", Authorization: `Basic ${btoa("alice:secret")}` },
      });
      await guarded.go("topics/e2e.told");
      await guarded.page.getByRole("button", { name: "Pause…" }).click();
      await guarded.page.getByRole("dialog").getByRole("button", { name: "Pause", exact: true }).click();
      await until("told", () => told.length === 1);
      const [{ action, topic, user, via, user_agent: agent, url }] = told;
      t.assert.deepEqual([action, topic, user], ["pause_topic", "e2e.told", "alice"]);
      t.assert.match(agent, /Chrom/);
      t.assert.ok(via.length > 0 && url.length > 0);
    },
  },
  {
    id: "E-29",
    name: "tail and publish can be off, for admins or for all",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publish(0, "e2e.off", "x");
      await cluster.known("topics/e2e.off");
      const off = await cluster.nsqadmin({ args: ["--tail-access=off", "--publish-access=off"] });
      await until("known", async () => (await fetch(`${off.url}api/ext/topics/e2e.off`)).ok, 20_000);
      const guarded = await t.open(off.url);
      await guarded.go("topics/e2e.off");
      await guarded.page.getByRole("navigation", { name: "Topic" }).waitFor();
      const tabs = await guarded.page.getByRole("navigation", { name: "Topic" }).innerText();
      t.assert.doesNotMatch(tabs, /Tail|Publish/);
      await guarded.go("topics/e2e.off?tab=tail");
      await guarded.page.getByText("Tailing is not allowed here.").waitFor();
    },
  },
  {
    id: "E-42",
    name: "requests of other sites are refused, those of commands are not",
    run: async (t) => {
      const cluster = await t.cluster();
      await cluster.publish(0, "e2e.forged", "x");
      const { url } = cluster.admin;
      const json = { "Content-Type": "application/json" };
      const body = JSON.stringify({ action: "pause", targets: [{ topic: "e2e.forged" }], dry_run: true });
      const post = async (path, headers, text) =>
        (await fetch(url + path, { method: "POST", headers, body: text })).status;
      t.assert.equal(await post("api/ext/actions", { ...json, "X-NSQAdmin-UI": "1" }, body), 200);
      t.assert.equal(await post("api/ext/actions", json, body), 400);
      t.assert.equal(
        await post("api/ext/actions", { ...json, "X-NSQAdmin-UI": "1", "Sec-Fetch-Site": "cross-site" }, body),
        403,
      );
      t.assert.equal(
        await post("api/topics/e2e.forged", { "Sec-Fetch-Site": "cross-site" }, '{"action":"pause"}'),
        403,
      );
      t.assert.equal(await post("api/topics/e2e.forged", {}, '{"action":"pause"}'), 200);
      const guarded = await t.open(url, {
        allow: [...REFUSED, /CORS/, /Content Security Policy/, /policy:/, /foreign request/],
      });
      const evil = createServer((_, response) => response.end("<title>evil</title>"));
      await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
      t.cleanup(() => evil.close());
      await guarded.page.goto(`http://localhost:${evil.address().port}/`);
      await guarded.page.evaluate(
        (target) => fetch(target, { method: "POST", mode: "no-cors", body: '{"action":"unpause"}' }).catch(() => {}),
        `${url}api/topics/e2e.forged`,
      );
      t.assert.equal((await cluster.stats(0, "e2e.forged")).topics[0].paused, true);
    },
  },
];
