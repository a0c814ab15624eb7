/**
 * Acts on chain, always signed: the person reads what a signature says, and no wallet shows that of a bare call. Whoever
 * brings the signed act to the chain, a relayer or the wallet itself, can change nothing of it.
 */

import type { Call, Contracts } from "../chain/contracts";
import { quantity } from "../chain/rpc";
import { PageError } from "../errors";
import { type PresentedGrant, termsHash } from "../types/terms";
import { type Domain, grantMessage, type MessageType, type TypedData, typedData } from "../types/typedData";
import type { Connection } from "../wallet/connection";
import { ask } from "../wallet/provider";
import type { ActState, Address, Hex, NetworkConfig } from "./api";
import { ContractRefusal, type Relayers } from "./relay";

/** One thing that somebody wants done on chain. */
export interface Act {
  /** What is signed; `Anchor` and the like are made when it is time, since they name the ledger's head. */
  readonly document: () => Promise<TypedData>;
  /** The call with a signature. */
  readonly signed: (signature: Hex) => Call;
}

const DOMAINS = {
  medrec: "MedRec",
  registrar: "MedRec Registrar",
  guardianship: "MedRec Guardianship",
  emergency: "MedRec Emergency",
} as const;

const RECEIPT_TRIES = 120;
const RECEIPT_MILLISECONDS = 1_000;

export function domainOf(config: NetworkConfig, contract: keyof typeof DOMAINS = "medrec"): Domain {
  return { name: DOMAINS[contract], chainId: config.chainId, contract: config.contracts[contract] };
}

/** Makes the acts of one address. */
export class Acts {
  constructor(
    readonly contracts: Contracts,
    readonly actor: Address,
  ) {}

  private act(
    primaryType: MessageType,
    message: () => Promise<Readonly<Record<string, unknown>>>,
    signed: (signature: Hex) => Call,
    contract: keyof typeof DOMAINS = "medrec",
  ): Act {
    const domain = domainOf(this.contracts.config, contract);
    return { document: async () => typedData(domain, primaryType, await message()), signed };
  }

  private call(name: string, ...args: unknown[]): Call {
    return this.contracts.call("medrec", name, args);
  }

  open(provider: Address, number: number, expiresAt: number, bundle: Hex, invitation: Hex): Act {
    const subject = this.actor;
    const message = { subject, provider, number, expiresAt: BigInt(expiresAt), bundle };
    return this.act(
      "Acceptance",
      async () => message,
      (signature) => this.call("open", subject, provider, BigInt(expiresAt), bundle, invitation, signature),
    );
  }

  close(provider: Address): Act {
    const subject = this.actor;
    return this.act(
      "Closure",
      async () => ({ subject, provider, number: (await this.contracts.relationshipOf(subject, provider)).number }),
      (signature) => this.call("closeWithSig", subject, provider, subject, signature),
    );
  }

  anchor(digests: readonly Hex[], locators: readonly Hex[]): Act {
    const subject = this.actor;
    const joined = `0x${locators.map((locator) => locator.slice(2)).join("")}` as Hex;
    return this.act(
      "Anchor",
      async () => {
        const head = await this.contracts.ledgerHead(subject);
        return { subject, author: subject, head, digests: [...digests], locators: joined };
      },
      (signature) => this.call("anchorWithSig", subject, subject, digests, joined, signature),
    );
  }

  grant(presented: PresentedGrant): Act {
    const subject = this.actor;
    const hashed = termsHash(presented.terms);
    const { viewer, bundle } = presented;
    return this.act(
      "Grant",
      async () => grantMessage(subject, presented),
      (signature) => this.call("grantWithSig", subject, subject, viewer, bundle, hashed, signature),
    );
  }

  revoke(id: Hex): Act {
    const actor = this.actor;
    return this.act(
      "Revocation",
      async () => ({ actor, id }),
      (signature) => this.call("revokeWithSig", actor, id, signature),
    );
  }

  suspend(id: Hex): Act {
    const grantor = this.actor;
    return this.act(
      "Suspension",
      async () => ({ grantor, id, turn: (await this.contracts.grantState(grantor, id)).turn }),
      (signature) => this.call("suspendWithSig", grantor, id, signature),
    );
  }

  resume(id: Hex): Act {
    const grantor = this.actor;
    return this.act(
      "Resumption",
      async () => ({ grantor, id, turn: (await this.contracts.grantState(grantor, id)).turn }),
      (signature) => this.call("resumeWithSig", grantor, id, signature),
    );
  }

  revokeAgent(id: Hex): Act {
    const actor = this.actor;
    return this.act(
      "AgentRevocation",
      async () => ({ actor, id }),
      (signature) => this.call("revokeAgentWithSig", actor, id, signature),
    );
  }

  nameDelegate(delegate: Address, expiresAt: number): Act {
    const subject = this.actor;
    const until = BigInt(expiresAt);
    return this.act(
      "Delegation",
      async () => ({
        subject,
        delegate,
        expiresAt: until,
        turn: await this.contracts.delegationTurn(subject, delegate),
      }),
      (signature) => this.call("nameDelegateWithSig", subject, delegate, until, signature),
    );
  }

  dismissDelegate(delegate: Address): Act {
    const subject = this.actor;
    return this.act(
      "Dismissal",
      async () => ({ subject, delegate, turn: await this.contracts.delegationTurn(subject, delegate) }),
      (signature) => this.call("dismissDelegateWithSig", subject, delegate, subject, signature),
    );
  }

