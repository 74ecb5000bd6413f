/** What holds for every page: addresses, widths, accessibility, themes, caches. */

const TOPIC = "e2e.pages";
const CHANNEL = "reader#ephemeral";

/** Pages of a cluster that has the topic and the channel. */
function pages({ topic, channel, node }) {
  const e = encodeURIComponent;
  return {
    Overview: ["", null],
    Topics: ["topics", "Topics"],
    Topic: [`topics/${e(topic)}`, topic],
    "Topic, nodes": [`topics/${e(topic)}?tab=nodes`, topic],
    "Topic, clients": [`topics/${e(topic)}?tab=clients`, topic],
    "Topic, charts": [`topics/${e(topic)}?tab=charts`, topic],
    "Topic, tail": [`topics/${e(topic)}?tab=tail`, topic],
    "Topic, publish": [`topics/${e(topic)}?tab=publish`, topic],
    Channel: [`topics/${e(topic)}/${e(channel)}`, channel],
    "Channel, clients": [`topics/${e(topic)}/${e(channel)}?tab=clients`, channel],
    Channels: ["channels", "Channels"],
    Clients: ["clients", "Clients"],
    Connections: ["clients?view=connections", "Clients"],
    Producers: ["clients?view=producers", "Clients"],
    Nodes: ["nodes", "Nodes"],
    Node: [`nodes/${e(node)}`, null],
    "Node, memory": [`nodes/${e(node)}?tab=memory`, null],
    "Node, registration": [`nodes/${e(node)}?tab=registration`, null],
    Lookup: ["lookup", "Lookup"],
    Counter: ["counter", "Messages processed"],
  };
}

/** A place to open pages of: the shared cluster with something in it, or the made-up one. */
async function subject(t) {
  if (t.isMock) {
    const made = await t.mock({});
    return {
      url: made.url,
      base: await t.mock({ base: "/a/b" }),
      topic: "orders.created",
      channel: "fulfilment",
      node: "10.0.0.1:4151",
    };
  }
  const cluster = await t.cluster();
  for (let i = 0; i < 3; i++) {
    await cluster.publish(i, TOPIC, "hello");
    await cluster.post(i, `channel/create?topic=${TOPIC}&channel=${encodeURIComponent(CHANNEL)}`);
  }
  const admin = await cluster.nsqadmin({ basePath: "/a/b" });
  return {
    url: cluster.admin.url,
    base: { url: admin.url },
    topic: TOPIC,
    channel: CHANNEL,
    node: cluster.nsqds[0].address,
  };
}

/** Chromium itself reports pages that are served as 404, which ours may be. */
const NOT_FOUND = /status of 404/;

