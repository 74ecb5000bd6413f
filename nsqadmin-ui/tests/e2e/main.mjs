/**
 * Runs the scenarios in a browser.
 *
 *     NSQ_BIN_DIR=../target/debug node tests/e2e/main.mjs [E-01 E-38 …]
 *
 * `--mock` runs those that need no real cluster against the made-up one. `CHROMIUM` names the browser, `NSQADMIN_UI_DIST`
 * a build to serve instead of the embedded one.
 */

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { serve } from "../mock/main.mjs";
import { Guarded, launch } from "./browser.mjs";
import { TestCluster } from "./cluster.mjs";

const given = process.argv.slice(2);
const mock = given.includes("--mock");
const wanted = given.filter((word) => !word.startsWith("--"));
const LIMIT_MS = 120_000;

if (!mock && !process.env.NSQ_BIN_DIR) {
  console.error("NSQ_BIN_DIR must name the directory with nsqd, nsqlookupd and nsqadmin (or give --mock)");
  process.exit(2);
}

const folder = new URL("scenarios/", import.meta.url);
const scenarios = [];
for (const file of (await readdir(folder)).sort()) scenarios.push(...(await import(new URL(file, folder))).scenarios);
scenarios.sort((a, b) => (a.id < b.id ? -1 : 1));

const chosen = scenarios.filter((s) => (wanted.length === 0 || wanted.includes(s.id)) && (!mock || s.mock));
const browser = await launch();
let shared = null;

/** The cluster most scenarios use; those that break things start their own. */
async function cluster() {
  shared ??= await TestCluster.start();
  return shared;
}

async function run(scenario) {
  const opened = [];
  const cleanups = [];
  const context = {
    assert,
    browser,
    isMock: mock,
    cluster,
    own: async (options) => {
      const made = await TestCluster.start(options);
      cleanups.push(() => made.stop());
      return made;
    },
    mock: async (options) => {
      const made = await serve(options);
      cleanups.push(() => made.close());
      return made;
    },
    cleanup: (action) => cleanups.push(action),
    open: async (url, options) => {
      const guarded = await Guarded.open(browser, url, options);
      opened.push(guarded);
      return guarded;
    },
  };
  const faults = [];
  let timer;
  try {
    const limit = scenario.limit ?? LIMIT_MS;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not finished within ${limit / 1000} s`)), limit);
    });
    await Promise.race([scenario.run(context), late]);
  } catch (error) {
    faults.push(error.stack ?? String(error));
    if (process.env.E2E_SHOTS && opened.at(-1))
      await opened
        .at(-1)
        .page.screenshot({ path: `${process.env.E2E_SHOTS}/${scenario.id}.png` })
        .catch(() => {});
  }
  clearTimeout(timer);
  for (const guarded of opened) faults.push(...(await guarded.close().catch((error) => [String(error)])));
  for (const action of cleanups.toReversed())
    await Promise.resolve(action()).catch((error) => faults.push(String(error)));
  return faults;
}

let failed = 0;
try {
  for (const scenario of chosen) {
    const reason = scenario.skip?.();
    if (reason) {
      console.log(`skip ${scenario.id} ${scenario.name}: ${reason}`);
      continue;
    }
    const begun = Date.now();
    const faults = await run(scenario);
    const took = `${((Date.now() - begun) / 1000).toFixed(1)} s`;
    console.log(`${faults.length === 0 ? "ok  " : "FAIL"} ${scenario.id} ${scenario.name} (${took})`);
    for (const fault of faults) console.log(`     ${fault.replaceAll("\n", "\n     ")}`);
    if (faults.length > 0) failed += 1;
  }
} finally {
  await browser.close();
  await shared?.stop();
}
console.log(`${chosen.length - failed} of ${chosen.length} scenarios passed`);
process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
