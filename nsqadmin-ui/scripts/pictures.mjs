/** Takes the pictures in docs/images of the built pages, with a made-up cluster behind them. */

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Guarded, launch } from "../tests/e2e/browser.mjs";
import { serve } from "../tests/mock/main.mjs";

const PAGES = {
  overview: "",
  topic: "topics/orders.created",
  channel: "topics/orders.created/fulfilment",
  channels: "channels",
  clients: "clients",
  nodes: "nodes",
  node: "nodes/10.0.0.1%3A4151",
  lookup: "lookup",
  counter: "counter",
};
/** A page in each theme at a desk, and the most used ones on a phone. */
const SHOTS = [
  ...Object.keys(PAGES).map((name) => [name, name === "counter" || name === "node" ? "dark" : "light", 1280, 720]),
  ["overview", "dark", 1280, 720],
  ["channel", "dark", 1280, 720],
  ["overview", "light", 390, 780],
  ["channels", "dark", 390, 780],
];

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
await mkdir(folder, { recursive: true });
const browser = await launch();
const server = await serve({});
for (const [name, theme, width, height] of SHOTS) {
  const guarded = await Guarded.open(browser, server.url, { theme, width, height });
  await guarded.go(PAGES[name]);
  await guarded.page.waitForTimeout(1200);
  const suffix = `${theme === "dark" ? "-dark" : ""}${width < 600 ? "-phone" : ""}`;
  await guarded.page.screenshot({ path: `${folder}nsqadmin-${name}${suffix}.png` });
  for (const fault of await guarded.close()) console.error(`${name}: ${fault}`);
}
const dialog = await Guarded.open(browser, server.url, { width: 1280, height: 720 });
await dialog.go("topics/orders.created/fulfilment");
await dialog.page.getByRole("button", { name: "Delete…" }).click();
await dialog.page.getByText("lost").waitFor();
await dialog.page.waitForTimeout(400);
await dialog.page.screenshot({ path: `${folder}nsqadmin-delete.png` });
await dialog.close();
await browser.close();
server.close();
process.exit(0);