export const scenarios = [
  {
    id: "E-01",
    name: "every page opens by its address, by a click and below a base path; Back restores the scroll",
    mock: true,
    run: async (t) => {
      const found = await subject(t);
      for (const url of [found.url, found.base.url]) {
        const guarded = await t.open(url, { allow: [NOT_FOUND] });
        for (const [name, [path, heading]] of Object.entries(pages(found))) {
          await guarded.go(path);
          await guarded.settled();
          if (heading)
            t.assert.match(
              await guarded.page.locator("h1").first().innerText(),
              new RegExp(heading.replace("#", "\\#")),
              name,
            );
        }
        await guarded.go();
        for (const name of ["Topics", "Channels", "Clients", "Nodes", "Lookup", "Counter", "Overview"]) {
          await guarded.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();
          await guarded.settled();
          t.assert.equal(await guarded.page.locator('nav[aria-label="Main"] [aria-current]').innerText(), name);
          t.assert.ok(guarded.page.url().startsWith(url), guarded.page.url());
        }
      }
      const small = await t.open(found.url, { height: 400 });
      await small.go(`topics/${encodeURIComponent(found.topic)}`);
      await small.settled();
      await small.page.waitForSelector("tbody a.name");
      await small.page.locator("tbody a.name").first().scrollIntoViewIfNeeded();
      const before = await small.page.evaluate(() => scrollY);
      t.assert.ok(before > 50, "the page is long enough to scroll");
      await small.page.locator("tbody a.name").first().click();
      await small.page.waitForURL(/topics\/[^/]+\/[^/]+$/);
      await small.settled();
      t.assert.equal(await small.page.evaluate(() => scrollY), 0);
      await small.page.goBack();
      await small.page.waitForFunction((y) => Math.abs(scrollY - y) < 3, before);
    },
  },
  {
    id: "E-37",
    name: "axe finds nothing on any page in both themes, and every control has a name",
    mock: true,
    limit: 300_000,
    run: async (t) => {
      const found = await subject(t);
      for (const theme of ["light", "dark"]) {
        const guarded = await t.open(found.url, { theme, allow: [NOT_FOUND] });
        for (const [name, [path]] of Object.entries(pages(found))) {
          await guarded.go(path);
          await guarded.settled();
          await guarded.checkAccess(`${name}, ${theme}`);
          const nameless = await guarded.page.evaluate(() =>
            [...document.querySelectorAll("button, a[href], input, select, textarea")]
              .filter((e) => !(e.ariaLabel || e.textContent?.trim() || e.labels?.length || e.title))
              .map((e) => e.outerHTML),
          );
          t.assert.deepEqual(nameless, [], name);
        }
      }
    },
  },
  {
    id: "E-38",
    name: "no page scrolls sideways on a phone or a desktop, nor at 200 %",
    mock: true,
    limit: 300_000,
    run: async (t) => {
      const found = await subject(t);
      for (const width of [390, 700, 1400]) {
        const guarded = await t.open(found.url, { width, height: 844, allow: [NOT_FOUND] });
        for (const [name, [path]] of Object.entries(pages(found))) {
          await guarded.go(path);
          await guarded.settled();
          await guarded.checkWidth(`${name} at ${width} px`);
        }
      }
      const phone = await t.open(found.url, { width: 390, height: 844 });
      await phone.go(`topics/${encodeURIComponent(found.topic)}`);
      await phone.settled();
      await phone.checkAccess("Topic on a phone");
    },
  },
  {
    id: "E-35",
    name: "the theme follows the system, and a choice is applied before the first paint",
    mock: true,
    run: async (t) => {
      const { url } = await subject(t);
      const guarded = await t.open(url, { theme: "dark" });
      const background = () => guarded.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      await guarded.go();
      t.assert.equal(await background(), "rgb(15, 20, 25)");
      await guarded.page.getByRole("button", { name: /^Settings/ }).click();
      await guarded.page.getByRole("menuitemcheckbox", { name: "Light" }).click();
      t.assert.equal(await background(), "rgb(255, 255, 255)");
      // Stop the application from starting: what paints is the page and its blocking script alone.
      await guarded.page.route(/app-.*\.js/, (route) => route.abort());
      guarded.allow.push(/ERR_FAILED/);
      await guarded.go();
      t.assert.equal(await background(), "rgb(255, 255, 255)");
      await guarded.page.unroute(/app-.*\.js/);
      await guarded.page.emulateMedia({ forcedColors: "active" });
      await guarded.go("topics");
      await guarded.settled();
    },
  },
  {
    id: "E-40",
    name: "a second visit loads the page and data, no assets",
    skip: () => process.env.NSQADMIN_UI_DIST && "a directory is served without caching",
    run: async (t) => {
      const { url } = await subject(t);
      const guarded = await t.open(url);
      await guarded.go();
      await guarded.settled();
      const served = [];
      guarded.page.on("response", async (response) => {
        if (response.url().includes("/static/"))
          served.push([
            response.url(),
            response.fromServiceWorker(),
            (await response.request().sizes()).responseBodySize,
          ]);
      });
      const entries = await guarded.page.evaluate(
        () => performance.getEntriesByType("resource").filter((e) => e.name.includes("/static/")).length,
      );
      t.assert.ok(entries >= 3, "assets were loaded");
      await guarded.go();
      await guarded.settled();
      const transferred = await guarded.page.evaluate(() =>
        performance
          .getEntriesByType("resource")
          .filter((e) => e.name.includes("/static/"))
          .map((e) => [e.name, e.transferSize]),
      );
      for (const [name, size] of transferred) t.assert.equal(size, 0, `${name} was transferred again`);
      const page = await fetch(url);
      t.assert.match(page.headers.get("cache-control") ?? "", /no-cache/);
      t.assert.ok(page.headers.get("etag"));
      const again = await fetch(url, { headers: { "If-None-Match": page.headers.get("etag") } });
      t.assert.equal(again.status, 304);
      const [asset] = (await page.text()).match(/static\/app-[^"]+/) ?? [];
      const answer = await fetch(url + asset);
      t.assert.match(answer.headers.get("cache-control") ?? "", /immutable/);
      t.assert.equal((await fetch(`${url}api/ext/meta`)).headers.get("cache-control"), "no-store");
    },
  },
];
