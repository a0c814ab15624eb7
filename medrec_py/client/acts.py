"""Acts on chain, sent by the one who acts or signed by them and sent by a relayer: two ways in, one path inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from medrec_py.chain import (
    Account,
    Call,
    Chain,
    Deployment,
    MedRecContract,
    RegistrarContract,
    TransactionReceipt,
    delegated,
    terms_hash,
)
from medrec_py.chain.abi import Function, artifact
from medrec_py.errors import InvalidInput, NoRelayer
from medrec_py.types.terms import Domain, PresentedGrant, grant_message, typed_data

RELAYED: Final = {
    "MedRec": (
        "open",
        "closeWithSig",
        "anchorWithSig",
        "retractWithSig",
        "grantWithSig",
        "revokeWithSig",
        "renounceWithSig",
        "suspendWithSig",
        "resumeWithSig",
        "revokeAgentWithSig",
        "nameDelegateWithSig",
        "dismissDelegateWithSig",
    ),
    "Registrar": ("registerWithSig",),
    "Guardianship": ("setPlanWithSig", "giveLifeSignWithSig", "proveLife", "announce"),
    "Emergency": ("prepareWithSig",),
}
"""The functions, by contract, whose callers don't matter because the signature says who acts."""


def relayed_functions(deployment: Deployment) -> dict[tuple[str, bytes], tuple[str, Function]]:
    """Every function that a relayer calls for others: contract and function, by address (EIP-55) and selector."""
    addresses = deployment.addresses
    return {
        (addresses[contract], function.selector): (contract, function)
        for contract, names in RELAYED.items()
        if contract in addresses
        for function in (artifact(contract).functions[name] for name in names)
    }


def require_signed_acts(deployment: Deployment, calls: Sequence[Call]) -> None:
    """Lets through what a relayer may send.

    Raises:
        InvalidInput: There is nothing, or one of the calls is not a signed act.
    """
    if not calls:
        raise InvalidInput("There is no act to relay.", hint="Give at least one.")
    relayed = relayed_functions(deployment)
    for call in calls:
        # What a call names itself counts for nothing: only where it goes, what it calls and what it would cost.
        if call.value or (call.to, call.data[:4]) not in relayed:
            raise InvalidInput(
                f"{call.name or 'A call'} to {call.to} is not a signed act.",
                hint="Sign it first; a relayer sends no other call and no ether.",
                function=call.name,
                to=call.to,
            )


def require_signatures_of_their_own(chain: Chain, call: Call, sender: str) -> None:
    """Lets through what would be done just as well if a stranger brought it.

    Contracts ask no signature of whoever calls: brought by a provider who relays, a relationship with that provider
    would open without an invitation. So whatever names the one who brings it is tried as a stranger's first.

    Raises:
        Refused: The mapped refusal, of the signature that is missing.
    """
    if bytes.fromhex(sender[2:]) in call.data:
        chain.call(call)


class Sender(Protocol):
    """Whoever brings signed acts to the chain."""

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Sends the acts, all or none, in one transaction."""


class Relayer:
    """Pays for other people's signed acts. It learns nothing that the chain does not show, and can change nothing.

    Args:
        chain: Where to.
        account: Pays.
    """

    def __init__(self, chain: Chain, account: Account) -> None:
        self._chain = chain
        self._account = account

    @property
    def address(self) -> str:
        """Address that pays."""
        return self._account.address

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Sends the acts, all or none, in one transaction, after a simulation.

        Raises:
            InvalidInput: One of them is not a signed act.
            Refused: The contracts refuse one of them; nothing was sent.
        """
        require_signed_acts(self._chain.deployment, calls)
        require_signatures_of_their_own(self._chain, self._chain.one_call(calls), self.address)
        return self._chain.send(self._account, list(calls) if len(calls) > 1 else calls[0])


