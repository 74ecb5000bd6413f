import { beforeAll, describe, expect, it, vi } from "vitest";

// The router reads where it is when it is loaded.
beforeAll(() => {
  vi.stubGlobal("location", { pathname: "/", search: "", origin: "http://x" });
  vi.stubGlobal("document", { getElementById: () => null, baseURI: "http://x/" });
});

const load = () => import("../../src/router");

describe("the page of a path", () => {
  it("is found below any base path", async () => {
    const { match } = await load();
    for (const root of ["/", "/a/b/"]) {
      expect(match(root, root).page).toBe("overview");
      expect(match(`${root}topics`, root).page).toBe("topics");
      expect(match(`${root}topics/`, root).page).toBe("topics");
      expect(match(`${root}topics/t`, root)).toEqual({ page: "topic", params: { topic: "t" } });
      expect(match(`${root}nodes/%5B::1%5D:4151`, root)).toEqual({ page: "node", params: { node: "[::1]:4151" } });
      expect(match(`${root}nothing`, root).page).toBe("missing");
      expect(match(`${root}topics/a/b/c`, root).page).toBe("missing");
    }
    expect(match("/a/b", "/a/b/").page).toBe("overview");
    expect(match("/elsewhere", "/a/b/").page).toBe("missing");
  });

  it("decodes names", async () => {
    const { match } = await load();
    expect(match("/topics/t/c%23ephemeral", "/").params).toEqual({ topic: "t", channel: "c#ephemeral" });
    expect(match("/topics/%zz", "/").params).toEqual({ topic: "%zz" });
  });

  it("is not a tab: a channel may be called tail", async () => {
    const { match } = await load();
    expect(match("/topics/t/tail", "/")).toEqual({ page: "channel", params: { topic: "t", channel: "tail" } });
  });
});

describe("links", () => {
  it("encode names and leave out what is empty", async () => {
    const { to, href } = await load();
    expect(to.channel("t", "c#ephemeral", { tab: "clients" })).toBe("/topics/t/c%23ephemeral?tab=clients");
    expect(to.topic("a.b_c-d", { tab: undefined })).toBe("/topics/a.b_c-d");
    expect(href("topics", { q: "" }, "/a/b/")).toBe("/a/b/topics");
  });

  it("lead to where they were made for", async () => {
    const { match, to } = await load();
    for (const name of ["a", "a.b-c_D9", "x#ephemeral", "%", "a b"])
      expect(match(new URL(to.channel(name, name), "http://x").pathname, "/").params).toEqual({
        topic: name,
        channel: name,
      });
  });
});
