/** Message bodies in the forms in which they can be read. */

export type BodyView = "pretty" | "raw" | "hex" | "base64";

export function fromBase64(text: string): Uint8Array {
  const raw = atob(text);
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return btoa(raw);
}

/** 16 bytes a line: offset, hexadecimal, and what can be printed. */
export function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const digits = part.map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${digits.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

/** Indented JSON, or the text itself when it is none. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function isJson(text: string): boolean {
  const first = text.trimStart()[0];
  return (first === "{" || first === "[") && pretty(text) !== text;
}

interface Body {
  body: string;
  encoding: "text" | "base64";
}

export function bytesOf({ body, encoding }: Body): Uint8Array {
  return encoding === "text" ? new TextEncoder().encode(body) : fromBase64(body);
}

export function shown(message: Body, view: BodyView): string {
  const { body, encoding } = message;
  switch (view) {
    case "hex":
      return hex(bytesOf(message));
    case "base64":
      return encoding === "base64" ? body : toBase64(bytesOf(message));
    case "pretty":
      return encoding === "text" ? pretty(body) : hex(bytesOf(message));
    default:
      return encoding === "text" ? body : hex(bytesOf(message));
  }
}
