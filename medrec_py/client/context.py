"""What every role works with: one deployment on one chain, one store, one index of its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from medrec_py.chain import (
    Chain,
    Deployment,
    EmergencyContract,
    GuardianshipContract,
    MedRecContract,
    RegistrarContract,
)
from medrec_py.client.acts import Sender
from medrec_py.crypto import PublicKey
from medrec_py.errors import IntegrityError, InvalidInput, NoParticipantKey, Unavailable
from medrec_py.index import Index
from medrec_py.outbox import Outbox
from medrec_py.sealing import BundleContext, Place
from medrec_py.storage import Store
from medrec_py.types.json_values import parse
from medrec_py.types.ledger import LedgerEntry
from medrec_py.types.terms import Domain

NAME_CHARACTERS: Final = 100
"""Of a participant's name, as much as is shown."""


@dataclass(frozen=True)
class Context:
    """The network as a role sees it.

    Attributes:
        chain: The chain.
        deployment: Where the contracts stand on it.
        store: Where sealed objects are.
        index: The contracts' events.
        outbox: The journal of publications.
        relayer: Who relays signed acts unless a role names another; None for nobody.
    """

    chain: Chain
    deployment: Deployment
    store: Store
    index: Index
    outbox: Outbox
    relayer: Sender | None
    _ledgers: dict[str, list[LedgerEntry]] = field(default_factory=dict, repr=False)

    @cached_property
    def medrec(self) -> MedRecContract:
        """The contract of relationships, records and grants."""
        return MedRecContract(self.deployment, self.chain)

    @cached_property
    def registrar(self) -> RegistrarContract:
        """The contract of participants."""
        return RegistrarContract(self.deployment, self.chain)

    @cached_property
    def guardianship(self) -> GuardianshipContract:
        """The contract of guardians' plans."""
        return GuardianshipContract(self.deployment, self.chain)

    @cached_property
    def emergency(self) -> EmergencyContract:
        """The contract of emergencies."""
        return EmergencyContract(self.deployment, self.chain)

    @property
    def domain(self) -> Domain:
        """EIP-712 domain of the acts."""
        return self.deployment.medrec_domain

    def place(self, subject: str, author: str) -> Place:
        """The ledger of `subject`, entries of `author`."""
        return Place(self.deployment.chain_id, self.deployment.medrec, subject, author)

    def bundle_context(self, subject: str) -> BundleContext:
        """What key bundles about `subject` are bound to."""
        return BundleContext(self.deployment.chain_id, self.deployment.medrec, subject)

    def sync(self) -> Index:
        """The index, brought up to the chain's head."""
        report = self.index.sync()
        if report.events or report.rebuilt or report.rolled_back_to is not None:
            self._ledgers.clear()
        return self.index

    def ledger(self, subject: str) -> list[LedgerEntry]:
        """A subject's ledger as of the last `sync`; verification asks the index itself."""
        if subject not in self._ledgers:
            self._ledgers[subject] = self.index.ledger(subject)
        return self._ledgers[subject]

    def fetch(self, digests: Sequence[bytes]) -> list[bytes | IntegrityError | InvalidInput]:
        """Whole objects in the order asked for; in place of one that is missing, damaged or too large its error.

        Raises:
            Unavailable: The store does not answer.
        """
        try:
            return list(self.store.get_many(digests))
        except (IntegrityError, InvalidInput):
            pass  # one of them: so each is asked for on its own
        found: list[bytes | IntegrityError | InvalidInput] = []
        for digest in digests:
            try:
                found.append(self.store.get(digest))
            except (IntegrityError, InvalidInput) as error:
                found.append(error)
        return found

    def public_key(self, address: str) -> PublicKey:
        """The key that a participant registered, compared with the chain's own commitment.

        Raises:
            NoParticipantKey: It never registered.
            InvalidKey: What it registered is no key.
            IntegrityError: The index's registration is not the chain's.
        """
        participant = self.index.participant(address)
        if participant is None:
            raise NoParticipantKey(f"{address} has registered no key.", participant=address)
        if participant.registration != self.registrar.registration_of(address):
            raise IntegrityError(
                f"The registration of {address} in the index is not the one that the chain commits to.",
                hint="Delete the index and build it anew.",
                participant=address,
            )
        return PublicKey(participant.public_key)

    def descriptor(self, address: str) -> dict[str, Any]:
        """The public document about a participant; empty when it has none or it can't be had now."""
        participant = self.index.participant(address)
        if participant is None or not any(participant.descriptor):
            return {}
        try:
            document = parse(self.store.get(participant.descriptor, limit=1 << 20))
        except (Unavailable, IntegrityError, InvalidInput):
            # A name is a courtesy: without it people see the address, which is what everything rests on.
            return {}
        return document if isinstance(document, dict) else {}

    def name_of(self, address: str) -> str:
        """The name that a participant gives itself; empty when it gives none. Nobody vouches for it.

        It is one line of at most `NAME_CHARACTERS` characters that print: a name must not move a terminal's cursor.
        """
        name = self.descriptor(address).get("name", "")
        if not isinstance(name, str):
            return ""
        words = "".join(character if character.isprintable() else " " for character in name[: 4 * NAME_CHARACTERS])
        return " ".join(words.split())[:NAME_CHARACTERS]
