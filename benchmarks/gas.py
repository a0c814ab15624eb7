"""What each act costs on chain: whole transactions, as a node charges them.

Every figure but `permits` is `gasUsed` of a receipt from Anvil at its default hardfork: the intrinsic cost, the
calldata (EIP-2028, with the floor of EIP-7623) and the execution, of the bytecode that is deployed. `permits` is a
view: its figure is the execution alone, read from `debug_traceCall` (`eth_estimateGas` would report the calldata floor
instead).

Keys of `gas.json`:

- `anchor1` is a parcel alone, by its own verb `anchorParcel`; `anchor100` a hundred by `anchor`.
- `anchor1`, `anchor100`, `batch1000`: the ledger (or the author's chain of batches) has an entry already, as it has for
  every transaction but the first; `anchorFirst` and `batchFirst` are that first one, which also pays for the new slot.
- `anchor100` and `batch1000` are per parcel, rounded up; `anchor100Total` and `batch1000Total` are the transactions.
- `open` carries both signatures and is sent by a relayer. `registerAgain` replaces a key.
- `revokeByDelegate`: by signature, as all acts of delegates. `setPlan` is the owner's first; `lifeSign` and `announce`
  come by signature; proofs are those of one guardian of five.
- `declare` makes the sub-grant; `releaseKey` asks both contracts whether the declaration still stands.
- `permits`: typical terms, one grant, no condition; `permitsSubGrant`: through one sub-grant.

The figures go to `benchmarks/results/gas.json` and are compared with the limits and with the committed `gas.json`;
`--check` writes nothing, `--update` replaces the committed figures.

Usage: python benchmarks/gas.py [--check | --update]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.contract import Contract

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = Path(__file__).with_name("gas.json")
RESULTS = Path(__file__).with_name("results") / "gas.json"
# A folder of its own: what another run of forge is writing into its folder can't be read half-written.
ARTIFACTS = ROOT / ".build" / "gas"

# The most that each act may cost, in gas.
LIMITS = {
    "grant": 50_000,
    "grantWithSig": 57_000,
    "revoke": 30_000,
    "revokeWithSig": 37_000,
    "open": 68_000,
    "anchor1": 39_000,
    "anchor100": 2_300,
    "batch1000": 100,
    "register": 85_000,
    "permits": 12_000,
    "nameDelegate": 60_000,
    "revokeByDelegate": 45_000,
    "setPlan": 110_000,
    "lifeSign": 40_000,
    "announce": 75_000,
    "releaseShare": 45_000,
    "declare": 120_000,
    "releaseKey": 50_000,
}
# Limits that are known to be missed, and where it is explained; the committed figure still holds for them.
MISSED: dict[str, str] = {}
# How far above the committed figure a new one may be: signatures and hashes differ in their zero bytes.
TOLERANCE = 0.01

GENESIS = 1_767_225_600  # 2026-01-01, so that dates in calldata have the same bytes in every run
YEAR = 365 * 86_400
NO_LAST_DATE = 99_991_231
ROLE_PROVIDER = 1
ROLE_EMERGENCY = 4
DAY = 86_400

_TERMS = {
    "agent": "address",
    "classes": "uint64",
    "purposes": "uint64",
    "operations": "uint8",
    "startsAt": "uint64",
    "expiresAt": "uint64",
    "recordsFrom": "uint32",
    "recordsUntil": "uint32",
    "delegations": "uint8",
    "parent": "bytes32",
    "condition": "address",
    "vocabulary": "bytes32",
    "statement": "string",
    "salt": "bytes32",
}
_GRANT = {"subject": "address", "grantor": "address", "viewer": "address", "bundle": "bytes32", "terms": "Terms"}
_REVOCATION = {"actor": "address", "id": "bytes32"}
_LIFE_SIGN = {"owner": "address", "turn": "uint32"}
_ANNOUNCEMENT = {"owner": "address", "heir": "address", "guardian": "address", "turn": "uint32"}
_INVITATION = {"provider": "address", "subject": "address", "number": "uint32", "expiresAt": "uint64"}
_ACCEPTANCE = {
    "subject": "address",
    "provider": "address",
    "number": "uint32",
    "expiresAt": "uint64",
    "bundle": "bytes32",
}


class Bench:
    """A deployment on a fresh node, with the people who act on it, and the figures measured so far."""

    def __init__(self, web3: Web3) -> None:
        self.web3 = web3
        self.random = random.Random(1)
        self.patient = self._person()
        self.provider = self._person()
        self.viewer = self._person()
        self.sub_viewer = self._person()
        self.relayer = self._person()
        registrar_admin = self._person()
        authority = self._deploy("Authority", registrar_admin.address)
        self.registrar = self._deploy("Registrar", authority.address)
        self.medrec = self._deploy("MedRec", self.registrar.address)
        self.guardianship = self._deploy("Guardianship", self.medrec.address)
        self.emergency = self._deploy("Emergency", self.medrec.address, keccak(b"vocabulary"), 1)
        self.figures: dict[str, int] = {}

        self.figures["register"] = self._send(self.provider, self._register())
        self.figures["registerAgain"] = self._send(self.provider, self._register())
        until = GENESIS + YEAR
        credential = self._bytes32()
        roles = ROLE_PROVIDER | ROLE_EMERGENCY
        self._send(registrar_admin, self.registrar.functions.accredit(self.provider.address, roles, until, credential))

    def measure(self) -> dict[str, int]:
        """Runs every act once, in the order in which a patient meets them."""
        self._measure_open()
        self._measure_anchors()
        self._measure_batches()
        self._measure_grants()
        self._measure_delegates()
        self._measure_emergency()
        self._measure_guardians()
        return self.figures

    def _measure_open(self) -> None:
        expires_at = GENESIS + 7 * 86_400
        bundle = self._bytes32()
        invitation = {
            "provider": self.provider.address,
            "subject": self.patient.address,
            "number": 1,
            "expiresAt": expires_at,
        }
        acceptance = {**invitation, "bundle": bundle}
        self.figures["open"] = self._send(
            self.relayer,
            self.medrec.functions.open(
                self.patient.address,
                self.provider.address,
                expires_at,
                bundle,
                self._sign(self.provider, "Invitation", invitation, Invitation=_INVITATION),
                self._sign(self.patient, "Acceptance", acceptance, Acceptance=_ACCEPTANCE),
            ),
        )

    def _measure_anchors(self) -> None:
        def anchor(count: int) -> int:
            if count == 1:
                parcel = (self._bytes32(), self.random.randbytes(16))
                return self._send(self.provider, self.medrec.functions.anchorParcel(self.patient.address, *parcel))
            digests = [self._bytes32() for _ in range(count)]
            locators = self.random.randbytes(16 * count)
            return self._send(self.provider, self.medrec.functions.anchor(self.patient.address, digests, locators))

        self.figures["anchorFirst"] = anchor(1)
        self.figures["anchor1"] = anchor(1)
        self.figures["anchor100Total"] = anchor(100)
        self.figures["anchor100"] = math.ceil(self.figures["anchor100Total"] / 100)

    def _measure_batches(self) -> None:
        def batch() -> int:
            parcels = [(self._bytes32(), self.random.randbytes(16), self._bytes32()) for _ in range(1_000)]
            types = ["address", "uint32", "bytes32", "bytes16", "bytes32"]
            leaves = [keccak(keccak(encode(types, [self.patient.address, 1, *parcel]))) for parcel in parcels]
            root, proof = _merkle(leaves, 0)
            gas = self._send(self.provider, self.medrec.functions.anchorBatch(root, self._bytes32(), len(leaves)))
            found = self.medrec.functions.isInBatch(
                self.patient.address, self.provider.address, *parcels[0], root, proof
            ).call()
            if not found:
                raise RuntimeError("the first of the batch's parcels was not found in it")
            return gas

        self.figures["batchFirst"] = batch()
        self.figures["batch1000Total"] = batch()
        self.figures["batch1000"] = math.ceil(self.figures["batch1000Total"] / 1_000)

    def _measure_grants(self) -> None:
        functions = self.medrec.functions
        patient, viewer = self.patient, self.viewer

        terms, bundle = self._terms(), self._bytes32()
        grant_id, terms_hash = self._ids(patient, viewer, bundle, terms)
        self.figures["grant"] = self._send(
            patient, functions.grant(patient.address, viewer.address, bundle, terms_hash)
        )

        presented = [(patient.address, viewer.address, bundle, _on_chain(terms))]
        self.figures["permits"] = self._permits(presented, viewer)

        child, child_bundle = self._terms(parent=grant_id, delegations=0), self._bytes32()
        _, child_hash = self._ids(viewer, self.sub_viewer, child_bundle, child)
        self.figures["subGrant"] = self._send(
            viewer, functions.grant(patient.address, self.sub_viewer.address, child_bundle, child_hash)
        )
        presented.append((viewer.address, self.sub_viewer.address, child_bundle, _on_chain(child)))
        self.figures["permitsSubGrant"] = self._permits(presented, self.sub_viewer)

        self.figures["suspend"] = self._send(patient, functions.suspend(grant_id))
        self.figures["resume"] = self._send(patient, functions.resume(grant_id))
        self.figures["revoke"] = self._send(patient, functions.revoke(grant_id))

        terms, bundle = self._terms(), self._bytes32()
        grant_id, terms_hash = self._ids(patient, viewer, bundle, terms)
        message = {
            "subject": patient.address,
            "grantor": patient.address,
            "viewer": viewer.address,
            "bundle": bundle,
            "terms": terms,
        }
        signature = self._sign(patient, "Grant", message, Grant=_GRANT, Terms=_TERMS)
        self.figures["grantWithSig"] = self._send(
            self.relayer,
            functions.grantWithSig(patient.address, patient.address, viewer.address, bundle, terms_hash, signature),
        )
        signature = self._sign(
            patient, "Revocation", {"actor": patient.address, "id": grant_id}, Revocation=_REVOCATION
        )
        self.figures["revokeWithSig"] = self._send(
            self.relayer, functions.revokeWithSig(patient.address, grant_id, signature)
        )

    def _measure_delegates(self) -> None:
        functions, patient, delegate = self.medrec.functions, self.patient, self.viewer
        until = GENESIS + YEAR
        self.figures["nameDelegate"] = self._send(patient, functions.nameDelegate(delegate.address, until))
        terms, bundle = self._terms(), self._bytes32()
        grant_id, terms_hash = self._ids(patient, self.sub_viewer, bundle, terms)
        self._send(patient, functions.grant(patient.address, self.sub_viewer.address, bundle, terms_hash))
        message = {"actor": patient.address, "id": grant_id}
        signature = bytes.fromhex(delegate.address[2:]) + self._sign(
            delegate, "Revocation", message, Revocation=_REVOCATION
        )
        self.figures["revokeByDelegate"] = self._send(
            self.relayer, functions.revokeWithSig(patient.address, grant_id, signature)
        )

    def _measure_emergency(self) -> None:
        functions, patient, provider = self.emergency.functions, self.patient, self.provider
        terms, bundle = self._terms(), self._bytes32()
        terms_hash = self.medrec.functions.hashTerms(_on_chain(terms)).call()
        root = (patient.address, self.emergency.address, bundle, terms_hash)
        self._send(patient, self.medrec.functions.grant(*root))
        grant_id = self.medrec.functions.grantId(patient.address, *root).call()
        self.figures["prepare"] = self._send(patient, functions.prepare(grant_id, self._bytes32()))
        now = self.web3.eth.get_block("latest")["timestamp"]
        declaration = functions.declare(
            patient.address, now, now + DAY, self._bytes32(), self._bytes32(), self._bytes32(), self._bytes32()
        )
        declared_id = declaration.call({"from": provider.address})
        self.figures["declare"] = self._send(provider, declaration)
        self.figures["releaseKey"] = self._send(
            self.viewer, functions.release(patient.address, provider.address, declared_id, self._bytes32())
        )

    def _measure_guardians(self) -> None:
        functions, patient, guardian, heir = self.guardianship.functions, self.patient, self.viewer, self.sub_viewer
        salts = [self._bytes32() for _ in range(5)]
        people = [guardian, *(self._person() for _ in salts[1:])]
        leaves = [
            keccak(keccak(encode(["address", "address", "bytes32"], [patient.address, person.address, salt])))
            for person, salt in zip(people, salts, strict=True)
        ]
        root, proof = _merkle(leaves, 0)
        self.figures["setPlan"] = self._send(patient, functions.setPlan(root, 30 * DAY, 7 * DAY, self._bytes32()))
        life_sign = {"owner": patient.address, "turn": 1}
        signature = self._sign_for(self.guardianship, patient, "LifeSign", life_sign, LifeSign=_LIFE_SIGN)
        self.figures["lifeSign"] = self._send(self.relayer, functions.giveLifeSignWithSig(patient.address, signature))
        self._rpc("evm_increaseTime", 31 * DAY)
        announcement = {
            "owner": patient.address,
            "heir": heir.address,
            "guardian": guardian.address,
            "turn": 2,
        }
        signature = self._sign_for(
            self.guardianship, guardian, "Announcement", announcement, Announcement=_ANNOUNCEMENT
        )
        self.figures["announce"] = self._send(
            self.relayer,
            functions.announce(patient.address, heir.address, guardian.address, salts[0], proof, signature),
        )
        self._rpc("evm_increaseTime", 8 * DAY)
        self.figures["releaseShare"] = self._send(
            guardian, functions.release(patient.address, heir.address, salts[0], proof, self._bytes32())
        )

    def _permits(self, presented: list[tuple[Any, ...]], viewer: LocalAccount) -> int:
        """Execution gas of the view, for a request that it permits."""
        zero = "0x" + 40 * "0"
        request = (self.patient.address, viewer.address, zero, 3, 1, 1, 20_240_615)
        call = self.medrec.functions.permits(presented, request)
        if not call.call():
            raise RuntimeError("the request that is measured was refused")
        data = self.medrec.encode_abi("permits", [presented, request])
        trace = self._rpc("debug_traceCall", {"to": self.medrec.address, "data": data}, "latest", {})
        first, last = trace["structLogs"][0], trace["structLogs"][-1]
        return int(first["gas"]) - int(last["gas"]) + int(last["gasCost"])

    def _terms(self, parent: bytes = bytes(32), delegations: int = 1) -> dict[str, Any]:
        return {
            "agent": self.relayer.address,
            "classes": 1 << 3,
            "purposes": 1 << 1,
            "operations": 1,
            "startsAt": GENESIS,
            "expiresAt": GENESIS + YEAR // 2,
            "recordsFrom": 20_240_101,
            "recordsUntil": NO_LAST_DATE,
            "delegations": delegations,
            "parent": parent,
            "condition": "0x" + 40 * "0",
            "vocabulary": keccak(b"vocabulary"),
            "statement": "The clinic may read laboratory results since 2024 for treatment, until July 2026.",
            "salt": self._bytes32(),
        }

    def _ids(
        self, grantor: LocalAccount, viewer: LocalAccount, bundle: bytes, terms: dict[str, Any]
    ) -> tuple[bytes, bytes]:
        terms_hash = self.medrec.functions.hashTerms(_on_chain(terms)).call()
        subject = self.patient.address
        grant_id = self.medrec.functions.grantId(subject, grantor.address, viewer.address, bundle, terms_hash).call()
        return grant_id, terms_hash

    def _register(self) -> Any:
        return self.registrar.functions.register(self.random.randbytes(1_216), self._bytes32())

    def _sign(self, signer: LocalAccount, primary: str, message: dict[str, Any], **types: dict[str, str]) -> bytes:
        return self._sign_for(self.medrec, signer, primary, message, **types)

    def _sign_for(
        self, contract: Contract, signer: LocalAccount, primary: str, message: dict[str, Any], **types: dict[str, str]
    ) -> bytes:
        domain = {
            "name": contract.functions.eip712Domain().call()[1],
            "version": "1",
            "chainId": self.web3.eth.chain_id,
            "verifyingContract": contract.address,
        }
        fields = {name: [{"name": key, "type": kind} for key, kind in entry.items()] for name, entry in types.items()}
        signed = signer.sign_typed_data(
            full_message={
                "types": {
                    "EIP712Domain": [
                        {"name": "name", "type": "string"},
                        {"name": "version", "type": "string"},
                        {"name": "chainId", "type": "uint256"},
                        {"name": "verifyingContract", "type": "address"},
                    ],
                    **fields,
                },
                "primaryType": primary,
                "domain": domain,
                "message": message,
            }
        )
        return bytes(signed.signature)

    def _send(self, sender: LocalAccount, call: Any) -> int:
        """Signs, sends and waits; returns the gas that the node charged."""
        transaction = call.build_transaction(
            {
                "from": sender.address,
                "nonce": self.web3.eth.get_transaction_count(sender.address),
                "gas": 5_000_000,
                "maxFeePerGas": 10**10,
                "maxPriorityFeePerGas": 0,
            }
        )
        sent = self.web3.eth.send_raw_transaction(sender.sign_transaction(transaction).raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.01)
        if receipt["status"] != 1:
            raise RuntimeError(f"a transaction that is measured failed: {sent.hex()}")
        return int(receipt["gasUsed"])

    def _deploy(self, name: str, *arguments: Any) -> Contract:
        artifact = json.loads((ARTIFACTS / "out" / f"{name}.sol" / f"{name}.json").read_text())
        factory = self.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"]["object"])
        deployer = self.web3.eth.accounts[0]
        sent = factory.constructor(*arguments).transact({"from": deployer})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.01)
        deployed: Any = self.web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])
        return cast(Contract, deployed)

    def _person(self) -> LocalAccount:
        person: LocalAccount = Account.from_key(self.random.randbytes(32))
        self._rpc("anvil_setBalance", person.address, hex(10**20))
        return person

    def _bytes32(self) -> bytes:
        return self.random.randbytes(32)

    def _rpc(self, method: str, *params: Any) -> Any:
        answer = self.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


def _on_chain(terms: dict[str, Any]) -> tuple[Any, ...]:
    """The terms as the contract takes them: the sentence is there as its hash."""
    return tuple(keccak(text=value) if key == "statement" else value for key, value in terms.items())


def _merkle(leaves: list[bytes], position: int) -> tuple[bytes, list[bytes]]:
    """Root, and proof of one leaf, of the tree with sorted pairs; an odd node rises as it is."""
    proof = []
    level = leaves
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0] for pair in pairs]
        position //= 2
    return level[0], proof


@contextlib.contextmanager
def _node() -> Iterator[Web3]:
    """An Anvil of its own, on a free port of loopback."""
    anvil = shutil.which("anvil", path=ROOT / ".tools/bin") or shutil.which("anvil")
    if anvil is None:
        raise SystemExit("anvil was found neither in .tools/bin nor on PATH: run the set-up first")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [anvil, "--silent", "--host", "127.0.0.1", "--port", str(port), "--timestamp", str(GENESIS)]
    process = subprocess.Popen(command)
    try:
        web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
        for _ in range(200):
            if process.poll() is not None:
                raise SystemExit(f"anvil ended with status {process.returncode} before it answered")
            if web3.is_connected():
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"anvil did not answer on port {port} within 10 seconds")
        yield web3
    finally:
        process.terminate()
        process.wait()


def _failures(figures: dict[str, int], committed: dict[str, int]) -> list[str]:
    """What is above its limit, above its committed figure, or missing from either side."""
    failures = [
        f"{name}: {figures[name]:,} gas, the limit is {limit:,}"
        for name, limit in LIMITS.items()
        if figures[name] > limit and name not in MISSED
    ]
    failures += [
        f"{name}: within its limit now, it is no longer missed" for name in MISSED if figures[name] <= LIMITS[name]
    ]
    failures += [
        f"{name}: {figures[name]:,} gas, more than {TOLERANCE:.0%} above the committed {committed[name]:,}"
        for name in figures.keys() & committed.keys()
        if figures[name] > math.ceil(committed[name] * (1 + TOLERANCE))
    ]
    failures += [f"{name}: measured or committed, but not both" for name in figures.keys() ^ committed.keys()]
    return sorted(failures)


def main() -> int:
    """Measures, and compares; 1 when something costs too much."""
    parser = argparse.ArgumentParser(description="Gas of each act, measured on Anvil")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing")
    mode.add_argument("--update", action="store_true", help="replace the committed figures")
    chosen = parser.parse_args()

    forge = shutil.which("forge", path=ROOT / ".tools/bin") or "forge"
    command = [forge, "build", "contracts", "--out", str(ARTIFACTS / "out"), "--cache-path", str(ARTIFACTS / "cache")]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with _node() as web3:
        figures = Bench(web3).measure()

    width = max(map(len, figures))
    for name, gas in figures.items():
        limit = f"   limit {LIMITS[name]:>7,}" if name in LIMITS else ""
        missed = f"   missed, see {MISSED[name]}" if name in MISSED else ""
        print(f"{name:<{width}} {gas:>9,}{limit}{missed}")
    target = None if chosen.check else SNAPSHOT if chosen.update else RESULTS
    if target is not None:
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(figures, indent=2) + "\n")
    failures = _failures(figures, json.loads(SNAPSHOT.read_text()))
    for failure in failures:
        print(f"FAIL {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
