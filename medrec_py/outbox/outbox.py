"""The outbox: accepts publications durably and sees each of them through, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from types import TracebackType
from typing import Self

from medrec_py.chain import Account, Call, Chain
from medrec_py.outbox.publication import (
    Publication,
    PublicationOutcome,
    PublicationReceipt,
    PublicationStatus,
    Step,
)
from medrec_py.storage import Store


class Outbox:
    """A journal of publications in a folder. Several processes and threads may share the folder.

    Args:
        path: Folder of the journal; made (mode 0700) when absent.
        store: Where parcels go.
        chain: Where they are anchored.
        confirmations: Blocks, the transaction's own included, that count as confirmed.
        timeout: Seconds to wait for a transaction before `submit` gives up waiting; the publication stays pending.
        observer: Called with each step as it is passed, and the publication's id.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        store: Store,
        chain: Chain,
        *,
        confirmations: int = 1,
        timeout: float = 120.0,
        observer: Callable[[Step, str], None] | None = None,
    ) -> None:
        raise NotImplementedError

    def submit(self, publication: Publication, account: Account) -> PublicationReceipt:
        """Publishes: `accept`, then store, pin, sign, anchor and confirm.

        Raises:
            PublicationPending: Store or chain did not answer. The publication is in the journal; `resume` finishes it.
            Refused: The chain refuses it; it stays in the journal as failed, for `retry` or `discard`.
            JournalUnavailable: It could not be accepted; nothing was published.
        """
        raise NotImplementedError

    def accept(self, publication: Publication, sender: str) -> str:
        """Takes a publication into the journal and does nothing else; returns its id. Never lost from here on."""
        raise NotImplementedError

    def resume(self, accounts: Iterable[Account] = ()) -> list[PublicationOutcome]:
        """Finishes what was begun, once. Those that another process works on are left to it.

        Args:
            accounts: Signers for those whose transaction is not signed yet, found by address.
        """
        raise NotImplementedError

    def pending(self) -> list[PublicationStatus]:
        """Publications that are neither confirmed nor failed, in the order of acceptance."""
        raise NotImplementedError

    def failed(self) -> list[PublicationStatus]:
        """Publications that the chain refused, with the reason."""
        raise NotImplementedError

    def find(self, key: str) -> PublicationStatus | None:
        """The publication that was accepted under this key."""
        raise NotImplementedError

    def receipt(self, id: str) -> PublicationReceipt | None:
        """The receipt of a confirmed publication."""
        raise NotImplementedError

    def retry(self, id: str, account: Account, calls: Iterable[Call] | None = None) -> PublicationReceipt:
        """Tries a failed publication once more, with other calls when given (a fresh `anchorWithSig`, say)."""
        raise NotImplementedError

    def discard(self, id: str, *, keep_objects: bool = False) -> None:
        """Forgets a failed publication and removes its parcels from the store, unless told to keep them."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives back files. May be called twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
