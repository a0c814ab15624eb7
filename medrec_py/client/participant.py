"""What every registered participant has: an account, a key to receive with, a public description."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from medrec_py.chain import Account, TransactionReceipt
from medrec_py.client.acts import Actor, Sender
from medrec_py.client.context import Context
from medrec_py.crypto import ParticipantKey, RootKey, participant_seed, root_from_signatures
from medrec_py.types.unlock import unlock_message


class Participant:
    """An account in the network.

    Args:
        context: The network.
        account: Who it is.
        root: The root key, for an account whose signatures differ each time; made from its signature when None.
        sender: Who relays its acts; None when it sends its own transactions.
    """

    def __init__(
        self, context: Context, account: Account, *, root: RootKey | None = None, sender: Sender | None = None
    ) -> None:
        self._context = context
        self._account = account
        self._given_root = root
        self._actor = Actor(account, context.medrec, context.registrar, sender)

    @property
    def address(self) -> str:
        """EIP-55 address."""
        return self._account.address

    @cached_property
    def root(self) -> RootKey:
        """The key that all others derive from; asks the account for two signatures the first time.

        Raises:
            UnsteadyWallet: The signatures differ, and no root was given.
        """
        if self._given_root is not None:
            return self._given_root
        message = unlock_message(self._context.domain, self.address)
        return root_from_signatures(self._account.sign_typed_data(message), self._account.sign_typed_data(message))

    @cached_property
    def key(self) -> ParticipantKey:
        """The X-Wing key pair that others seal to."""
        return ParticipantKey.from_seed(participant_seed(self.root, self.address))

    def register(self, *, name: str = "", **description: Any) -> TransactionReceipt:  # noqa: ANN401 (any JSON)
        """Publishes this participant's key and, when given, a public description of it.

        Args:
            name: What to call it. Nobody vouches for it but the accreditation.
            description: Further public facts, fit for JSON (`endpoint`, `country`, ...).
        """
        descriptor = bytes(32)
        if name or description:
            document = json.dumps({"name": name, **description}, sort_keys=True, ensure_ascii=False).encode()
            descriptor = self._context.store.put(document).digest
        return self._actor.submit(self._actor.register(self.key.public_key.data, descriptor))
