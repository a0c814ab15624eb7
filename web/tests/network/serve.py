"""A network for the page's tests: Anvil, a folder of objects, the doors that `medrec web` serves, and the SDK's roles.

Writes one JSON line when it is ready, then answers each line of its standard input with one. So the tests see what the
SDK sees, and the SDK sees what the page did. Ends with its standard input.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import uvicorn

from medrec_py import MedRec
from medrec_py.chain import Account, Call, Chain, as_account, deploy
from medrec_py.chain.deploy import FACTORY, SALT
from medrec_py.chain.hashing import checksum, keccak
from medrec_py.cli.keys import Keyring
from medrec_py.client import declaring
from medrec_py.client.patient import Patient
from medrec_py.crypto import PublicKey
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.ports import free_port
from medrec_py.devnet.programs import find_program
from medrec_py.fhir import read_records
from medrec_py.relay import RelayJournal, create_app
from medrec_py.sealing import Bundle, BundleContext, GrantBundle, seal_bundle
from medrec_py.storage import open_store
from medrec_py.types.json_values import canonical
from medrec_py.web.backend import Backend
from medrec_py.web.config import PageConfig
from medrec_py.web.page import Page
from medrec_py.web.site import create_site

_ACCOUNT = """
pragma solidity ^0.8.30;
contract Account {
    address private immutable _OWNER;
    constructor(address owner) { _OWNER = owner; }
    // What stands behind the 65 bytes is anything: so the same act has many valid signatures.
    function isValidSignature(bytes32 digest, bytes calldata s) external view returns (bytes4) {
        address signer = ecrecover(digest, uint8(s[64]), bytes32(s[:32]), bytes32(s[32:64]));
        return signer == _OWNER ? bytes4(0x1626ba7e) : bytes4(0);
    }
}
"""


class World:
    """The servers, and the people in them."""

    def __init__(self, anvil: AnvilNode, home: Path) -> None:
        operator, sdk_relayer, page_relayer, *people = anvil.accounts
        with anvil.connect() as chain:
            deployment = deploy(chain, operator).deployment
        self.anvil, self.home, self.deployment, self.operator = anvil, home, deployment, operator
        self.network = MedRec.connect(
            anvil.url, store=home / "store", deployment=deployment, home=home / "state", relayer=sdk_relayer
        )
        network = self.network
        self.hospital, self.laboratory = network.provider(people[0]), network.provider(people[1])
        self.clinic, self.relative = network.viewer(people[2]), network.viewer(people[3])
        self.guardians = [network.guardian(account) for account in people[4:7]]
        # Guardians of some are custodians for others.
        self.custodians = [network.custodian(account) for account in people[4:7]]
        self.ward = network.provider(operator)
        for role, name in (
            (self.hospital, "Hospital"),
            (self.laboratory, "Laboratory"),
            (self.clinic, "Clinic"),
            (self.relative, "Relative"),
            (self.ward, "Emergency ward"),
            *((guardian, f"Guardian {at}") for at, guardian in enumerate(self.guardians, 1)),
        ):
            role.register(name=name)
        for provider in (self.hospital, self.laboratory):
            network.registrar(operator).accredit(provider.address)
        network.registrar(operator).accredit(self.ward.address, ["provider", "emergency"])
        self.url = self._serve(page_relayer)

    def _serve(self, payer: Account) -> str:
        (self.home / "page").mkdir()
        (self.home / "page" / "page.js").write_text("")
        (self.home / "page" / "index.html").write_text(
            '<!doctype html><html><head><script type="module" src="./page.js"></script></head><body></body></html>'
        )
        chain = Chain.connect(self.anvil.url)
        chain.use(self.deployment)
        backend = Backend(chain, self.deployment, open_store(self.home / "store"), payer)
        config = PageConfig(self.deployment, relay=("relay/",))
        relay = create_app(chain, payer, journal=RelayJournal(self.home / "relay.sqlite"))
        site = create_site(backend, Page.load(self.home / "page"), config, relay=relay)
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(site, "127.0.0.1", port, log_level="error", timeout_keep_alive=600))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.02)
        return f"http://127.0.0.1:{port}/"

    # ── what tests ask for ──

    def about(self) -> dict[str, Any]:
        """Addresses and configuration."""
        return {
            "url": self.url,
            "rpc": self.anvil.url,
            "config": PageConfig(self.deployment, relay=("relay/",)).based_at(self.url).to_json(),
            "hospital": self.hospital.address,
            "laboratory": self.laboratory.address,
            "clinic": self.clinic.address,
            "relative": self.relative.address,
            "ward": self.ward.address,
            "guardians": [guardian.address for guardian in self.guardians],
        }

    def _patient(self, key: str, *, wallet_mode: bool = False) -> Patient:
        return self.network.patient(as_account(bytes.fromhex(key[2:])), wallet_mode=wallet_mode)

    def wallet(self, ether: int = 0) -> dict[str, Any]:
        """A new wallet, with or without ether."""
        key = secrets.token_bytes(32)
        address = as_account(key).address
        if ether:
            self._rpc("anvil_setBalance", address, hex(ether * 10**18))
        return {"key": "0x" + key.hex(), "address": address}

    def filled(self, records: int = 0) -> dict[str, Any]:
        """A patient whom the SDK admitted, with a history: records, two relationships, grants, a revocation."""
        wallet = self.wallet()
        patient = self._patient(wallet["key"])
        subject = patient.next_subject()
        patient.accept(self.hospital.invite(subject))
        everything = (files("medrec_py.demo") / "patient.json.gz").read_bytes()
        self.hospital.publish(subject, read_records(everything) if not records else _first(everything, records))
        kept = patient.grant(self.clinic.address, classes="laboratory", records_from="2015-06-15", subject=subject)
        ended = patient.grant(self.relative.address, classes=["medications"], subject=subject)
        patient.revoke(ended)
        later = self.hospital.publish(subject, _observation("later", "2024-01-01"))
        second = patient.next_subject()
        patient.accept(self.laboratory.invite(second))
        self.laboratory.publish_many({second: _observation("batched", "2023-05-06")})
        retracted = self.laboratory.publish(second, _observation("wrong", "2023-05-07"))
        self.laboratory.retract(second, retracted.digests[0])
        patient.publish(_observation("own", "2022-02-02"))
        return {
            **wallet,
            "subject": subject,
            "second": second,
            "kept": "0x" + kept.id.hex(),
            "ended": "0x" + ended.id.hex(),
            "later": ["0x" + digest.hex() for digest in later.digests],
        }

    def records(self, key: str, *, wallet_mode: bool = False) -> list[dict[str, Any]]:
        """The records as the SDK reads them for a wallet."""
        return [
            {
                "source": canonical(item.record.resource).decode(),
                "class": item.record.record_class,
                "author": item.author,
                "digest": "0x" + item.digest.hex(),
                "first": item.record.date_first,
                "retracted": item.retracted,
            }
            for item in self._patient(key, wallet_mode=wallet_mode).records()
        ]

    def standing(self, key: str, *, wallet_mode: bool = False) -> dict[str, Any]:
        """What the SDK says of a wallet: relationships, grants, whether all verifies."""
        patient = self._patient(key, wallet_mode=wallet_mode)
        return {
            "relationships": [item.to_json() for item in patient.relationships()],
            "grants": [item.to_json() for item in patient.grants()],
            "ok": patient.verify().ok,
            "subjects": patient.subjects(),
        }

    def invite(self, subject: str, *, who: str = "hospital") -> dict[str, Any]:
        """A provider's invitation."""
        return getattr(self, who).invite(subject).to_json()  # type: ignore[no-any-return]

    def publish(self, subject: str, name: str, date: str, *, who: str = "hospital") -> list[str]:
        """One more observation; gives back the digests."""
        published = getattr(self, who).publish(subject, _observation(name, date))
        return ["0x" + digest.hex() for digest in published.digests]

    def read(self, subject: str, *, who: str = "clinic") -> list[str]:
        """The ids of what a viewer reads."""
        return [str(item.record.id) for item in getattr(self, who).read(subject=subject).records]

    def can_open(self, subject: str, digest: str, *, who: str = "relative") -> bool:
        """Whether a viewer has a key for an object."""
        return bool(getattr(self, who).can_open(bytes.fromhex(digest[2:]), subject=subject))

    def wards(self, who: int) -> list[dict[str, Any]]:
        """Whom a guardian keeps shares for."""
        return [ward.to_json() for ward in self.guardians[who].wards()]

    def announce(self, who: int, owner: str, heir: str) -> None:
        """A guardian announces an heir."""
        self.guardians[who].announce(owner, heir)

    def release(self, who: int, owner: str, heir: str) -> None:
        """A guardian releases its share."""
        self.guardians[who].release(owner, heir)

    def declare(self, subject: str, reason: str) -> str:
        """The ward declares an emergency; gives back the grant's id."""
        return "0x" + self.ward.declare_emergency(subject, reason=reason).id.hex()

    def declare_to_itself(self, subject: str, hours: float) -> str:
        """The ward declares an emergency and keeps the terms of it from the patient; gives back the grant's id."""

        def kept(bundle: Bundle, place: BundleContext, recipients: list[PublicKey]) -> bytes:
            to = [self.ward.key.public_key] if isinstance(bundle, GrantBundle) else recipients
            return seal_bundle(bundle, place, to)

        declaring.seal_bundle = kept  # type: ignore[assignment]
        try:
            return "0x" + self.ward.declare_emergency(subject, reason="Unsaid", hours=hours).id.hex()
        finally:
            declaring.seal_bundle = seal_bundle

    def rekey(self, key: str) -> int:
        """How often the SDK finds that keys are still to be changed."""
        return len(self._patient(key).rekey())

    def release_key(self, who: int, id: str) -> None:
        """A custodian releases its share."""
        self.custodians[who].release(bytes.fromhex(id[2:]))

    def emergency_read(self, subject: str) -> list[str]:
        """The ids of what the ward reads in an emergency."""
        return [str(item.record.id) for item in self.ward.emergency_records(subject).records]

    def contract_account(self, owner: str) -> str:
        """Deploys an ERC-1271 account of an owner; gives back its address."""
        asked = {
            "language": "Solidity",
            "sources": {"Account.sol": {"content": _ACCOUNT}},
            "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
        }
        program = [find_program("solc"), "--standard-json"]
        said = subprocess.run(program, input=json.dumps(asked), capture_output=True, text=True, check=True)  # noqa: S603
        compiled = json.loads(said.stdout)["contracts"]["Account.sol"]["Account"]["evm"]["bytecode"]["object"]
        code = bytes.fromhex(compiled) + bytes(12) + bytes.fromhex(owner[2:])
        self.network.chain.send(self.operator, Call(FACTORY, SALT + code, "deploy account"))
        return checksum(keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + SALT + keccak(code))[12:])

    def delegate_code(self, account: str, implementation: str) -> None:
        """Gives an account the code of EIP-7702."""
        self._rpc("anvil_setCode", account, "0xef0100" + implementation[2:])

    def root_file(self, password: str) -> dict[str, str]:
        """A root key file as the command line writes it, and the root in it."""
        folder = Path(tempfile.mkdtemp(dir=self.home))
        (folder / "password").write_text(password)
        keys = Keyring(folder, str(folder / "password"))
        keys.make_root(folder / "root.json")
        root = keys.root(str(folder / "root.json"))
        return {"file": (folder / "root.json").read_text(), "root": root.reveal().hex()}

    def open_root_file(self, file: str, password: str) -> str:
        """The root in a root key file."""
        folder = Path(tempfile.mkdtemp(dir=self.home))
        (folder / "password").write_text(password)
        (folder / "root.json").write_text(file)
        return Keyring(folder, str(folder / "password")).root(str(folder / "root.json")).reveal().hex()

    def pass_time(self, seconds: int) -> None:
        """Lets time pass."""
        self._rpc("evm_increaseTime", seconds)
        self._rpc("evm_mine")

    def lose(self, digest: str) -> None:
        """The store loses an object."""
        self.network.store.remove(bytes.fromhex(digest[2:]))

    def _rpc(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 (JSON)
        return self.network.chain.node.request(method, list(parameters))


def _first(content: bytes, count: int) -> bytes:
    """The first resources of an input, as NDJSON."""
    return b"".join(canonical(record.document) + b"\n" for record in read_records(content).records[:count])


def _observation(name: str, date: str) -> bytes:
    # 1.10 has three significant digits, and a letter of the text two bytes: both have to come through.
    category = '{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}'
    return (
        f'{{"resourceType":"Observation","id":"{name}","status":"final","category":[{{"coding":[{category}]}}],'
        f'"code":{{"text":"Größe"}},"effectiveDateTime":"{date}","valueQuantity":{{"value":1.10,"unit":"m"}}}}\n'
    ).encode()


def main() -> None:
    """Serves until standard input ends."""
    with tempfile.TemporaryDirectory(prefix="medrec-page-") as folder, AnvilNode() as anvil:
        world = World(anvil, Path(folder))
        print(json.dumps(world.about()), flush=True)
        for line in sys.stdin:
            print(json.dumps(_answer(world, line)), flush=True)
        world.network.close()


def _answer(world: World, line: str) -> dict[str, Any]:
    request = json.loads(line)
    act: Callable[..., Any] = getattr(world, request["do"])
    try:
        return {"result": act(*request.get("with", []), **request.get("and", {}))}
    except Exception as error:  # whatever it is, the test that asked has to hear of it
        return {"error": str(error) or type(error).__name__}


if __name__ == "__main__":
    main()
