"""What a patient grants, withdraws and re-keys, at every address that is theirs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from medrec_py.chain import Account, TransactionReceipt
from medrec_py.client.acts import Sender
from medrec_py.client.cases import Case, Cases, LostWallet
from medrec_py.client.context import Context
from medrec_py.client.cutting import cut
from medrec_py.client.grants import (
    GrantBook,
    OpenedGrant,
    make_terms,
    of_consequence,
    seal_grant,
    withdrawn_if_declined,
)
from medrec_py.client.participant import Participant
from medrec_py.client.rekeying import Rekeying
from medrec_py.client.results import (
    Fault,
    Grant,
    Rekeyed,
)
from medrec_py.crypto import RootKey
from medrec_py.errors import UnknownGrant
from medrec_py.types.moments import DayLike, MomentLike
from medrec_py.types.statement import Language
from medrec_py.types.terms import (
    ZERO_BYTES32,
    Operation,
    PresentedGrant,
)


class Granting(Participant):
    """A wallet whose addresses are subjects, and the grants about them.

    Args:
        context: The network.
        wallet: The wallet. It alone is enough to find everything again on another device.
        wallet_mode: Whether the wallet's own address is the subject.
        sender: Who relays. In wallet mode None means that the wallet sends its own transactions.
        root: The root key, for a wallet whose signatures differ each time.
    """

    def __init__(
        self,
        context: Context,
        wallet: Account,
        *,
        wallet_mode: bool = False,
        sender: Sender | None = None,
        root: RootKey | None = None,
    ) -> None:
        super().__init__(context, wallet, root=root, sender=sender)
        self.wallet_mode = wallet_mode
        self._sender = sender
        self._books: dict[str, GrantBook] = {}

    @cached_property
    def _cases(self) -> Cases:
        return Cases(
            self._context,
            self._account,
            self.root,
            wallet_mode=self.wallet_mode,
            sender=self._sender,
            after_act=self._after_act,
        )

    def _after_act(self, subject: str) -> None:
        """Called with the address after every act by one of the wallet's own."""

    def grant(
        self,
        viewer: str,
        *,
        classes: Iterable[str | int] | str,
        purposes: Iterable[str | int] | str = "TREAT",
        operations: Operation = Operation.READ,
        starts: MomentLike | None = None,
        until: MomentLike | None = None,
        records_from: DayLike | None = None,
        records_until: DayLike | None = None,
        agent: str | None = None,
        delegations: int = 0,
        condition: str | None = None,
        subject: str | None = None,
        language: Language = "en",
    ) -> Grant:
        """Lets `viewer` use records of some classes for some purposes.

        Args:
            viewer: Address of a registered participant.
            classes: Codes or numbers of record classes; `all` for every class.
            purposes: Codes or numbers of HL7 purposes of use.
            operations: What the viewer may do.
            starts: From when; now when None.
            until: First moment at which it no longer holds; None: until revoked.
            records_from: First day of the records covered; None for no bound.
            records_until: Last day; None for no bound.
            agent: Address of software that may act for the viewer.
            delegations: How often the viewer may pass it on.
            condition: Address of a condition contract that must hold.
            subject: Which of the patient's addresses; may be left out while there is only one with records.
            language: Language of the sentence that the wallet shows.

        Raises:
            InvalidInput: Something names no class, purpose or moment, or the subject is not plain.
            NoParticipantKey: The viewer has registered no key.
        """
        context = self._context
        context.sync()
        case = self._cases.granting(subject)
        terms = make_terms(
            viewer,
            classes=classes,
            purposes=purposes,
            operations=operations,
            starts=starts,
            until=until,
            records_from=records_from,
            records_until=records_until,
            agent=agent,
            delegations=delegations,
            condition=condition,
            language=language,
            now=context.chain.now(),
        )
        recipient = context.public_key(viewer)
        cutting = cut(context, case.holdings(case.trees(context)), terms)
        draft = PresentedGrant(case.subject, viewer, ZERO_BYTES32, terms)
        presented = seal_grant(context, case.subject, (draft,), cutting, case.key.public_key, [recipient])
        with withdrawn_if_declined(context, [*cutting.digests, presented.bundle]):
            case.actor.submit(case.actor.grant(case.subject, presented))
        context.sync()
        return next(opened.grant for opened in self._opened(case) if opened.grant.presented.bundle == presented.bundle)

    def grants(self) -> list[Grant]:
        """Every grant about this patient, ended ones and sub-grants included.

        Raises:
            IntegrityError: A grant of the patient's own can't be shown, because its key bundle was lost or altered. It
                can be revoked all the same: `audit` and the index have its id.
        """
        self._context.sync()
        return [opened.grant for case in self._cases.used() for opened in self._opened(case, strict=True)]

    def revoke(self, grant: Grant | bytes, *, rekey: bool = True) -> TransactionReceipt:
        """Withdraws a grant, or a sub-grant of anybody's, for good, and then changes the keys it had handed over.

        Args:
            grant: The grant or its id.
            rekey: Whether to change the keys at once. Until it is done, what providers publish is sealed to the
                patient alone; `rekey` does it later.

        Returns:
            The receipt of the revocation itself.
        """
        case, id = self._case_and_id(grant)
        receipt = case.actor.submit(case.actor.revoke(id))
        if rekey:
            # Of this address alone: acts of two addresses in one moment would tie them together.
            self._context.sync()
            self._update([case])
        return receipt

    def suspend(self, grant: Grant | bytes) -> TransactionReceipt:
        """Pauses a grant. Keys that were handed over stay with the viewer: what it saw it can still see."""
        case, id = self._case_and_id(grant)
        return case.actor.submit(case.actor.suspend(id))

    def resume(self, grant: Grant | bytes) -> TransactionReceipt:
        """Ends the pause."""
        case, id = self._case_and_id(grant)
        return case.actor.submit(case.actor.resume(id))

    def revoke_agent(self, grant: Grant | bytes) -> TransactionReceipt:
        """Dismisses the software that acts for a grant's viewer; the grant itself stays."""
        case, id = self._case_and_id(grant)
        return case.actor.submit(case.actor.revoke_agent(id))

    def rekey(self) -> Rekeyed:
        """Changes the keys of every class that an ended grant covered, and brings the remaining viewers up to date.

        Ended are revoked, renounced and expired grants. Viewers get the new keys, those of relationships opened since
        their grant, and excerpts of what was published since. Safe to repeat: with nothing to do it does nothing.

        All addresses are re-keyed one after the other, in one transaction each.

        Returns:
            The receipts; `faults` names who could not be handed any key, because what it registered is none.
        """
        self._context.sync()
        cases = self._cases.used()
        return Rekeyed(self._update(cases), self._unusable(cases))

    # ── internals ──

    def _update(self, cases: list[Case]) -> list[TransactionReceipt]:
        receipts = []
        for case in cases:
            if isinstance(case.account, LostWallet):
                continue  # nobody signs for it; what its grants cover is written no more once it was moved
            receipt = Rekeying(self._context, case, case.trees(self._context)).run(self._opened(case))
            if receipt is not None:
                receipts.append(receipt)
        if receipts:
            self._context.sync()
        return receipts

    def _unusable(self, cases: list[Case]) -> list[Fault]:
        return [
            fault
            for case in cases
            for fault in Rekeying(self._context, case, case.trees(self._context)).unusable(self._opened(case))
        ]

    def _opened(self, case: Case, *, strict: bool = False) -> list[OpenedGrant]:
        if case.subject not in self._books:
            self._books[case.subject] = GrantBook(self._context, case.key)
        items = of_consequence(self._context.index.grants(subject=case.subject), case.subject)
        return self._books[case.subject].open_all(items, own=case.subject if strict else None)

    def _case_and_id(self, grant: Grant | bytes) -> tuple[Case, bytes]:
        self._context.sync()
        id = grant if isinstance(grant, bytes) else grant.id
        item = self._context.index.grant(id)
        case = None if item is None else self._cases.of(item.subject)
        if case is None:
            raise UnknownGrant(f"No grant {id.hex()} is about this patient.", id=id)
        return case, id
