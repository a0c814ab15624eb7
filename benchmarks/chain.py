"""How much faster than web3 alone: reading events in bulk and sending transactions in bulk, in one run on one Anvil.

Reading: 20,000 events of the deployment, as objects. web3 reads them by `contract.events.X().get_logs()`, the SDK by
`Chain.logs`; both ask the same node over HTTP for the same range. The floor is the node's raw answer, parsed as JSON.

Sending: web3 builds, signs, sends and awaits one transaction after another, as its documentation shows; the SDK hands
the same number of the same calls to `Chain.send_many`, which returns every receipt with its events.

Usage: python benchmarks/chain.py [--events N] [--transactions N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account as EthAccount
from web3 import HTTPProvider, Web3

from medrec_py.chain import Call, Chain, Deployment, MedRecContract, TransactionReceipt, as_account, deploy, grant_id
from medrec_py.chain.abi import artifact
from medrec_py.devnet.anvil import AnvilNode

RESULTS = Path(__file__).parent / "results" / "chain.json"
TARGET = 20
"""Times faster than web3 that both have to be."""
ACTS_PER_TRANSACTION = 10
VIEWERS = 500
REPEATS = 5


def acts(medrec: MedRecContract, subject: str, count: int, rng: random.Random) -> list[Call]:
    """As many acts with one event each: grants to some hundred viewers, revocations of them, and parcels."""
    viewers = [as_account(rng.randbytes(32)).address for _ in range(VIEWERS)]
    calls: list[Call] = []
    while len(calls) < count:
        viewer, bundle, terms = rng.choice(viewers), rng.randbytes(32), rng.randbytes(32)
        calls.append(medrec.grant(subject, viewer, bundle, terms))
        calls.append(medrec.anchor(subject, [rng.randbytes(32)], [rng.randbytes(16)]))
        if len(calls) % 4 == 0:
            calls.append(medrec.revoke(grant_id(subject, subject, viewer, bundle, terms)))
    return calls[:count]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that it took, and what it gave."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def fill(chain: Chain, medrec: MedRecContract, payer: Any, count: int) -> int:
    """Brings events onto the chain and returns the block before the first of them."""
    calls = acts(medrec, payer.address, count, random.Random(1))
    bundles = [calls[at : at + ACTS_PER_TRANSACTION] for at in range(0, count, ACTS_PER_TRANSACTION)]
    before = chain.head_number()
    outcomes = chain.send_many(payer, [medrec.multicall(bundle) for bundle in bundles])
    assert all(isinstance(outcome, TransactionReceipt) for outcome in outcomes)
    return before


def read_events(chain: Chain, deployment: Deployment, before: int, count: int) -> dict[str, Any]:
    """Events a second by web3, by the SDK, and as the raw answer."""
    web3 = Web3(HTTPProvider(chain.address, request_kwargs={"timeout": 120}))
    contract = web3.eth.contract(address=Web3.to_checksum_address(deployment.medrec), abi=artifact("MedRec").abi)
    names = [event.event_name for event in contract.events]
    head = chain.head_number()

    def by_web3() -> int:
        return sum(len(contract.events[name]().get_logs(from_block=before + 1, to_block=head)) for name in names)

    query = {"address": list(deployment.contracts), "fromBlock": hex(before + 1), "toBlock": hex(head)}
    ours, theirs, raw = [], [], []
    for _ in range(REPEATS):
        seconds, logged = timed(lambda: chain.logs(before + 1, head))
        assert len(logged) == count
        ours.append(seconds)
        raw.append(timed(lambda: chain.node.request("eth_getLogs", [query]))[0])
        if len(theirs) < 2:
            seconds, found = timed(by_web3)
            assert found == count
            theirs.append(seconds)
    web3_rate, sdk_rate = count / min(theirs), count / statistics.median(ours)
    return {
        "events": count,
        "web3_per_second": round(web3_rate),
        "sdk_per_second": round(sdk_rate),
        "raw_answer_per_second": round(count / statistics.median(raw)),
        "ratio": round(sdk_rate / web3_rate, 1),
        "target": TARGET,
    }


def send_transactions(chain: Chain, medrec: MedRecContract, key: bytes, count: int) -> dict[str, Any]:
    """Transactions a second by web3, one after the other, and by the SDK."""
    payer, signer = as_account(key), EthAccount.from_key(key)
    web3 = Web3(HTTPProvider(chain.address))
    contract = web3.eth.contract(address=Web3.to_checksum_address(medrec.address), abi=artifact("MedRec").abi)

    def one_by_one(number: int) -> None:
        for _ in range(number):
            function = contract.functions.grant(signer.address, signer.address, os.urandom(32), os.urandom(32))
            transaction = function.build_transaction(
                {"from": signer.address, "nonce": web3.eth.get_transaction_count(signer.address)}
            )
            digest = web3.eth.send_raw_transaction(signer.sign_transaction(transaction).raw_transaction)
            assert web3.eth.wait_for_transaction_receipt(digest)["status"] == 1

    def in_bulk(number: int) -> None:
        calls = [medrec.grant(payer.address, payer.address, os.urandom(32), os.urandom(32)) for _ in range(number)]
        outcomes = chain.send_many(payer, calls)
        assert all(isinstance(outcome, TransactionReceipt) and len(outcome.events) == 1 for outcome in outcomes)

    one_by_one(5)
    single = count // 10
    theirs = single / timed(lambda: one_by_one(single))[0]
    ours = count / statistics.median(timed(lambda: in_bulk(count))[0] for _ in range(3))
    return {
        "transactions": count,
        "web3_per_second": round(theirs, 1),
        "sdk_per_second": round(ours),
        "ratio": round(ours / theirs, 1),
        "target": TARGET,
    }


def main() -> int:
    """Measures, prints and writes the result; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--transactions", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()

    with AnvilNode() as node, node.connect(timeout=120) as chain:
        payer = node.accounts[0]
        deployment = deploy(chain, payer).deployment
        medrec = MedRecContract(deployment, chain)
        key = os.urandom(32)
        chain.send(payer, Call(as_account(key).address, b"", "fund", 100 * 10**18))
        sending = send_transactions(chain, medrec, key, options.transactions)
        before = fill(chain, medrec, payer, options.events)
        reading = read_events(chain, deployment, before, options.events)

    results = {"reading": reading, "sending": sending}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))
    return 0 if all(result["ratio"] >= TARGET for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
