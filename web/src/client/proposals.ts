/** What is about to be signed, and how it is brought to the chain once the person agrees. */

import type { Call } from "../chain/contracts";
import { PageError } from "../errors";
import { sentenceFor } from "../signing/sentences";
import type { TypedData } from "../types/typedData";
import type { Language } from "../types/vocabulary";
import type { Connection } from "../wallet/connection";
import { accountKind, type Signer } from "../wallet/signers";
import { type Act, relay, sendWithWallet } from "./acts";
import type { ActState, Address, Hex, Proposal } from "./api";
import type { CaveatCode } from "./codes";
import type { Context } from "./context";

type OnState = (state: ActState) => void;
type Confirmed = Extract<ActState, { kind: "confirmed" }>;

/** How acts travel: by relayers, or by the wallet, which pays. */
export interface Route {
  readonly connection: Connection | null;
  /** Whether the wallet sends what it signs, as long as it can pay. */
  readonly isWalletMode: boolean;
}

export interface Intent {
  readonly act: Act;
  readonly signer: Signer;
  readonly caveats: readonly CaveatCode[];
  /** Objects that the act names: stored after it was signed, so that a declined act leaves nothing behind. */
  readonly objects?: readonly Uint8Array[];
  /** The grant that the act makes or is about. */
  readonly grant?: Hex;
  /** What belongs to the act and comes after it, such as the change of keys. Safe to repeat. */
  readonly afterwards?: (onState: OnState) => Promise<void>;
}

/** A proposal that can be submitted again after a failure: what happened already does not happen twice. */
export class Prepared implements Proposal {
  private call: Call | null = null;
  private areStored = false;
  private confirmed: Confirmed | null = null;
  private running: Promise<ActState> | null = null;

  private constructor(
    private readonly context: Context,
    private readonly route: Route,
    private readonly intent: Intent,
    private readonly document: TypedData,
    readonly sentence: string,
    private readonly isUsable: () => void,
  ) {}

  static async of(
    context: Context,
    route: Route,
    intent: Intent,
    language: Language,
    isUsable: () => void,
  ): Promise<Prepared> {
    const document = await intent.act.document();
    const named = Object.values(document.message).filter(
      (value): value is Address => typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value),
    );
    const names = await context.namesOf(named);
    const sentence = sentenceFor(document, language, (address) => names.get(address) ?? "");
    const isPaying = await sendsItself(context, route, intent.signer);
    const caveats: CaveatCode[] = isPaying ? [...intent.caveats, "wallet_pays"] : [...intent.caveats];
    return new Prepared(context, route, { ...intent, caveats }, document, sentence, isUsable);
  }

  get typedData(): Proposal["typedData"] {
    const { domain, primaryType, message } = this.document;
    return { domain, primaryType, message };
  }

  get signer(): "wallet" | "page" {
    return this.intent.signer.where;
  }

  get caveats(): string[] {
    return [...this.intent.caveats];
  }

  submit(onProgress: OnState = () => {}): Promise<ActState> {
    return this.run(onProgress, false);
  }

  /** Has the wallet send the signed act: for when every relayer refuses. */
  submitByWallet(onProgress: OnState = () => {}): Promise<ActState> {
    return this.run(onProgress, true);
  }

  /** A second click while the first is under way is the same submission. */
  private run(onProgress: OnState, byWallet: boolean): Promise<ActState> {
    this.running ??= this.attempt(onProgress, byWallet).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async attempt(onProgress: OnState, byWallet: boolean): Promise<ActState> {
    try {
      this.isUsable();
      this.confirmed ??= await this.bring(onProgress, byWallet);
      await this.intent.afterwards?.(onProgress);
      onProgress(this.confirmed);
      return this.confirmed;
    } catch (error) {
      const state: ActState = { kind: "failed", error: asPageError(error) };
      onProgress(state);
      return state;
    }
  }

  private async bring(onProgress: OnState, byWallet: boolean): Promise<Confirmed> {
    const { signer, act, objects = [] } = this.intent;
    if (!this.call) {
      onProgress({ kind: "signing" });
      this.call = act.signed(await signer.sign(this.document));
    }
    if (!this.areStored) {
      for (const object of objects) await this.context.store.put(object);
      this.areStored = true;
    }
    const done = await deliver(this.context, this.route, signer, this.call, onProgress, byWallet);
    return { kind: "confirmed", ...done, grant: this.intent.grant ?? null };
  }
}

/** Signs and sends an act that needs no further question, such as a change of keys that belongs to a revocation. */
export async function perform(
  context: Context,
  route: Route,
  signer: Signer,
  act: Act,
  onProgress: OnState,
): Promise<{ transaction: Hex; block: number }> {
  const call = act.signed(await signer.sign(await act.document()));
  return deliver(context, route, signer, call, onProgress, false);
}

async function deliver(
  context: Context,
  route: Route,
  signer: Signer,
  call: Call,
  onProgress: OnState,
  byWallet: boolean,
): Promise<{ transaction: Hex; block: number }> {
  if (byWallet || (await sendsItself(context, route, signer))) {
    await context.contracts.simulate(call, signer.where === "wallet" ? signer.address : undefined);
    return sendWithWallet(context.contracts, route.connection, call, onProgress);
  }
  return relay(context.contracts, context.relayers, [call], onProgress);
}

/** Whether the wallet sends what it signs, and not a relayer. */
async function sendsItself(context: Context, route: Route, signer: Signer): Promise<boolean> {
  if (!route.isWalletMode) return false;
  return context.relayers.isEmpty || (signer.where === "wallet" && (await canSend(context, signer.address)));
}

/** Whether an account can send and pay; a contract's goes through others, who may not be there. */
async function canSend(context: Context, account: Address): Promise<boolean> {
  const [balance, kind] = await Promise.all([
    context.node.request("eth_getBalance", [account, "latest"]),
    accountKind(context.node, account),
  ]);
  if (typeof balance !== "string" || !/^0x[0-9a-fA-F]+$/.test(balance)) throw new PageError("ChainInconsistent");
  return kind !== "contract" && BigInt(balance) > 0n;
}

/** Whatever went wrong, as a fault that can be said. */
export function asPageError(error: unknown): PageError {
  if (error instanceof PageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new PageError("Unexpected", { message: message.slice(0, 300) }, { cause: error });
}
