import { describe, expect, it } from "vitest";
import { Chords, isTyping, type Stroke } from "../../src/lib/keys";

function stroke(key: string, more: Partial<Stroke> = {}): Stroke {
  return { key, ctrl: false, meta: false, alt: false, shift: false, ...more };
}

describe("keys", () => {
  it("are single, with shift, with control, and pairs", () => {
    const chords = new Chords();
    expect(chords.next(stroke("j"), 0)).toBe("j");
    expect(chords.next(stroke("X", { shift: true }), 0)).toBe("Shift x");
    expect(chords.next(stroke("?", { shift: true }), 0)).toBe("?");
    expect(chords.next(stroke("k", { ctrl: true }), 0)).toBe("mod k");
    expect(chords.next(stroke("k", { meta: true }), 0)).toBe("mod k");
    expect(chords.next(stroke("g"), 0)).toBeNull();
    expect(chords.next(stroke("t"), 500)).toBe("g t");
  });

  it("of a pair must follow soon", () => {
    const chords = new Chords();
    chords.next(stroke("g"), 0);
    expect(chords.next(stroke("t"), 5000)).toBe("t");
  });

  it("with alt belong to the system", () => expect(new Chords().next(stroke("j", { alt: true }), 0)).toBeNull());

  it("are text in fields, and not on boxes", () => {
    const field = (tagName: string, type = "") => ({ tagName, type }) as unknown as EventTarget;
    expect(isTyping(field("INPUT", "search"))).toBe(true);
    expect(isTyping(field("TEXTAREA"))).toBe(true);
    expect(isTyping(field("SELECT"))).toBe(true);
    expect(isTyping(field("INPUT", "checkbox"))).toBe(false);
    expect(isTyping(field("BUTTON"))).toBe(false);
    expect(isTyping(null)).toBe(false);
  });
});
