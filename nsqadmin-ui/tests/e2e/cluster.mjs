/** Real processes on free ports: nsqlookupd, nsqd and nsqadmin from the directory `NSQ_BIN_DIR`. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS = 15_000;
const STOP_MS = 8000;

export async function freePort(host = "127.0.0.1") {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks until the answer is right, and says what the last one was when time is over. */
export async function until(what, check, limit = READY_MS) {
  const end = Date.now() + limit;
  let last;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `${what} did not happen within ${limit} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}

/** One child process with its output kept for when something goes wrong. */
export class Daemon {
  constructor(name, args, address) {
    this.name = name;
    this.args = args;
    this.address = address;
    this.output = "";
  }

  async start() {
    const program = join(process.env.NSQ_BIN_DIR, this.name);
    this.child = spawn(program, this.args, { stdio: ["ignore", "pipe", "pipe"] });
    const keep = (chunk) => {
      this.output = (this.output + chunk).slice(-100_000);
    };
    this.child.stdout.on("data", keep);
    this.child.stderr.on("data", keep);
    this.gone = new Promise((resolve) => this.child.once("exit", resolve));
    let code = null;
    this.child.once("exit", (c) => {
      code = c ?? -1;
    });
    await until(`${this.name} at ${this.address}`, async () => {
      if (code !== null) throw new Error(`${this.name} ended with ${code}: ${this.output}`);
      return (await fetch(`http://${this.address}/ping`)).ok;
    });
    return this;
  }

  freeze() {
    this.child.kill("SIGSTOP");
  }

  thaw() {
    this.child.kill("SIGCONT");
  }

  async stop() {
    if (!this.child) return;
    this.thaw();
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    await this.gone;
    clearTimeout(late);
    this.child = null;
  }
}

export class TestCluster {
  #all = [];

  /** `host` gives each nsqd its own address of the loopback network. */
  static async start({ lookupds = 2, nsqds = 3, nsqdArgs = () => [], host = () => "127.0.0.1", admin = {} } = {}) {
    const cluster = new TestCluster();
    try {
      cluster.dir = await mkdtemp(join(tmpdir(), "nsqadmin-e2e-"));
      cluster.lookupds = [];
      cluster.nsqds = [];
      for (let i = 0; i < lookupds; i++) cluster.lookupds.push(await cluster.#lookupd());
      for (let i = 0; i < nsqds; i++) cluster.nsqds.push(await cluster.#nsqd(host(i), nsqdArgs(i)));
      cluster.admin = await cluster.nsqadmin(admin);
      if (lookupds > 0)
        await until("registration", async () => {
          for (const lookupd of cluster.lookupds) {
            const nodes = await (await fetch(`http://${lookupd.address}/nodes`)).json();
            if (nodes.producers.length < nsqds) return false;
          }
          return true;
        });
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async #run(daemon) {
    this.#all.push(daemon);
    return await daemon.start();
  }

  async #lookupd() {
    const [tcp, http] = [await freePort(), await freePort()];
    const args = [
      `--tcp-address=127.0.0.1:${tcp}`,
      `--http-address=127.0.0.1:${http}`,
      "--broadcast-address=127.0.0.1",
    ];
    const daemon = await this.#run(new Daemon("nsqlookupd", args, `127.0.0.1:${http}`));
    daemon.tcp = `127.0.0.1:${tcp}`;
    return daemon;
  }

  async #nsqd(host, more) {
    const [tcp, http] = [await freePort(host), await freePort(host)];
    const dir = await mkdtemp(join(this.dir, "nsqd-"));
    const args = [
      `--tcp-address=${host}:${tcp}`,
      `--http-address=${host}:${http}`,
      `--broadcast-address=${host}`,
      `--data-path=${dir}`,
      "--e2e-processing-latency-percentile=0.5,0.95,0.99",
      "--e2e-processing-latency-window-time=1m",
      ...this.lookupds.map((l) => `--lookupd-tcp-address=${l.tcp}`),
      ...more,
    ];
    const daemon = await this.#run(new Daemon("nsqd", args, `${host}:${http}`));
    Object.assign(daemon, { tcpPort: tcp, host });
    return daemon;
  }

  /** One more nsqadmin of this cluster. */
  async nsqadmin({ args = [], basePath = "", direct = false } = {}) {
    const http = await freePort();
    const upstreams =
      direct || this.lookupds.length === 0
        ? this.nsqds.map((n) => `--nsqd-http-address=${n.address}`)
        : this.lookupds.map((l) => `--lookupd-http-address=${l.address}`);
    const all = [
      `--http-address=127.0.0.1:${http}`,
      ...upstreams,
      ...(basePath ? [`--base-path=${basePath}`] : []),
      ...args,
    ];
    if (process.env.NSQADMIN_UI_DIST) all.push(`--dev-static-dir=${process.env.NSQADMIN_UI_DIST}`);
    const daemon = new Daemon("nsqadmin", all, `127.0.0.1:${http}${basePath}`);
    await this.#run(daemon);
    daemon.url = `http://${daemon.address}/`;
    return daemon;
  }

  async stop() {
    await Promise.all(this.#all.map((daemon) => daemon.stop()));
    if (this.dir) await rm(this.dir, { recursive: true, force: true });
  }

  /** Publishes over HTTP. */
  async publish(index, topic, body, query = "") {
    const url = `http://${this.nsqds[index].address}/pub?topic=${topic}${query}`;
    const response = await fetch(url, { method: "POST", body });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  }

  async publishMany(index, topic, count, make = (i) => `message ${i}`) {
    const lines = Array.from({ length: count }, (_, i) => make(i)).join("\n");
    const url = `http://${this.nsqds[index].address}/mpub?topic=${topic}`;
    const response = await fetch(url, { method: "POST", body: lines });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  }

  /** Waits until nsqadmin has heard of it. */
  async known(path) {
    await until(
      `${path} is known to nsqadmin`,
      async () => (await fetch(`${this.admin.url}api/ext/${path}`)).ok,
      25_000,
    );
  }

  async post(index, path) {
    const response = await fetch(`http://${this.nsqds[index].address}/${path}`, { method: "POST" });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  async stats(index, topic) {
    const query = topic ? `&topic=${encodeURIComponent(topic)}` : "";
    return (await fetch(`http://${this.nsqds[index].address}/stats?format=json${query}`)).json();
  }
}
