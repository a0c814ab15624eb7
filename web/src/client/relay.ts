/**
 * Relayers over HTTP: they pay for signed acts. Nothing that one says is believed: neither that an act is done, nor that
 * the contracts refuse it. So the next is tried, whatever the reason was, and the chain has the last word.
 */

import { type Call, codeOfError } from "../chain/contracts";
import type { Fetch } from "../chain/rpc";
import { PageError } from "../errors";
import type { Hex } from "./api";

/** A relayer says that the contracts refuse. Whether they do, only the chain tells. */
export class ContractRefusal extends PageError {}

const TIMEOUT_MILLISECONDS = 30_000;
const WAIT_SECONDS = 20;
/** How often one is asked about an act that it holds: whoever stalls a veto is passed by after some minutes. */
const MOST_ASKED = 8;

export interface Relayed {
  id: string;
  status: "accepted" | "pending" | "confirmed" | "failed";
  transaction: Hex | null;
}

/** Whoever brings signed acts to the chain. */
export class Relayers {
  constructor(
    private readonly urls: readonly string[],
    private readonly fetch: Fetch = (input, init) => globalThis.fetch(input, init),
  ) {}

  get isEmpty(): boolean {
    return this.urls.length === 0;
  }

  /**
   * Sends acts, all or none.
   *
   * The same acts sent again are the same act for a relayer, so sending again after a failure, or by the next one while
   * the first still has it, is safe.
   *
   * @param confirm Makes sure that what a relayer calls done is done; what it throws has the next relayer tried.
   * @throws ContractRefusal: none took it, and at least one says that the contracts refuse.
   * @throws PageError RelayersRefuse: none took it.
   */
  async send<T>(
    calls: readonly Call[],
    onPending: (relayed: Relayed) => void,
    confirm: (relayed: Relayed) => Promise<T>,
  ): Promise<T> {
    const body = JSON.stringify({ calls: calls.map(({ to, data }) => ({ to, data })) });
    const reasons: string[] = [];
    let cause: unknown;
    let refusal: ContractRefusal | null = null;
    for (const url of this.urls) {
      try {
        return await confirm(await this.sendTo(url, body, onPending));
      } catch (error) {
        if (!(error instanceof PageError)) throw error;
        if (error instanceof ContractRefusal) refusal ??= error;
        cause = error;
        reasons.push(String(error.values.reason ?? error.code));
      }
    }
    if (refusal) throw refusal;
    throw new PageError("RelayersRefuse", { reason: reasons.join("; ").slice(0, 300) }, { cause });
  }

  private async sendTo(url: string, body: string, onPending: (relayed: Relayed) => void): Promise<Relayed> {
    const acts = new URL("v1/acts", base(url)).href;
    let relayed = await this.ask(`${acts}?wait=${WAIT_SECONDS}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    for (let asked = 0; relayed.status === "accepted" || relayed.status === "pending"; asked++) {
      onPending(relayed);
      if (asked >= MOST_ASKED) throw new PageError("RelaySlow", { reason: relayed.id });
      relayed = await this.ask(`${acts}/${encodeURIComponent(relayed.id)}?wait=${WAIT_SECONDS}`, { method: "GET" });
    }
    if (relayed.status === "failed") throw new ContractRefusal("ActFailed", { id: relayed.id });
    return relayed;
  }

  private async ask(url: string, init: RequestInit): Promise<Relayed> {
    let response: Response;
    let document: Record<string, unknown>;
    try {
      response = await this.fetch(url, {
        ...init,
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
        referrerPolicy: "no-referrer",
        credentials: "omit",
        redirect: "error",
      });
      document = (await response.json()) as Record<string, unknown>;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.name : "";
      throw new PageError("RelayUnavailable", { reason }, { cause });
    }
    if (!response.ok) throw problem(response.status, document);
    const { id, status, transaction } = document;
    if (typeof id !== "string" || !["accepted", "pending", "confirmed", "failed"].includes(status as string)) {
      throw new PageError("RelayUnavailable", { reason: "malformed answer" });
    }
    const hash = typeof transaction === "string" && /^0x[0-9a-fA-F]{64}$/.test(transaction) ? transaction : null;
    return { id, status: status as Relayed["status"], transaction: hash as Hex | null };
  }
}

/** A problem document (RFC 9457): a contract's error by its name, anything else by its title. */
function problem(status: number, document: Record<string, unknown>): PageError {
  const values: Record<string, string | number> = {};
  const given = document.values;
  if (given && typeof given === "object") {
    for (const [name, value] of Object.entries(given)) {
      values[name] = typeof value === "number" ? value : String(value).slice(0, 300);
    }
  }
  const { error } = document;
  // 409 and 422 speak for the contracts; 429 and 5xx for the relayer itself.
  if (typeof error === "string" && /^[A-Za-z]{1,60}$/.test(error) && CONTRACT_STATUS.has(status)) {
    return new ContractRefusal(codeOfError(error), values);
  }
  return new PageError("RelayRefused", { status, reason: String(document.title ?? status).slice(0, 200) });
}

const CONTRACT_STATUS = new Set([409, 422]);

function base(url: string): string {
  const whole = new URL(url, globalThis.location?.href).href;
  return whole.endsWith("/") ? whole : `${whole}/`;
}
