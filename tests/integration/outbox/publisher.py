"""A publisher in a process of its own, which may be told at which step to be killed; run by test_outbox_crash.py.

Usage: publisher.py SETTINGS VERB [STEP]. VERB is `submit`, `accept` or `resume`. Prints one JSON line when it lives.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from medrec_py.chain import Account, Chain, Deployment, EmbeddedChain, MedRecContract, as_account
from medrec_py.errors import MedRecError
from medrec_py.outbox import Outbox, Parcel, Publication, Step
from medrec_py.storage import open_store
from medrec_py.storage.unixfs import digest_of


def open_chain(settings: dict[str, str]) -> Chain:
    chain = Chain.connect(settings["rpc"]) if "rpc" in settings else EmbeddedChain(settings["chain"], wait=30)
    return chain.use(Deployment.load(settings["deployments"], chain))


def publication(settings: dict[str, str], chain: Chain, account: Account) -> Publication:
    """The same parcels whenever it is asked: what is published is in files that the test wrote."""
    parcels = [
        Parcel(path, digest_of(path.read_bytes()), digest_of(path.name.encode())[:16])
        for path in sorted(Path(settings["parcels"]).iterdir())
    ]
    call = MedRecContract(chain.deployment, chain).anchor(
        account.address, [parcel.digest for parcel in parcels], [parcel.locator for parcel in parcels]
    )
    return Publication.anchoring(account.address, account.address, parcels, call, key=settings["key"])


def main() -> None:
    settings = json.loads(sys.argv[1])
    verb, fatal = sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None

    def observe(step: Step, id: str) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    account = as_account(Path(settings["account"]).read_text())
    with (
        open_chain(settings) as chain,
        open_store(settings["store"]) as store,
        Outbox(settings["outbox"], store, chain, observer=observe, timeout=60) as outbox,
    ):
        try:
            match verb:
                case "submit":
                    answer: object = outbox.submit(publication(settings, chain, account), account).id
                case "accept":
                    answer = outbox.accept(publication(settings, chain, account), account.address)
                case _:
                    answer = [str(outcome.error or "done") for outcome in outbox.resume([account])]
            print(json.dumps({"answer": answer, "pending": len(outbox.pending())}), flush=True)
        except MedRecError as error:
            print(json.dumps(error.to_json()), flush=True)


if __name__ == "__main__":
    main()
