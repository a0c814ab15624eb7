"""NothingPersonal and Unlinkable: what everybody can see is searched for what nobody may see."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from client_world import ndjson, observation
from eth_hash.auto import keccak

from medrec_py import MedRec
from medrec_py.chain import EmbeddedChain
from medrec_py.client import Patient
from medrec_py.storage import FolderStore
from medrec_py.types.vocabulary import VOCABULARY

SHORTEST = 6
"""Characters from which on a value is searched for; shorter ones occur in random bytes."""


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _on_chain(network: MedRec) -> bytes:
    """Every byte that the chain makes public: calldata, and topics and data of every log."""
    chain = network.chain
    assert isinstance(chain, EmbeddedChain)
    eth = chain.web3.eth
    parts: list[bytes] = []
    for number in range(eth.block_number + 1):
        for transaction in eth.get_block(number, full_transactions=True).transactions:
            parts.append(bytes(transaction["data"]))
            for log in eth.get_transaction_receipt(transaction["hash"])["logs"]:
                parts += [bytes(topic) for topic in log["topics"]] + [bytes(log["data"])]
    return b"\n".join(parts)


def _in_state(network: MedRec) -> bytes:
    """Everything that the chain keeps: every storage slot there ever was, as a trie's node, beside blocks and code."""
    chain = network.chain
    assert isinstance(chain, EmbeddedChain)
    return b"\n".join(value for value in chain.node.store._cache.values() if value is not None)


def _in_store(network: MedRec) -> bytes:
    store = network.store
    assert isinstance(store, FolderStore)
    return b"\n".join(b"".join(store.chunks(cid)) for cid in store.pins())


@pytest.fixture(scope="module")
def record() -> bytes:
    return gzip.decompress((files("medrec_py.demo") / "patient.json.gz").read_bytes())


def test_nothing_personal(record: bytes) -> None:
    """NothingPersonal: no value of the record, no class, no unsalted hash of one is on chain, or clear in the store."""
    document: Any = json.loads(record)
    values = {value for value in _leaves(document) if len(value) >= SHORTEST}
    values |= {VOCABULARY.record_class(number).code for number in range(len(VOCABULARY.classes))}
    values = {value for value in values if len(value) >= SHORTEST}
    with MedRec.embedded() as network:
        hospital, clinic, patient = network.provider(), network.viewer(), network.patient()
        hospital.register(name="Hospital")
        clinic.register(name="Clinic")
        network.registrar().accredit(hospital.address)
        subject = patient.next_subject()
        patient.accept(hospital.invite(subject))
        hospital.publish(subject, record)
        grant = patient.grant(clinic.address, classes="laboratory", records_from="2015-06-15")
        patient.suspend(grant)
        patient.resume(grant)
        hospital.publish_many({subject: ndjson(observation("batched", "2024-01-01"))})
        patient.revoke(grant)
        head = patient._context.medrec.ledger_head(subject)
        on_chain, in_store = _on_chain(network) + _in_state(network), _in_store(network)
        statement = grant.terms.statement
    everywhere = on_chain + in_store

    assert len(values) > 1000
    assert [value for value in values | {statement} if value.encode() in everywhere] == []
    for hashed in (keccak, lambda data: hashlib.sha256(data).digest()):
        assert [value for value in values if hashed(value.encode()) in on_chain] == []
    resources = [entry["resource"] for entry in document["entry"]]
    raw_ids = [bytes.fromhex(item["id"].replace("-", "")) for item in resources if len(item.get("id", "")) == 36]
    assert raw_ids
    assert [raw for raw in raw_ids if raw in everywhere] == []
    assert hospital.address.lower()[2:] in on_chain.hex(), "the search finds what is in calldata"
    assert head in on_chain, "and what is in a slot"


def _public_bytes(network: MedRec, subject: str) -> set[bytes]:
    """All runs of eight bytes in what is public about one subject: its transactions' calldata, and its objects."""
    chain = network.chain
    assert isinstance(chain, EmbeddedChain)
    eth, raw = chain.web3.eth, bytes.fromhex(subject[2:])
    parts = []
    for number in range(eth.block_number + 1):
        for transaction in eth.get_block(number, full_transactions=True).transactions:
            if raw in bytes(transaction["data"]):
                parts.append(bytes(transaction["data"]))
    index = network.index
    digests = [entry.digest for entry in index.ledger(subject)]
    digests += [item.bundle for item in index.relationships(subject=subject)]
    digests += [item.bundle for item in index.grants(subject=subject)]
    parts += [network.store.get(digest) for digest in digests]
    runs = {part[at : at + 8] for part in parts for at in range(len(part) - 7)}
    # One random byte before seven of padding is shared by chance once in 256.
    return {run for run in runs if run.count(0) <= 2}


def test_unlinkable() -> None:
    """Unlinkable: two addresses of one patient share no eight bytes that they don't share with a stranger's as well."""
    with MedRec.embedded() as network:
        hospital, clinic = network.provider(), network.viewer()
        hospital.register(name="Hospital")
        clinic.register(name="Clinic")
        network.registrar().accredit(hospital.address)

        def live(patient: Patient, seed: int) -> str:
            # Acts of one second share that second, whoever does them (see the threat model): keep them apart.
            network.chain.travel(61)
            subject = patient.next_subject()
            patient.accept(hospital.invite(subject))
            hospital.publish(subject, ndjson(*(observation(f"{seed}-{at}", "2024-01-01") for at in range(20))))
            grant = patient.grant(
                clinic.address, classes="laboratory", records_from="2023-06-01", until=4102444800, subject=subject
            )
            hospital.publish(subject, ndjson(observation(f"{seed}-b", "2023-07-01")))
            patient.revoke(grant)
            return subject

        patient, stranger, other = network.patient(), network.patient(), network.patient()
        first, second = live(patient, 1), live(patient, 2)
        third, fourth = live(stranger, 3), live(other, 4)
        network.index.sync()
        one, two, three, four = (_public_bytes(network, subject) for subject in (first, second, third, fourth))
    # What everybody shares and one random byte beside it are shared by chance once in 256.
    common = {part for run in three | four for part in (run[:-1], run[1:])}
    assert [run for run in one & two if run[:-1] not in common and run[1:] not in common] == []
    assert one & two, "the search finds what everybody shares, such as function selectors and the hospital's address"
