import type { Meta } from "./api/types";

/** What the server wrote into the page. */
export interface Boot {
  base_path?: string;
  meta?: Meta;
}

function read(): Boot {
  try {
    return JSON.parse(document.getElementById("nsqadmin-boot")?.textContent ?? "{}") as Boot;
  } catch {
    return {};
  }
}

export const boot: Boot = read();

/** The base path with a slash at its end: `/` or `/a/b/`. */
export const base: string = `${boot.base_path ?? ""}/`;

/** The address of nsqadmin, for commands to copy. */
export const origin: string = location.origin + base;
