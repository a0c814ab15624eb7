"""How long a patient waits for a relayed act, and how many a relayer takes a second, over HTTP on one Anvil.

Each act is a revocation signed by a patient of its own, with an empty account: simulated, signed, journalled on disk,
broadcast, mined at once and seen as mined. First one after the other, then from several senders at the same time.

Usage: python benchmarks/relay.py [--acts N] [--senders N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import uvicorn

from medrec_py.chain import Account, Call, Chain, MedRecContract, deploy, generate_account
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.relay import RelayJournal, RelayLimits, create_app
from medrec_py.relay.serving import bind
from medrec_py.types.terms import typed_data

RESULTS = Path(__file__).parent / "results" / "relay.json"
WORST_SECONDS = 1.0
"""A patient's act is on chain within this, at the median, where blocks come at once."""


def revocation(medrec: MedRecContract) -> Call:
    """An act of a new patient's: a grant that was never made is withdrawn before it is."""
    patient, id = generate_account(), os.urandom(32)
    message = {"actor": patient.address, "id": id}
    signature = patient.sign_typed_data(typed_data(medrec.domain, "Revocation", message))
    return medrec.revoke_with_sig(patient.address, id, signature)


def relayed(client: httpx.Client, call: Call) -> float:
    """Seconds from asking to being told that it is confirmed."""
    begun = time.perf_counter()
    body = {"calls": [{"to": call.to, "data": "0x" + call.data.hex()}]}
    answer = client.post("/v1/acts", params={"wait": 30}, json=body)
    assert answer.json()["status"] == "confirmed", answer.text
    return time.perf_counter() - begun


def measure(chain: Chain, payer: Account, folder: Path, acts: int, senders: int) -> dict[str, float]:
    """Serves a relayer and asks it."""
    medrec = MedRecContract(deploy(chain, payer).deployment, chain)
    limits = RelayLimits(gas_per_day=10**12, requests_per_minute=10**9)
    app = create_app(chain, payer, journal=RelayJournal(folder / "relay.sqlite"), limits=limits)
    listening = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    calls = [revocation(medrec) for _ in range(2 * acts)]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
            alone = [relayed(client, call) for call in calls[:acts]]
            begun = time.perf_counter()
            with ThreadPoolExecutor(senders) as pool:
                together = list(pool.map(lambda call: relayed(client, call), calls[acts:]))
            rate = acts / (time.perf_counter() - begun)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
    return {
        "median_seconds": round(statistics.median(alone), 3),
        "slowest_seconds": round(max(alone), 3),
        "acts_per_second": round(rate, 1),
        "median_seconds_together": round(statistics.median(together), 3),
    }


def main() -> int:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", type=int, default=100)
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with AnvilNode() as node, node.connect() as chain, tempfile.TemporaryDirectory() as folder:
        found = measure(chain, node.accounts[0], Path(folder), given.acts, given.senders)
    document = {"acts": given.acts, "senders": given.senders, "target_seconds": WORST_SECONDS, **found}
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document))
    return 0 if found["median_seconds"] <= WORST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
