/**
 * Takes the pictures in docs/images, of a real cluster with traffic.
 *
 *     NSQ_BIN_DIR=../target/release node scripts/pictures.mjs
 *
 * Most problems are those of minutes: the cluster works for a while first.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Guarded, launch } from "../tests/e2e/browser.mjs";
import { startScene } from "../tests/e2e/scene.mjs";
import { small } from "./png.mjs";

const MINUTES = Number(process.env.PICTURES_MINUTES ?? 8);

const DESK = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 780 };

const folder = process.env.PICTURES_DIR ?? fileURLToPath(new URL("../../docs/images/", import.meta.url));
await mkdir(folder, { recursive: true });
const scene = await startScene();
const { url } = scene.cluster.admin;
console.log(`${url} works for ${MINUTES} minutes`);
await new Promise((resolve) => setTimeout(resolve, MINUTES * 60_000));

const node = encodeURIComponent(scene.cluster.nsqds[0].address);
const PAGES = {
  overview: "?t=5m",
  topics: "topics",
  topic: "topics/orders.created?t=5m",
  channel: "topics/orders.created/fulfilment?t=5m",
  channels: "channels",
  clients: "clients",
  nodes: "nodes",
  node: `nodes/${node}`,
  lookup: "lookup",
  counter: "counter",
};

const browser = await launch();

/** A picture of a page as it is once nothing is missing any more. */
async function take(name, theme, size, before = async () => {}) {
  const guarded = await Guarded.open(browser, url, { theme, ...size });
  const [page] = name.split(".");
  await guarded.go(PAGES[page]);
  await guarded.page.waitForFunction(
    () => document.querySelector("h1") && !document.querySelector(".skeleton, .chart-space:empty"),
  );
  await before(guarded.page);
  // Small charts come a moment after their table.
  await guarded.page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {});
  const suffix = `${theme === "dark" ? "-dark" : ""}${size === PHONE ? "-phone" : ""}`;
  const picture = small(await guarded.page.screenshot());
  await writeFile(`${folder}/nsqadmin-${name.replace(".", "-")}${suffix}.png`, picture);
  for (const fault of await guarded.close()) console.error(`${name}: ${fault}`);
}

try {
  for (const name of Object.keys(PAGES))
    for (const theme of ["light", "dark"]) for (const size of [DESK, PHONE]) await take(name, theme, size);
  const remove = async (page) => {
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByText("lost").first().waitFor();
  };
  for (const theme of ["light", "dark"]) await take("channel.delete", theme, DESK, remove);
  const tail = async (page) => {
    await page.getByRole("link", { name: "Tail", exact: true }).click();
    await page.getByRole("button", { name: "Start tail" }).click();
    await page.locator(".tail-line").nth(12).click();
  };
  await take("topic.tail", "light", DESK, tail);
} finally {
  await browser.close();
  await scene.stop();
}
