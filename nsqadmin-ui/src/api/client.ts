/** Requests to nsqadmin; there are none to anybody else. */

import { base } from "../boot";
import type { ApiError, Envelope } from "./types";

const TIMEOUT_MS = 10_000;

/** Why a request failed. `status` is 0 when nsqadmin did not answer. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly nearest: readonly string[] = [],
  ) {
    super(detail || code);
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

const SENTENCES: Record<string, string> = {
  FORBIDDEN: "Read only: ask an admin (see --admin-user).",
  TIMEOUT: "nsqadmin did not answer within 10 s.",
  UNREACHABLE: "nsqadmin cannot be reached.",
};

function failure(status: number, body: Partial<ApiError>): Failure {
  const code = body.message ?? `HTTP ${status}`;
  return new Failure(status, code, body.detail ?? SENTENCES[code] ?? code, body.nearest);
}

async function request(path: string, init: RequestInit): Promise<unknown> {
  const signals = [AbortSignal.timeout(TIMEOUT_MS)];
  if (init.signal) signals.push(init.signal);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${base}api/ext/${path}`, { ...init, signal: AbortSignal.any(signals) });
    text = await response.text();
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const code = error instanceof DOMException && error.name === "TimeoutError" ? "TIMEOUT" : "UNREACHABLE";
    throw failure(0, { message: code });
  }
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch {
    // A proxy in front answers in its own words.
    throw failure(response.ok || response.status >= 502 ? 0 : response.status, { message: "UNREACHABLE" });
  }
  if (!response.ok) throw failure(response.status, body as Partial<ApiError>);
  return body;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<Envelope<T>> {
  return (await request(path, signal ? { signal } : {})) as Envelope<T>;
}

/** Answers of acts come with or without an envelope. */
export async function send<T>(
  method: "POST" | "DELETE",
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const headers = { "Content-Type": "application/json", "X-NSQAdmin-UI": "1" };
  const init: RequestInit = { method, headers, body: JSON.stringify(body) };
  if (signal) init.signal = signal;
  const answer = await request(path, init);
  return (typeof answer === "object" && answer !== null && "data" in answer ? answer.data : answer) as T;
}

export const encode = encodeURIComponent;