  register(publicKey: Hex, descriptor: Hex): Act {
    const participant = this.actor;
    return this.act(
      "Registration",
      async () => ({
        participant,
        previous: await this.contracts.registrationOf(participant),
        publicKey,
        descriptor,
      }),
      (signature) =>
        this.contracts.call("registrar", "registerWithSig", [participant, publicKey, descriptor, signature]),
      "registrar",
    );
  }

  setPlan(guardians: Hex, silence: number, notice: number, shares: Hex): Act {
    const owner = this.actor;
    const call = (name: string, ...args: unknown[]) => this.contracts.call("guardianship", name, args);
    return this.act(
      "Plan",
      async () => ({ owner, guardians, silence, notice, shares, turn: (await this.contracts.planOf(owner)).turn }),
      (signature) => call("setPlanWithSig", owner, guardians, silence, notice, shares, signature),
      "guardianship",
    );
  }

  giveLifeSign(): Act {
    const owner = this.actor;
    return this.act(
      "LifeSign",
      async () => ({ owner, turn: (await this.contracts.planOf(owner)).turn }),
      (signature) => this.contracts.call("guardianship", "giveLifeSignWithSig", [owner, signature]),
      "guardianship",
    );
  }

  prepareEmergency(grant: Hex, custody: Hex): Act {
    const subject = this.actor;
    return this.act(
      "EmergencyPlan",
      async () => ({ subject, grant, custody, turn: (await this.contracts.preparedOf(subject)).turn }),
      (signature) => this.contracts.call("emergency", "prepareWithSig", [subject, grant, custody, signature]),
      "emergency",
    );
  }
}

/** Has a relayer bring signed calls to the chain. */
export async function relay(
  contracts: Contracts,
  relayers: Relayers,
  calls: readonly Call[],
  onState: (state: ActState) => void,
): Promise<{ transaction: Hex; block: number }> {
  if (relayers.isEmpty) throw new PageError("NoRelayer");
  const simulate = async () => {
    for (const call of calls.length === 1 ? calls : []) await contracts.simulate(call);
  };
  await simulate();
  onState({ kind: "sending", via: "relayer" });
  const together = contracts.multicall(calls);
  try {
    return await relayers.send(
      calls,
      ({ transaction }) => onState({ kind: "pending", transaction }),
      async ({ transaction }) => {
        if (!transaction) throw new PageError("RelayUnavailable", { reason: "no transaction" });
        return receipt(contracts, transaction, together);
      },
    );
  } catch (error) {
    if (!(error instanceof ContractRefusal)) throw error;
    // Perhaps the chain has moved on meanwhile: then it says itself what it refuses.
    await simulate();
    throw new PageError("RelayersRefuse", { reason: error.code }, { cause: error });
  }
}

/** Has the wallet send a call, which anybody may who has a signature for it; the wallet pays. */
export async function sendWithWallet(
  contracts: Contracts,
  wallet: Connection | null,
  call: Call,
  onState: (state: ActState) => void,
): Promise<{ transaction: Hex; block: number }> {
  if (!wallet) throw new PageError("WalletMissing");
  const { account } = wallet;
  await wallet.require(account);
  onState({ kind: "sending", via: "wallet" });
  const sent = await ask(wallet.provider, "eth_sendTransaction", [{ from: account, to: call.to, data: call.data }]);
  if (typeof sent !== "string" || !/^0x[0-9a-fA-F]{64}$/.test(sent)) {
    throw new PageError("WalletFailed", { message: "no transaction" });
  }
  const transaction = sent.toLowerCase() as Hex;
  onState({ kind: "pending", transaction });
  return receipt(contracts, transaction);
}

/**
 * Waits for a transaction to be in a block.
 *
 * @param call What it has to be, when somebody else sent it: whoever names any other transaction that went well would
 *   have a withdrawal pass for done. The wallet is the person's own, and may put its account's code around a call.
 */
async function receipt(
  contracts: Contracts,
  transaction: Hex,
  call: Call | null = null,
): Promise<{ transaction: Hex; block: number }> {
  for (let tried = 0; tried < RECEIPT_TRIES; tried++) {
    const found = (await contracts.node.request("eth_getTransactionReceipt", [transaction])) as {
      status?: unknown;
      blockNumber?: unknown;
    } | null;
    if (found) {
      if (call && !(await carries(contracts, transaction, call))) {
        throw new PageError("RelayUnavailable", { reason: "another transaction" });
      }
      if (found.status !== "0x1") throw new PageError("ActFailed", { transaction });
      return { transaction, block: quantity(found.blockNumber) };
    }
    await new Promise((resolve) => setTimeout(resolve, RECEIPT_MILLISECONDS));
  }
  throw new PageError("NotMined", { transaction });
}

/** Whether a transaction is a call, to the byte. */
async function carries(contracts: Contracts, transaction: Hex, call: Call): Promise<boolean> {
  const { to, input } = ((await contracts.node.request("eth_getTransactionByHash", [transaction])) ?? {}) as {
    to?: unknown;
    input?: unknown;
  };
  return String(to).toLowerCase() === call.to.toLowerCase() && String(input).toLowerCase() === call.data.toLowerCase();
}