class Actor:
    """An account and how its acts reach the chain: by itself, or signed and relayed.

    Args:
        account: Who acts.
        medrec: The contract.
        registrar: The registrar's contract.
        sender: Who relays; None when the account sends its own transactions.
        after: Called after every act that reached the chain.
    """

    def __init__(
        self,
        account: Account,
        medrec: MedRecContract,
        registrar: RegistrarContract,
        sender: Sender | None,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._after = after
        self._account = account
        self._medrec = medrec
        self._registrar = registrar
        self._sender = sender

    @property
    def address(self) -> str:
        """Who acts."""
        return self._account.address

    def submit(self, *calls: Call) -> TransactionReceipt:
        """Brings acts to the chain, all or none."""
        if self._sender is not None:
            receipt = self._sender.relay(calls)
        else:
            receipt = self._medrec.chain.send(self._account, list(calls) if len(calls) > 1 else calls[0])
        if self._after is not None:
            self._after()
        return receipt

    def sign(self, primary_type: str, message: dict[str, Any], domain: Domain | None = None) -> bytes:
        """Signs an act for a contract, `MedRec` when no domain of another one is given."""
        return self._account.sign_typed_data(typed_data(domain or self._medrec.domain, primary_type, message))

    @property
    def quiet(self) -> Actor:
        """The same one; nothing follows what it does."""
        return Actor(self._account, self._medrec, self._registrar, self._sender)

    def require_sender(self) -> None:
        """Refuses to begin what nobody would bring to the chain.

        Raises:
            NoRelayer: It acts by signature only, and nobody relays.
        """
        if isinstance(self._sender, Nobody):
            self._sender.relay(())

    @property
    def is_relayed(self) -> bool:
        """Whether its acts are signed and sent by somebody else."""
        return self._sender is not None

    # ── relationships ──

    def close(self, subject: str, provider: str) -> Call:
        """Ends a relationship."""
        if self._sender is None:
            return self._medrec.close(subject, provider)
        number = self._medrec.relationship_of(subject, provider).number
        signature = self.sign("Closure", {"subject": subject, "provider": provider, "number": number})
        return self._medrec.close_with_sig(subject, provider, self.address, signature)

    # ── records ──

    def anchor(self, subject: str, digests: Sequence[bytes], locators: Sequence[bytes]) -> Call:
        """Anchors parcels that this account is the author of."""
        if self._sender is None and len(digests) == 1:
            return self._medrec.anchor_parcel(subject, digests[0], locators[0])
        if self._sender is None:
            return self._medrec.anchor(subject, digests, locators)
        return self.signed_anchor(subject, digests, locators)

    def signed_anchor(self, subject: str, digests: Sequence[bytes], locators: Sequence[bytes]) -> Call:
        """Anchors by signature, for the ledger's head of this moment: it counts once, whoever sends it."""
        message = {
            "subject": subject,
            "author": self.address,
            "head": self._medrec.ledger_head(subject),
            "digests": list(digests),
            "locators": b"".join(locators),
        }
        signature = self.sign("Anchor", message)
        return self._medrec.anchor_with_sig(subject, self.address, digests, locators, signature)

    def retract(self, subject: str, digest: bytes, replacement: bytes) -> Call:
        """Marks a parcel as entered in error."""
        if self._sender is None:
            return self._medrec.retract(subject, digest, replacement)
        message = {
            "subject": subject,
            "author": self.address,
            "head": self._medrec.ledger_head(subject),
            "digest": digest,
            "replacement": replacement,
        }
        signature = self.sign("Retraction", message)
        return self._medrec.retract_with_sig(subject, self.address, digest, replacement, signature)

    # ── grants ──

    def grant(self, subject: str, presented: PresentedGrant) -> Call:
        """Grants what the terms say."""
        hashed = terms_hash(presented.terms)
        if self._sender is None:
            return self._medrec.grant(subject, presented.viewer, presented.bundle, hashed)
        signature = self.sign("Grant", grant_message(subject, presented))
        return self._medrec.grant_with_sig(subject, self.address, presented.viewer, presented.bundle, hashed, signature)

    def revoke(self, id: bytes) -> Call:
        """Withdraws a grant for good."""
        if self._sender is None:
            return self._medrec.revoke(id)
        signature = self.sign("Revocation", {"actor": self.address, "id": id})
        return self._medrec.revoke_with_sig(self.address, id, signature)

    def renounce(self, subject: str, presented: PresentedGrant, id: bytes) -> Call:
        """Gives a grant back."""
        hashed = terms_hash(presented.terms)
        if self._sender is None:
            return self._medrec.renounce(subject, presented.grantor, presented.bundle, hashed)
        signature = self.sign("Renunciation", {"viewer": self.address, "id": id})
        return self._medrec.renounce_with_sig(
            subject, presented.grantor, self.address, presented.bundle, hashed, signature
        )

    def suspend(self, id: bytes) -> Call:
        """Pauses a grant."""
        if self._sender is None:
            return self._medrec.suspend(id)
        turn = self._medrec.grant_state(self.address, id).turn
        signature = self.sign("Suspension", {"grantor": self.address, "id": id, "turn": turn})
        return self._medrec.suspend_with_sig(self.address, id, signature)

    def resume(self, id: bytes) -> Call:
        """Ends the pause."""
        if self._sender is None:
            return self._medrec.resume(id)
        turn = self._medrec.grant_state(self.address, id).turn
        signature = self.sign("Resumption", {"grantor": self.address, "id": id, "turn": turn})
        return self._medrec.resume_with_sig(self.address, id, signature)

    def revoke_agent(self, id: bytes) -> Call:
        """Dismisses the agent of a grant."""
        if self._sender is None:
            return self._medrec.revoke_agent(id)
        signature = self.sign("AgentRevocation", {"actor": self.address, "id": id})
        return self._medrec.revoke_agent_with_sig(self.address, id, signature)

    # ── delegates ──

    def name_delegate(self, delegate: str, expires_at: int) -> Call:
        """Lets somebody withdraw in this account's name."""
        if self._sender is None:
            return self._medrec.name_delegate(delegate, expires_at)
        turn = self._medrec.delegation_of(self.address, delegate).turn
        message = {"subject": self.address, "delegate": delegate, "expiresAt": expires_at, "turn": turn}
        signature = self.sign("Delegation", message)
        return self._medrec.name_delegate_with_sig(self.address, delegate, expires_at, signature)

    def dismiss_delegate(self, subject: str, delegate: str) -> Call:
        """Ends what is between a subject and a delegate, as either of them."""
        if self._sender is None:
            return self._medrec.dismiss_delegate(subject, delegate)
        turn = self._medrec.delegation_of(subject, delegate).turn
        signature = self.sign("Dismissal", {"subject": subject, "delegate": delegate, "turn": turn})
        return self._medrec.dismiss_delegate_with_sig(subject, delegate, self.address, signature)

    def revoke_for(self, subject: str, id: bytes) -> Call:
        """Withdraws a grant in the name of a subject whose delegate this is."""
        return self._medrec.revoke_with_sig(subject, id, self._as_delegate("Revocation", {"actor": subject, "id": id}))

    def suspend_for(self, subject: str, id: bytes) -> Call:
        """Pauses a grant in a subject's name."""
        turn = self._medrec.grant_state(subject, id).turn
        message = {"grantor": subject, "id": id, "turn": turn}
        return self._medrec.suspend_with_sig(subject, id, self._as_delegate("Suspension", message))

    def revoke_agent_for(self, subject: str, id: bytes) -> Call:
        """Dismisses the agent of a grant in a subject's name."""
        message = {"actor": subject, "id": id}
        return self._medrec.revoke_agent_with_sig(subject, id, self._as_delegate("AgentRevocation", message))

    def close_for(self, subject: str, provider: str) -> Call:
        """Ends a relationship in a subject's name."""
        number = self._medrec.relationship_of(subject, provider).number
        message = {"subject": subject, "provider": provider, "number": number}
        return self._medrec.close_with_sig(subject, provider, subject, self._as_delegate("Closure", message))

    def _as_delegate(self, primary_type: str, message: dict[str, Any]) -> bytes:
        return delegated(self.address, self.sign(primary_type, message))

    # ── registration ──

    def register(self, public_key: bytes, descriptor: bytes) -> Call:
        """Publishes or replaces this account's key."""
        if self._sender is None:
            return self._registrar.register(public_key, descriptor)
        message = {
            "participant": self.address,
            "previous": self._registrar.registration_of(self.address),
            "publicKey": public_key,
            "descriptor": descriptor,
        }
        signature = self._account.sign_typed_data(typed_data(self._registrar.domain, "Registration", message))
        return self._registrar.register_with_sig(self.address, public_key, descriptor, signature)


class Nobody:
    """Stands where a relayer was not named: looking on needs none, and whoever acts is told how to name one.

    Args:
        who: Who would need one.
    """

    def __init__(self, who: str) -> None:
        self._who = who

    def relay(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Sends nothing.

        Raises:
            NoRelayer: Always.
        """
        raise NoRelayer(f"{self._who} acts by signature only, and nobody relays.", actor=self._who)
