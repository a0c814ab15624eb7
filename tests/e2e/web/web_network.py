"""Where the stories happen: Anvil, Kubo, the contracts, the page served with a relayer, and who meets a patient."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from medrec_py import MedRec
from medrec_py.chain import Account, Call, deploy, generate_account
from medrec_py.client import Patient, Provider, Registrar, Viewer
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode
from medrec_py.devnet.ports import free_port
from medrec_py.web import Backend, Listener, PageConfig, serve_site

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "web"
LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def demo_record() -> bytes:
    """The synthetic patient that the package ships: some hundred resources of many classes."""
    return (files("medrec_py.demo") / "patient.json.gz").read_bytes()


def observation(id: str, day: str, value: float, **extra: Any) -> dict[str, Any]:
    """A laboratory result: haemoglobin in g/dL."""
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}], "text": "Hemoglobin"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        **extra,
    }


def medication(id: str, day: str, name: str) -> dict[str, Any]:
    """A prescription."""
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"display": "the patient"},
        "authoredOn": day,
        "dosageInstruction": [{"text": "one tablet a day"}],
    }


def ndjson(*resources: dict[str, Any]) -> bytes:
    """Resources as a provider's export."""
    return b"\n".join(json.dumps(resource).encode() for resource in resources)


@dataclass(frozen=True)
class WebNetwork:
    """A running network with its page, and whoever meets the patient there.

    Attributes:
        network: The SDK's way in, for everybody but the patient.
        relayer: Pays for the patients' acts, through the page's server and through the SDK.
        url: Where the page is.
        ipfs_folder: Kubo's repository.
    """

    anvil: AnvilNode
    kubo: KuboNode
    network: MedRec
    operator: Account
    relayer: Account
    hospital: Provider
    clinic: Viewer
    registrar: Registrar
    url: str
    ipfs_folder: Path

    def account(self, ether: int = 1) -> Account:
        """A new account with some ether; 0 for none."""
        account = generate_account()
        if ether:
            self.network.chain.send(self.operator, Call(account.address, b"", "fund", ether * 10**18))
        return account

    def provider(self, name: str, *, is_accredited: bool = True) -> Provider:
        """A provider of its own."""
        provider = self.network.provider(self.account())
        provider.register(name=name)
        if is_accredited:
            self.registrar.accredit(provider.address)
        return provider

    def viewer(self, name: str) -> Viewer:
        """A viewer of its own."""
        viewer = self.network.viewer(self.account())
        viewer.register(name=name)
        return viewer

    def patient(self, wallet: Account, *, wallet_mode: bool = False) -> Patient:
        """The patient with this wallet, through the SDK: as another of their devices."""
        return self.network.patient(wallet, wallet_mode=wallet_mode, relayer=self.relayer)

    def admitted(self, wallet: Account, *records: dict[str, Any] | bytes, wallet_mode: bool = False) -> str:
        """Relates a patient to the hospital and publishes records; gives back the subject."""
        patient = self.patient(wallet, wallet_mode=wallet_mode)
        subject = patient.next_subject()
        patient.accept(self.hospital.invite(subject))
        for record in records:
            self.hospital.publish(subject, record if isinstance(record, bytes) else ndjson(record))
        return subject

    def travel(self, seconds: int) -> None:
        """Lets time pass on the chain."""
        self.network.chain.travel(seconds)


@contextmanager
def running(home: Path) -> Iterator[WebNetwork]:
    """Everything up; nothing left afterwards."""
    with ExitStack() as opened:
        anvil = opened.enter_context(AnvilNode())
        kubo = opened.enter_context(KuboNode(home / "ipfs", api_port=free_port()))
        operator, relayer, hospital_account, clinic_account, *_ = anvil.accounts
        with anvil.connect() as chain:
            deployment = deploy(chain, operator).deployment
        deployment.save(home / "deployments")
        network = opened.enter_context(
            MedRec.connect(
                anvil.url, store=kubo.api_address, deployment=deployment, home=home / "state", relayer=relayer
            )
        )
        hospital, clinic = network.provider(hospital_account), network.viewer(clinic_account)
        registrar = network.registrar(operator)
        hospital.register(name="General Hospital")
        clinic.register(name="Heart Clinic")
        registrar.accredit(hospital.address)
        registrar.accredit(clinic.address)
        url = opened.enter_context(
            site(anvil.url, kubo.api_address, home / "deployments", relayer, home / "relay.sqlite")
        )
        yield WebNetwork(anvil, kubo, network, operator, relayer, hospital, clinic, registrar, url, home / "ipfs")


@contextmanager
def site(rpc: str, store: str, deployments: Path, payer: Account, journal: Path) -> Iterator[str]:
    """The page served as `medrec web` does, in a thread; gives its address."""
    with Backend.connect(rpc, store, deployments, payer=payer) as backend, Listener("127.0.0.1", 0) as listener:
        config = PageConfig(backend.deployment, relay=("relay/",))
        thread = threading.Thread(
            target=serve_site, args=(backend, config, listener), kwargs={"journal": journal}, daemon=True
        )
        thread.start()
        try:
            yield listener.url
        finally:
            listener.stop()
            thread.join(15)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def build_page() -> None:
    """Builds the page if anything that it is made of is newer than what was built. One process at a time."""
    (ROOT / ".build").mkdir(exist_ok=True)
    with (ROOT / ".build" / "page.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [WEB / "index.html", WEB / "vite.config.ts", *(WEB / "src").rglob("*"), *(WEB / "public").rglob("*")]
        newest = max(path.stat().st_mtime for path in sources if path.is_file())
        built = WEB / "dist" / "index.html"
        if built.exists() and built.stat().st_mtime > newest:
            return
        npm = shutil.which("npm")
        assert npm is not None, "npm is needed to build the page: make setup"
        done = subprocess.run(
            [npm, "run", "--silent", "--workspace", "web", "build"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
