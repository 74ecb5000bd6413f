import { describe, expect, it } from "vitest";
import { adminCurl, nsqdCurl, pipeCommand, quote, tailCommand } from "../../src/lib/cli";

const origin = "http://admin:4171/a/";

describe("words of a shell", () => {
  it("stand bare when they can", () => expect(quote("http://a:4151/pub")).toBe("http://a:4151/pub"));
  it("are quoted when they must", () => {
    expect(quote("a b")).toBe("'a b'");
    expect(quote("it's $HOME")).toBe("'it'\\''s $HOME'");
    expect(quote("x#ephemeral")).toBe("'x#ephemeral'");
  });
});

describe("commands", () => {
  it("act through nsqadmin", () => {
    expect(adminCurl(origin, "pause", { topic: "t", channel: "c" })).toBe(
      `curl -d '{"action":"pause"}' http://admin:4171/a/api/topics/t/c`,
    );
    expect(adminCurl(origin, "delete", { topic: "t", channel: "c#ephemeral" })).toBe(
      "curl -X DELETE http://admin:4171/a/api/topics/t/c%23ephemeral",
    );
    expect(adminCurl(origin, "create", { topic: "t", channel: "c" })).toBe(
      `curl -d '{"topic":"t","channel":"c"}' http://admin:4171/a/api/topics`,
    );
    expect(adminCurl(origin, "tombstone", { topic: "t", node: "[::1]:4151" })).toBe(
      `curl -X DELETE -d '{"topic":"t"}' http://admin:4171/a/api/nodes/%5B%3A%3A1%5D%3A4151`,
    );
  });

  it("act on one nsqd", () => {
    expect(nsqdCurl("a:4151", "empty", { topic: "t", channel: "c" })).toBe(
      "curl -X POST 'http://a:4151/channel/empty?topic=t&channel=c'",
    );
  });

  it("tail by nsqlookupd, or by nsqd without one", () => {
    expect(tailCommand("t", ["l:4161"], [])).toBe("nsq_tail --lookupd-http-address=l:4161 --topic=t");
    expect(tailCommand("t", [], ["a:4150"])).toBe("nsq_tail --nsqd-tcp-address=a:4150 --topic=t");
    expect(pipeCommand("t", "a:4150")).toBe("to_nsq --topic=t --nsqd-tcp-address=a:4150");
  });
});
