/**
 * The whole log of the deployment, read once and then followed.
 *
 * All of it, and not only what concerns the patient: a filter would tell the server every address of a person in one
 * breath, those included that are not in use yet. Whatever is new is read in ranges as large as the server gives.
 */

import type { Address, Hex, NetworkConfig } from "../client/api";
import { PageError } from "../errors";
import { byPosition, type LoggedEvent } from "../types/events";
import type { Contracts } from "./contracts";
import { decodeLog, type RawLog } from "./decoding";
import { type Node, quantity, RpcError } from "./rpc";

/** Blocks that are read again after a replaced block was found: reorganisations are shorter on any chain in use. */
const REORGANISED_BLOCKS = 128;
/** Pieces that a range is asked for in, so that progress can be shown. */
const PIECES = 8;
const SMALLEST_PIECE = 512;
const TIMES_AT_ONCE = 50;

/** What a server gives at once, as far as it is known: halved by every refusal, doubled after some successes. */
class Span {
  private blocks = Number.POSITIVE_INFINITY;
  private successes = 0;

  limit(blocks: number): number {
    return Math.min(blocks, this.blocks);
  }

  refused(asked: number): void {
    this.blocks = Math.max(1, Math.floor(asked / 2));
    this.successes = 0;
  }

  answered(): void {
    if (++this.successes % 8 === 0) this.blocks *= 2;
  }
}

/** The events so far, and when their blocks were made. */
export class Log {
  private events: LoggedEvent[] = [];
  private readonly times = new Map<Hex, number>();
  private readonly span = new Span();
  private readonly emitters: readonly Address[];
  private last: { number: number; hash: Hex; time: number } | null = null;
  /** Counts what changed: whoever keeps something derived from the events compares it. */
  version = 0;

  constructor(
    private readonly contracts: Contracts,
    private readonly config: NetworkConfig,
  ) {
    const { medrec, registrar, guardianship, emergency } = config.contracts;
    this.emitters = [
      ...new Set([medrec, registrar, guardianship, emergency].filter((address) => !/^0x0+$/.test(address))),
    ];
  }

  /** All events, in the chain's order. */
  all(): readonly LoggedEvent[] {
    return this.events;
  }

  /** The block up to which everything was read. */
  head(): { number: number; hash: Hex; time: number } {
    if (!this.last) throw new PageError("ChainInconsistent");
    return this.last;
  }

  /** Reads what is new; after a reorganisation what was replaced is read again. */
  async sync(onProgress: (done: number, total: number) => void = () => {}): Promise<void> {
    const head = await this.contracts.head();
    let from = this.config.startBlock;
    if (this.last) {
      if (head.hash === this.last.hash) return;
      from = this.last.number + 1;
      const still = this.last.number <= head.number ? await this.contracts.block(this.last.number) : null;
      if (still?.hash !== this.last.hash) {
        from = Math.max(this.config.startBlock, Math.min(this.last.number, head.number) - REORGANISED_BLOCKS);
        this.events = this.events.filter((logged) => logged.blockNumber < from);
        this.version++;
      }
    }
    const fresh = await this.fetch(from, head.number, onProgress);
    if (fresh.length) {
      this.events = this.events.length ? this.events.concat(fresh) : fresh;
      this.version++;
    }
    this.last = head;
  }

  /** When the blocks of these events were made. */
  async learnTimes(events: readonly LoggedEvent[]): Promise<void> {
    const unknown = new Map<Hex, number>();
    for (const { blockHash, blockNumber } of events)
      if (!this.times.has(blockHash)) unknown.set(blockHash, blockNumber);
    const wanted = [...unknown];
    for (let at = 0; at < wanted.length; at += TIMES_AT_ONCE) {
      const page = wanted.slice(at, at + TIMES_AT_ONCE);
      const blocks = await Promise.all(page.map(([, number]) => this.contracts.block(number)));
      page.forEach(([hash], place) => {
        const block = blocks[place];
        // Another hash: the block was replaced meanwhile, and the next sync reads it again.
        if (block?.hash === hash) this.times.set(hash, block.time);
      });
    }
  }

  /** Unix time of an event's block; 0 while it isn't known. */
  timeOf(logged: LoggedEvent): number {
    return this.times.get(logged.blockHash) ?? 0;
  }

  private async fetch(
    from: number,
    to: number,
    onProgress: (done: number, total: number) => void,
  ): Promise<LoggedEvent[]> {
    const found: LoggedEvent[] = [];
    const piece = Math.max(SMALLEST_PIECE, Math.ceil((to - from + 1) / PIECES));
    for (let at = from; at <= to; ) {
      onProgress(at - from, to - from + 1);
      const last = Math.min(to, at + this.span.limit(piece) - 1);
      let logs: RawLog[];
      try {
        logs = await rawLogs(this.contracts.node, this.emitters, at, last);
      } catch (error) {
        if (last === at || !mayBeTooLarge(error)) throw error;
        this.span.refused(last - at + 1);
        continue;
      }
      this.span.answered();
      for (const log of logs) this.take(log, found);
      at = last + 1;
    }
    onProgress(to - from + 1, to - from + 1);
    return found.sort(byPosition);
  }

  private take(log: RawLog, found: LoggedEvent[]): void {
    const logged = decodeLog(log);
    if (!logged) return;
    // A server that gives events of others would have them pass for the deployment's.
    if (!this.emitters.includes(logged.contract)) throw new PageError("ChainInconsistent");
    found.push(logged);
    if (typeof log.blockTimestamp === "string") this.times.set(logged.blockHash, quantity(log.blockTimestamp));
  }
}

async function rawLogs(node: Node, address: readonly Address[], from: number, to: number): Promise<RawLog[]> {
  const range = { address, fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
  const logs = await node.request("eth_getLogs", [range]);
  if (!Array.isArray(logs)) throw new PageError("ChainInconsistent");
  return logs as RawLog[];
}

/** Servers limit a request by blocks, by results or by time, and say so in many ways. */
function mayBeTooLarge(error: unknown): boolean {
  if (error instanceof RpcError) return error.code !== -32601;
  return error instanceof PageError && ["TimeoutError", "answer too large"].includes(String(error.values.reason));
}
