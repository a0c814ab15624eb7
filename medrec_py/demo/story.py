"""The story from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Final

from medrec_py.chain import Account
from medrec_py.demo.comparison import Input
from medrec_py.demo.damage import damage_is_named
from medrec_py.demo.ending import history_is_verified
from medrec_py.demo.opening import another_device_recovers, people_register, record_is_published, relationship_opens
from medrec_py.demo.page import write_page
from medrec_py.demo.plan import choose
from medrec_py.demo.report import DemoReport, History, Step, Telling
from medrec_py.demo.scene import Observer, Scene, Silence
from medrec_py.demo.sharing import clinic_is_revoked, clinic_reads_and_others_do_not, patient_shares_again
from medrec_py.demo.stage import Stage
from medrec_py.errors import InvalidInput
from medrec_py.storage import Cid

Play = Callable[[Scene, Telling], "History | None"]

STEPS: Final[tuple[tuple[str, str, Play], ...]] = (
    ("register", "People register and are accredited", people_register),
    ("open", "A relationship opens with both consents", relationship_opens),
    ("publish", "The hospital publishes the whole record", record_is_published),
    ("recover", "Another device rebuilds everything from the wallet", another_device_recovers),
    ("share", "The clinic reads exactly what was granted; all else is refused", clinic_reads_and_others_do_not),
    ("revoke", "The patient revokes; nothing new opens", clinic_is_revoked),
    ("tamper", "Damage is named exactly, and repaired", damage_is_named),
    ("verify", "The whole history is verified", history_is_verified),
)
"""Name, title and play of every step."""


def run_demo(
    bundle: str | PathLike[str] | None = None,
    *,
    any_patient: bool = False,
    rpc: str | None = None,
    ipfs: str | None = None,
    account: Account | None = None,
    accounts: Mapping[str, Account] | None = None,
    deployment: str | PathLike[str] | None = None,
    home: str | PathLike[str] | None = None,
    html: str | PathLike[str] | None = None,
    observer: Observer | None = None,
) -> DemoReport:
    """Plays the demonstration.

    Args:
        bundle: File with a FHIR R4 Bundle or NDJSON, gzipped or not; the shipped synthetic patient when None.
        any_patient: Accept resources of more than one patient.
        rpc: JSON-RPC address of a node; a chain inside this process when None.
        ipfs: Kubo RPC address; a folder when None.
        account: On servers: who pays, deploys where nothing stands, and accredits.
        accounts: On servers: accounts of roles, see `Stage.connected`.
        deployment: On servers: a deployment to use.
        home: Folder that keeps network and accounts; None for one that ends with the demonstration. A network that
            is kept goes on after the story: the patient shares with the clinic once more, see `patient_shares_again`.
        html: Where to write the picture; None for nowhere.
        observer: Is told how far it has come.

    Raises:
        InvalidInput: The bundle can't be used (named why, and resources of another patient by name), or options clash.
        Unavailable: A server does not answer.
    """
    began = time.monotonic()
    if (rpc is None) != (ipfs is None):
        raise InvalidInput("A chain and a store go together.", hint="Give both --rpc and --ipfs, or neither.")
    source = Input.read(bundle, any_patient=any_patient)
    plan = choose(source.records.records)
    watcher = observer or Silence()
    if rpc is not None and ipfs is not None:
        stage = Stage.connected(rpc, ipfs, account=account, accounts=accounts, deployment=deployment, home=home)
    else:
        stage = Stage.embedded(home)
    with stage:
        scene = Scene(stage, source, plan, watcher)
        steps: list[Step] = []
        history: History | None = None
        # What setting the stage took is part of the first step.
        started = began
        for number, (name, title, play) in enumerate(STEPS, 1):
            watcher.begins(number, title)
            telling = Telling(number, name, title)
            before = set(stage.network.store.pins())
            history = play(scene, telling) or history
            scene.relayed(telling)
            ended = time.monotonic()
            step = telling.told(_added_bytes(stage, before), ended - started)
            started = ended
            steps.append(step)
            watcher.ends(step)
        assert history is not None
        compared = source.compare(item.record for item in scene.records)
        report = DemoReport(
            tuple(steps),
            compared.wanted,
            compared.equal,
            stage.chain_in_words,
            stage.store_in_words,
            source.name,
            time.monotonic() - began,
            history,
            None if html is None else str(html),
        )
        if rpc is None and home is not None:
            # Nothing of the story above is touched: it is told, counted and verified.
            patient_shares_again(scene)
    if html is not None:
        write_page(report, html)
    return report


def _added_bytes(stage: Stage, before: set[Cid]) -> int:
    """Bytes of the objects that were stored and pinned since."""
    store = stage.network.store
    return sum(store.stat(cid).size for cid in set(store.pins()) - before)
