/** Relayers over HTTP: they pay for signed acts. Several are tried in turn, but a contract's refusal is everybody's. */

import { type Call, codeOfError } from "../chain/contracts";
import type { Fetch } from "../chain/rpc";
import { PageError } from "../errors";
import type { Hex } from "./api";

/** The contracts themselves refuse: no other relayer would fare better. */
export class ContractRefusal extends PageError {}

const TIMEOUT_MILLISECONDS = 60_000;
const WAIT_SECONDS = 20;

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
   * The same acts sent again are the same act for a relayer, so sending again after a failure is safe.
   *
   * Throws `ContractRefusal` when the contracts refuse, `PageError` RelayersRefuse when no relayer takes it.
   */
  async send(calls: readonly Call[], onPending: (relayed: Relayed) => void = () => {}): Promise<Relayed> {
    const body = JSON.stringify({ calls: calls.map(({ to, data }) => ({ to, data })) });
    const reasons: string[] = [];
    let cause: unknown;
    for (const url of this.urls) {
      try {
        return await this.sendTo(url, body, onPending);
      } catch (error) {
        if (error instanceof ContractRefusal) throw error;
        cause = error;
        reasons.push(error instanceof PageError ? String(error.values.reason ?? error.code) : "");
      }
    }
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
      if (asked > 30) throw new PageError("RelaySlow", { reason: relayed.id });
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
