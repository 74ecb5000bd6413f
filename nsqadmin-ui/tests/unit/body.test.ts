import { describe, expect, it } from "vitest";
import { bytesOf, fromBase64, hex, isJson, pretty, shown, toBase64 } from "../../src/lib/body";

describe("bodies", () => {
  it("survive base64 with every byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    expect(bytesOf({ body: toBase64(bytes), encoding: "base64" })).toEqual(bytes);
  });

  it("are shown in hexadecimal with offsets and letters", () => {
    expect(hex(new TextEncoder().encode("hello, nsq message"))).toBe(
      "00000000  68 65 6c 6c 6f 2c 20 6e 73 71 20 6d 65 73 73 61  hello, nsq messa\n" +
        "00000010  67 65                                            ge",
    );
  });

  it("are indented when they are JSON, and left alone when not", () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(pretty("{not json")).toBe("{not json");
    expect(isJson('{"a":1}')).toBe(true);
    expect(isJson("<b>no</b>")).toBe(false);
  });

  it("that are no text are shown in hexadecimal", () => {
    const message = { body: toBase64(Uint8Array.from([0, 255])), encoding: "base64" as const };
    expect(shown(message, "raw")).toContain("00 ff");
    expect(shown(message, "base64")).toBe("AP8=");
    expect(shown({ body: "é", encoding: "text" }, "base64")).toBe("w6k=");
  });
});
