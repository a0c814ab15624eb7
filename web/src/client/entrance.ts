/** The way in: wallets that announce themselves, the one that is chosen, and what its signature unlocks. */

import { hexOf } from "../chain/rpc";
import { participantSeed, rootFromSignature } from "../crypto/derivation";
import { ParticipantKey } from "../crypto/hpke";
import { RootKey } from "../crypto/secret";
import { PageError } from "../errors";
import { openBundle } from "../sealing/bundle";
import { fromHex } from "../types/bytes";
import { typedDataHash } from "../types/typedData";
import { unlockMessage } from "../types/unlock";
import { Connection } from "../wallet/connection";
import { Discovery } from "../wallet/discovery";
import { signTypedData } from "../wallet/provider";
import { readRootFile, writeRootFile } from "../wallet/rootFile";
import { asJson, requireSignature, WalletSigner } from "../wallet/signers";
import { domainOf } from "./acts";
import type {
  Address,
  AnnouncedWallet,
  Mode,
  NetworkConfig,
  OnProgress,
  PatientClient,
  Recovery,
  RootBackup,
  WalletState,
  Wallets,
} from "./api";
import { Cases } from "./cases";
import { Context } from "./context";
import { Patient } from "./patient";
import { Heir } from "./recovery";

/** The wallets of a page. */
export function createWallets(config: NetworkConfig, target: EventTarget = window): Wallets {
  return new Entrance(config, target);
}

class Entrance implements Wallets {
  private readonly discovery: Discovery;
  private readonly listeners = new Set<() => void>();
  private connection: Connection | null = null;
  private client: PatientClient | null = null;
  private heir: Heir | null = null;
  private readonly context: Context;

  constructor(config: NetworkConfig, target: EventTarget) {
    this.context = Context.of(config);
    this.discovery = new Discovery(target);
    this.discovery.subscribe(() => this.tell());
  }

  list(): readonly AnnouncedWallet[] {
    return this.discovery.list();
  }

  state(): WalletState {
    const { connection } = this;
    if (!connection) return { kind: "none" };
    const { wallet, account, chainId, isRightChain } = connection;
    return { kind: "connected", wallet, account, chainId, isRightChain };
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async connect(uuid: string): Promise<void> {
    const provider = this.discovery.provider(uuid);
    const info = this.discovery.info(uuid);
    if (!provider || !info) throw new PageError("WalletMissing");
    const connection = await Connection.open(info, provider, this.context.config);
    this.disconnect();
    this.connection = connection;
    connection.subscribe((isOther) => {
      // Another account is another person, whose way back is another.
      if (isOther) this.heir?.forget();
      if (connection.isGone && this.connection === connection) this.disconnect();
      else this.tell();
    });
    this.tell();
  }

  async switchChain(): Promise<void> {
    await this.connected().switchChain();
    this.tell();
  }

  disconnect(): void {
    if (!this.connection) return;
    this.heir?.forget();
    this.heir = null;
    this.client?.lock();
    this.client = null;
    this.connection.close();
    this.connection = null;
    this.tell();
  }

  makeRootFile(password: string): Promise<string> {
    const root = RootKey.random();
    return writeRootFile(root, password).finally(() => root.wipe());
  }

  async unlock(mode: Mode, onProgress: OnProgress = () => {}, backup?: RootBackup): Promise<PatientClient> {
    const { context } = this;
    const connection = this.connected();
    const { account } = connection;
    await this.requireNetwork();
    await connection.require(account);
    const root = backup
      ? await readRootFile(backup.file, backup.password)
      : await this.rootOfWallet(mode, connection, onProgress);
    await this.requireStill(connection, account, root);
    const wallet = mode === "wallet" ? new WalletSigner(account, connection, context.node) : null;
    const cases = new Cases(context, root, wallet);
    return this.opened(new Patient(mode, account, context, cases, { connection, isWalletMode: mode === "wallet" }));
  }

  async recovery(): Promise<Recovery> {
    const connection = this.connected();
    const { account } = connection;
    await this.requireNetwork();
    await connection.require(account);
    const root = await this.rootOfWallet("private", connection, () => {});
    await this.requireStill(connection, account, root);
    this.heir?.forget();
    this.heir = new Heir(this.context, connection, root, (client) => this.opened(client));
    return this.heir;
  }

  /** Takes a client in the place of the one before, for as long as it is open. */
  private opened(client: PatientClient): PatientClient {
    this.client?.lock();
    this.client = client;
    client.onLock(() => {
      if (this.client === client) this.client = null;
    });
    return client;
  }

  /** Makes sure that the wallet still shows the account whose root this is; else the root is of no more use here. */
  private async requireStill(connection: Connection, account: Address, root: RootKey): Promise<void> {
    try {
      await connection.require(account);
    } catch (error) {
      root.wipe();
      throw error;
    }
  }

  /** Signs once; and once more where nothing yet shows that the wallet signs the same each time. */
  private async rootOfWallet(mode: Mode, connection: Connection, onProgress: OnProgress): Promise<RootKey> {
    onProgress({ step: "signature", done: 0, total: 0 });
    const root = await this.signedRoot(connection);
    try {
      await this.context.log.sync((done, total) => onProgress({ step: "chain", done, total }));
      if (await this.isKnown(mode, connection, root)) return root;
      onProgress({ step: "signature", done: 1, total: 2 });
      const again = await this.signedRoot(connection);
      const isSteady = root.equals(again);
      again.wipe();
      if (isSteady) return root;
      throw new PageError("UnsteadyWallet");
    } catch (error) {
      root.wipe();
      throw error;
    }
  }

  private async signedRoot(connection: Connection): Promise<RootKey> {
    const { account, provider } = connection;
    const document = unlockMessage(domainOf(this.context.config), account);
    await connection.require(account);
    const signature = await signTypedData(provider, account, asJson(document));
    await requireSignature(this.context.node, account, typedDataHash(document), signature);
    const material = fromHex(signature);
    const root = rootFromSignature(material);
    material.fill(0);
    return root;
  }

  /** Whether the chain has something that only this root can have made: then it was made of the same signature. */
  private async isKnown(mode: Mode, { account }: Connection, root: RootKey): Promise<boolean> {
    const { chain, store } = this.context;
    if (mode === "private") {
      const cases = new Cases(this.context, copyOf(root), null);
      const used = cases.own();
      const isUsed = chain.knows(used.subject) || (await cases.used()).length > 1;
      cases.wipe();
      return isUsed;
    }
    const relationship = chain.relationships(account)[0];
    if (!relationship) return false;
    const key = await ParticipantKey.fromSeed(participantSeed(root, account));
    try {
      const data = await store.get(relationship.bundle);
      await openBundle(data, this.context.bundleContext(account), key, "relationship");
      return true;
    } catch {
      // Lost or not ours: then the second signature decides.
      return false;
    }
  }

  /** Makes sure that the node is of the chain that the configuration names, and the contracts are there. */
  private async requireNetwork(): Promise<void> {
    const { contracts, config, node } = this.context;
    const found = Number(hexOf(padded(await node.request("eth_chainId", []))));
    if (found !== config.chainId) throw new PageError("WrongChain", { expected: config.chainName, found });
    if ((await contracts.code(config.contracts.medrec)) === "0x") throw new PageError("DeploymentInvalid");
  }

  private connected(): Connection {
    if (!this.connection) throw new PageError("WalletMissing");
    return this.connection;
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

function copyOf(root: RootKey): RootKey {
  return new RootKey(root.reveal());
}

function padded(value: unknown): string {
  const text = String(value);
  return text.length % 2 ? `0x0${text.slice(2)}` : text;
}
