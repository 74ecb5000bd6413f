/** A consumer and producer of NSQ's TCP protocol, as much of it as the scenarios need. */

import { connect } from "node:net";

const RESPONSE = 0;
const MESSAGE = 2;

export class Client {
  static async connect(port, identify = {}, host = "127.0.0.1") {
    const client = new Client();
    client.socket = connect(port, host);
    await new Promise((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.socket.once("error", reject);
    });
    client.received = 0;
    client.handle = null;
    client.waiting = [];
    client.buffer = Buffer.alloc(0);
    client.socket.on("data", (chunk) => client.#read(chunk));
    client.socket.on("error", () => {});
    client.socket.write("  V2");
    client.#body(
      "IDENTIFY",
      JSON.stringify({ client_id: "e2e", hostname: "e2e.test", user_agent: "e2e/1.0", ...identify }),
    );
    await client.#answer();
    return client;
  }

  #body(command, body) {
    const bytes = Buffer.from(body);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    this.socket.write(Buffer.concat([Buffer.from(`${command}\n`), size, bytes]));
  }

  #answer() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  #read(chunk) {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    while (this.buffer.length >= 8) {
      const size = this.buffer.readUInt32BE(0);
      if (this.buffer.length < size + 4) return;
      const type = this.buffer.readUInt32BE(4);
      const data = this.buffer.subarray(8, size + 4);
      this.buffer = this.buffer.subarray(size + 4);
      if (type === MESSAGE) this.#message(data);
      else if (type === RESPONSE && data.toString() === "_heartbeat_") this.socket.write("NOP\n");
      else this.waiting.shift()?.(data.toString());
    }
  }

  #message(data) {
    this.received += 1;
    const id = data.subarray(10, 26).toString();
    const verdict = this.handle ? this.handle({ id, attempts: data.readUInt16BE(8), body: data.subarray(26) }) : "FIN";
    if (verdict) this.socket.write(`${verdict.includes(" ") ? verdict.replace(" ", ` ${id} `) : `${verdict} ${id}`}\n`);
  }

  /** `handle` answers `FIN`, `REQ 0`, or nothing to keep the message in flight. */
  async subscribe(topic, channel, ready = 10, handle = null) {
    this.handle = handle;
    this.socket.write(`SUB ${topic} ${channel}\n`);
    const answer = await this.#answer();
    if (answer !== "OK") throw new Error(answer);
    this.ready(ready);
    return this;
  }

  ready(count) {
    this.socket.write(`RDY ${count}\n`);
  }

  finish(id) {
    this.socket.write(`FIN ${id}\n`);
  }

  async publish(topic, body) {
    this.#body(`PUB ${topic}`, body);
    return await this.#answer();
  }

  close() {
    this.socket.destroy();
  }
}
