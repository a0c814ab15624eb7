"""A patient in a process of its own, who may be told at which step to be killed; run by test_own_records_crash.py.

Usage: patient.py SETTINGS VERB [STEP]. VERB is `publish`, `another` or `resume`. STEP is one of the outbox's, or
`relayer asked`, `relayer sent`, `relayer answered`. Prints one JSON line when it lives.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from medrec_py import MedRec
from medrec_py.chain import Account, Call, Chain, Deployment, EmbeddedChain, TransactionReceipt, as_account
from medrec_py.client import Patient, Relayer
from medrec_py.client.context import Context
from medrec_py.errors import MedRecError
from medrec_py.index import Index
from medrec_py.outbox import Outbox, Step
from medrec_py.storage import open_store


def record(id: str) -> bytes:
    return json.dumps(
        {
            "resourceType": "Observation",
            "id": id,
            "status": "final",
            "code": {"text": "any"},
            "effectiveDateTime": "2024",
        }
    ).encode()


class Dying:
    """A relayer whose client is killed while it is at work."""

    def __init__(self, chain: Chain, account: Account, fatal: str | None) -> None:
        self.chain = chain
        self.account = account
        self.fatal = fatal

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        self.passed("relayer asked")
        if self.fatal == "relayer sent":
            self.chain.broadcast(self.chain.prepare(self.account, calls).raw)
            self.passed("relayer sent")
        receipt = Relayer(self.chain, self.account).relay(calls)
        self.passed("relayer answered")
        return receipt

    def passed(self, step: str) -> None:
        if step == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    settings = json.loads(sys.argv[1])
    verb, fatal = sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None

    def observe(step: Step, id: str) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    wallet, payer = (as_account(Path(settings[name]).read_text()) for name in ("account", "relayer"))
    chain = Chain.connect(settings["rpc"]) if "rpc" in settings else EmbeddedChain(settings["chain"], wait=30)
    deployment = Deployment.load(settings["deployments"], chain)
    chain.use(deployment)
    store = open_store(settings["store"])
    index = Index(f"sqlite:///{settings['home']}/index.sqlite", chain, start_block=deployment.block_number)
    outbox = Outbox(settings["outbox"], store, chain, observer=observe, timeout=float(settings.get("timeout", 60)))
    relayer = Dying(chain, payer, fatal)
    with MedRec(Context(chain, deployment, store, index, outbox, relayer)) as network:
        patient: Patient = network.patient(
            wallet,
            wallet_mode=settings["mode"] != "private",
            relayer=relayer if settings["mode"] == "relayed" else None,
        )
        try:
            match verb:
                case "publish":
                    answer: object = [digest.hex() for digest in patient.publish(record("own"), key="own").digests]
                case "another":
                    answer = [digest.hex() for digest in patient.publish(record("another")).digests]
                case _:
                    answer = [str(outcome.error or "done") for outcome in patient.resume_publications()]
            found = patient.records()
            said = {
                "answer": answer,
                "subjects": patient.subjects(),
                "left": [
                    *map(str, patient.resume_publications()),
                    *map(str, outbox.pending()),
                    *map(str, outbox.failed()),
                ],
                "records": sorted(item.record.id for item in found) + [fault.sentence for fault in found.faults],
            }
        except MedRecError as error:
            said = error.to_json()
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
