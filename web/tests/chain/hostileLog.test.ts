/** What anybody may write into the log must not keep the page from reading the rest of it. */

import { encodeAbiParameters, encodeEventTopics, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import { Contracts } from "../../src/chain/contracts";
import { decodeLog, type RawLog } from "../../src/chain/decoding";
import { Log } from "../../src/chain/log";
import type { Address, NetworkConfig } from "../../src/client/api";

const MEDREC: Address = "0x1111111111111111111111111111111111111111";
const GATEWAY: Address = "0x2222222222222222222222222222222222222222";
const WORD = `0x${"ab".repeat(32)}` as const;
const ZERO: Address = `0x${"00".repeat(20)}`;
const CONFIG: NetworkConfig = {
  chainId: 1,
  chainName: "Test",
  rpc: "https://node.invalid/",
  ipfs: "https://ipfs.invalid/",
  objects: null,
  relay: [],
  contracts: { medrec: MEDREC, registrar: ZERO, guardianship: ZERO, emergency: ZERO },
  startBlock: 0,
  vocabulary: WORD,
};
const EVENTS = parseAbi([
  "event ReceiptsCommitted(address indexed gateway, uint64 indexed epoch, bytes32 head, uint32 count)",
  "event GrantRevoked(address indexed actor, bytes32 indexed id)",
]);

function raw(topics: unknown, data: unknown, at = 0): RawLog {
  return {
    address: MEDREC,
    topics,
    data,
    blockNumber: "0x1",
    blockHash: WORD,
    logIndex: `0x${at.toString(16)}`,
    transactionHash: WORD,
  };
}

describe("a hostile log", () => {
  test("a gateway that commits to the last epoch there can be stops nobody's page", () => {
    const epoch = 2n ** 64n - 1n;
    const topics = encodeEventTopics({
      abi: EVENTS,
      eventName: "ReceiptsCommitted",
      args: { gateway: GATEWAY, epoch },
    });
    const data = encodeAbiParameters([{ type: "bytes32" }, { type: "uint32" }], [WORD, 1]);
    expect(decodeLog(raw(topics, data))?.event).toMatchObject({ event: "ReceiptsCommitted", gateway: GATEWAY, epoch });
  });

  test("a deployment with hundreds of thousands of events is read", async () => {
    const topics = encodeEventTopics({ abi: EVENTS, eventName: "GrantRevoked", args: { actor: GATEWAY, id: WORD } });
    const many = Array.from({ length: 300_000 }, (_, at) => raw(topics, "0x", at));
    const node = {
      request: async (method: string) =>
        method === "eth_getLogs" ? many : { number: "0x1", hash: WORD, timestamp: "0x1" },
    };
    const log = new Log(new Contracts(node, CONFIG), CONFIG);
    await log.sync();
    expect(log.all()).toHaveLength(300_000);
  });
});
