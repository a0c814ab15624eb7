/** What every part of the client works with: one deployment on one chain, one store, the log of its events. */

import { requireAddress } from "../chain/addresses";
import { Contracts } from "../chain/contracts";
import { Log } from "../chain/log";
import { type Fetch, type Node, Rpc } from "../chain/rpc";
import { Chain } from "../chain/standing";
import { PublicKey } from "../crypto/hpke";
import { PageError } from "../errors";
import type { BundleContext, Place } from "../sealing/context";
import { Gateway } from "../store/fetch";
import { fromHex } from "../types/bytes";
import { decode } from "../types/jsonValues";
import type { Address, Hex, NetworkConfig } from "./api";
import { Relayers } from "./relay";

/** Of a participant's name, as much as is shown. */
const NAME_CHARACTERS = 100;
const DESCRIPTOR_BYTES = 1 << 20;
/** How long a name is waited for; one that comes later is shown the next time. */
const NAME_MILLISECONDS = 3_000;

type Descriptor = Readonly<Record<string, unknown>>;

/** The network as the client sees it. */
export class Context {
  readonly contracts: Contracts;
  readonly log: Log;
  readonly chain: Chain;
  readonly store: Gateway;
  readonly relayers: Relayers;
  /** Anybody may register a descriptor that can't be had: these wait in a line of their own, and not for long. */
  private readonly public: Gateway;
  private readonly descriptors = new Map<Hex, Promise<Descriptor>>();

  constructor(
    readonly config: NetworkConfig,
    readonly node: Node,
    fetch: Fetch,
  ) {
    this.contracts = new Contracts(node, config);
    this.log = new Log(this.contracts, config);
    this.chain = new Chain(this.log);
    this.store = new Gateway(config.ipfs, config.objects, fetch);
    this.public = new Gateway(config.ipfs, null, fetch, NAME_MILLISECONDS);
    this.relayers = new Relayers(config.relay, fetch);
  }

  static of(config: NetworkConfig, fetch: Fetch = (input, init) => globalThis.fetch(input, init)): Context {
    const checked = checkedConfig(config);
    return new Context(checked, new Rpc(checked.rpc, fetch), fetch);
  }

  /** The ledger of `subject`, entries of `author`. */
  place(subject: Address, author: Address): Place {
    return { chainId: this.config.chainId, contract: this.config.contracts.medrec, subject, author };
  }

  /** What key bundles about `subject` are bound to. */
  bundleContext(subject: Address): BundleContext {
    return { chainId: this.config.chainId, contract: this.config.contracts.medrec, subject };
  }

  /** The chain's time as of the last reading. */
  now(): number {
    return this.log.head().time;
  }

  /**
   * The key that a participant registered, compared with the chain's own commitment.
   *
   * @throws PageError NoParticipantKey, InvalidKey; IntegrityError when the log's registration is not the chain's.
   */
  async publicKey(address: Address): Promise<PublicKey> {
    const participant = this.chain.participant(address);
    if (!participant) throw new PageError("NoParticipantKey", { participant: address });
    if (participant.registration !== (await this.contracts.registrationOf(address))) {
      throw new PageError("IntegrityError", { participant: address });
    }
    return new PublicKey(fromHex(participant.publicKey));
  }

  /** Whether somebody is accredited now: log and registrar have to agree before the page says so. */
  async isAccredited(address: Address, roles = 0n): Promise<boolean> {
    return this.chain.isAccredited(address, this.now(), roles) && this.contracts.isAccredited(address, roles);
  }

  /** The public document about a participant; empty when it has none or it can't be had now. */
  async descriptor(address: Address): Promise<Descriptor> {
    let digest: Hex | undefined;
    try {
      digest = this.chain.participant(address)?.descriptor;
    } catch {
      return {};
    }
    if (!digest || /^0x0+$/.test(digest)) return {};
    const known = this.descriptors.get(digest) ?? this.fetchDescriptor(digest);
    this.descriptors.set(digest, known);
    const late = new Promise<Descriptor>((resolve) => setTimeout(() => resolve({}), NAME_MILLISECONDS));
    return Promise.race([known, late]);
  }

  private async fetchDescriptor(digest: Hex): Promise<Descriptor> {
    try {
      const document: unknown = JSON.parse(decode(await this.public.get(digest, DESCRIPTOR_BYTES)));
      return document && typeof document === "object" ? (document as Descriptor) : {};
    } catch (error) {
      // A name is a courtesy: without it people see the address, which is what everything rests on.
      if (error instanceof PageError && error.code === "StoreUnavailable") this.descriptors.delete(digest);
      return {};
    }
  }

  /** The name that a participant gives itself, on one line of characters that print. Nobody vouches for it. */
  async nameOf(address: Address): Promise<string> {
    const { name } = await this.descriptor(address);
    if (typeof name !== "string") return "";
    return name
      .slice(0, 4 * NAME_CHARACTERS)
      .replace(/[\p{C}\p{Z}]/gu, " ")
      .split(" ")
      .filter(Boolean)
      .join(" ")
      .slice(0, NAME_CHARACTERS);
  }

  async namesOf(addresses: Iterable<Address>): Promise<Map<Address, string>> {
    const distinct = [...new Set(addresses)];
    const names = await Promise.all(distinct.map((address) => this.nameOf(address)));
    return new Map(distinct.map((address, at) => [address, names[at] ?? ""]));
  }
}

/** A configuration with its addresses in the one form that is compared, and its URLs whole. */
function checkedConfig(config: NetworkConfig): NetworkConfig {
  try {
    const { medrec, registrar, guardianship, emergency } = config.contracts;
    if (!Number.isSafeInteger(config.chainId) || !Number.isSafeInteger(config.startBlock)) throw new Error("numbers");
    return {
      ...config,
      rpc: whole(config.rpc),
      ipfs: whole(config.ipfs),
      objects: config.objects === null ? null : whole(config.objects),
      relay: config.relay.map(whole),
      contracts: {
        medrec: requireAddress(medrec),
        registrar: requireAddress(registrar),
        guardianship: requireAddress(guardianship),
        emergency: requireAddress(emergency),
      },
    };
  } catch (cause) {
    throw new PageError("DeploymentInvalid", {}, { cause });
  }
}

function whole(url: string): string {
  return new URL(url, globalThis.location?.href).href;
}
