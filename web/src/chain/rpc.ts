/**
 * JSON-RPC over HTTP: requests made in the same turn travel as one batch, and every failure says which kind it is.
 */

import type { Hex } from "../client/api";
import { PageError } from "../errors";

/** Most calls in one batch; larger ones are split. */
const BATCH_CALLS = 50;
const ANSWER_BYTES = 64 << 20;
const TIMEOUT_MILLISECONDS = 30_000;

/** The server answered, and its answer is an error: a revert, a limit, an unknown method. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
    this.name = "RpcError";
  }
}

interface Waiting {
  method: string;
  params: readonly unknown[];
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

interface Answer {
  id?: unknown;
  result?: unknown;
  error?: { code?: unknown; message?: unknown; data?: unknown };
}

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** Whoever answers Ethereum's JSON-RPC: a server, or a wallet. */
export interface Node {
  request(method: string, params: readonly unknown[]): Promise<unknown>;
}

/** A node reached over HTTP. */
export class Rpc implements Node {
  private waiting: Waiting[] = [];

  constructor(
    readonly url: string,
    private readonly fetch: Fetch = (input, init) => globalThis.fetch(input, init),
  ) {}

  /**
   * Asks.
   *
   * Throws `RpcError` when the server answers with an error, `PageError("ChainUnavailable")` when it doesn't answer.
   */
  request(method: string, params: readonly unknown[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ method, params, resolve, reject });
      if (this.waiting.length === 1) queueMicrotask(() => this.flush());
    });
  }

  private flush(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (let at = 0; at < waiting.length; at += BATCH_CALLS) void this.send(waiting.slice(at, at + BATCH_CALLS));
  }

  private async send(calls: Waiting[]): Promise<void> {
    try {
      const body = calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
      const answer = await this.post(calls.length === 1 ? body[0] : body);
      // A server that takes no batches says so with one error for all of them.
      const answers = new Map((Array.isArray(answer) ? answer : [answer]).map((one: Answer) => [one?.id, one]));
      calls.forEach((call, id) => {
        const one = answers.get(id) ?? (answers.size === 1 ? answers.values().next().value : undefined);
        if (one?.error) call.reject(errorOf(one.error));
        else if (one && "result" in one) call.resolve(one.result);
        else call.reject(new PageError("ChainUnavailable", { reason: "no answer", method: call.method }));
      });
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }

  private async post(body: unknown): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      // Everything that is asked here only reads. A server may close an idle connection in the very moment in which it
      // is used again: so a request that got no answer at all is made once more.
      response = await this.once(body).catch(() => this.once(body));
      text = await response.text();
    } catch (cause) {
      throw new PageError("ChainUnavailable", { reason: cause instanceof Error ? cause.name : "" }, { cause });
    }
    if (text.length > ANSWER_BYTES) throw new PageError("ChainUnavailable", { reason: "answer too large" });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new PageError("ChainUnavailable", { reason: `HTTP ${response.status}` }, { cause });
    }
  }

  private once(body: unknown): Promise<Response> {
    return this.fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      referrerPolicy: "no-referrer",
      credentials: "omit",
      redirect: "error",
    });
  }
}

function errorOf(error: NonNullable<Answer["error"]>): RpcError {
  return new RpcError(Number(error.code ?? 0), String(error.message ?? ""), error.data);
}

/** A quantity that a server gave, such as `0x1b4`; refuses whatever is none. */
export function quantity(value: unknown): number {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{1,13}$/.test(value)) throw malformed();
  return Number.parseInt(value, 16);
}

/** Bytes that a server gave, in hexadecimal. */
export function hexOf(value: unknown): Hex {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value)) throw malformed();
  return value.toLowerCase() as Hex;
}

/** The server is none, or lies: what it says has not the form that it must have. */
export function malformed(): PageError {
  return new PageError("ChainInconsistent");
}
