/** Chromium, with everything that must never happen turned into a failure. */

import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // No names are resolved: everything has to work without the internet (E-41).
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export async function launch() {
  return await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page that remembers faults: errors in the console, breaches of the policy, requests to anybody else. */
export class Guarded {
  static async open(
    browser,
    url,
    { theme = "light", width = 1400, height = 900, allow = [], headers, reducedMotion } = {},
  ) {
    const guarded = new Guarded();
    guarded.faults = [];
    guarded.allow = allow;
    guarded.url = url;
    guarded.requests = [];
    const { origin } = new URL(url);
    guarded.context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      bypassCSP: false,
      ...(headers ? { extraHTTPHeaders: headers } : {}),
      ...(reducedMotion ? { reducedMotion } : {}),
    });
    await guarded.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
    await guarded.context.addInitScript(() => {
      window.__violations = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
      );
    });
    const page = await guarded.context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") guarded.fault(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => guarded.fault(`script: ${error.stack ?? error.message}`));
    page.on("request", (request) => {
      guarded.requests.push(request);
      const target = request.url();
      if (!target.startsWith(origin) && !/^(data|blob):/.test(target)) guarded.fault(`foreign request: ${target}`);
    });
    guarded.page = page;
    return guarded;
  }

  fault(text) {
    if (!this.allow.some((pattern) => pattern.test(text))) this.faults.push(text);
  }

  async go(path = "") {
    await this.page.goto(this.url + path);
    return this.page;
  }

  /** Waits until the page has its numbers and charts, and has painted them. */
  async settled() {
    await this.page.waitForSelector("h1", { state: "attached" });
    await this.page.waitForFunction(
      () => !document.querySelector(".skeleton, .chart-space:empty") && document.title !== "nsqadmin",
      null,
      { timeout: 10_000 },
    );
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestIdleCallback(resolve, { timeout: 1000 }))),
    );
  }

  /** Fails when axe finds something serious. */
  async checkAccess(where) {
    // The policy of the page must not stop the test's own script; evaluate() is not subject to it.
    const { readFile } = await import("node:fs/promises");
    await this.page.evaluate(await readFile(AXE, "utf8"));
    const { violations } = await this.page.evaluate(() =>
      window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    for (const { id, impact, nodes } of violations)
      this.fault(
        `axe on ${where}: ${id} (${impact}): ${nodes
          .slice(0, 3)
          .map((n) => n.html.slice(0, 160))
          .join(" | ")}`,
      );
  }

  async checkWidth(where) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) this.fault(`${where} is ${over} px wider than the window`);
  }

  async close() {
    for (const violation of await this.page.evaluate(() => window.__violations).catch(() => []))
      this.fault(`policy: ${violation}`);
    await this.context.close();
    return this.faults;
  }
}
