"""The registrar: vouches for participants, at once or after the delay that the deployment asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from medrec_py.chain import Account, Call, TransactionReceipt
from medrec_py.client.context import Context
from medrec_py.errors import InvalidInput, Refused
from medrec_py.types.moments import MomentLike, moment
from medrec_py.types.terms import ZERO_BYTES32

ROLES: Final = {"provider": 1, "gateway": 2, "emergency": 4}
"""Roles that a registrar vouches for, by name; the numbers are those of `contracts/interfaces/IRegistrar.sol`."""

YEAR: Final = 31556952
"""Seconds of an average Gregorian year."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An administrative act that was announced and waits for its delay.

    Attributes:
        act: The function's name.
        executable_at: Unix time from which the same call, repeated, executes it.
        receipt: The announcement.
    """

    act: str
    executable_at: int
    receipt: TransactionReceipt


class Registrar:
    """Accredits participants through the AccessManager.

    Args:
        context: The network.
        account: An accreditor or guardian of the deployment, or its administrator.
    """

    def __init__(self, context: Context, account: Account) -> None:
        self._context = context
        self._account = account

    @property
    def address(self) -> str:
        """EIP-55 address."""
        return self._account.address

    def accredit(
        self,
        participant: str,
        roles: Iterable[str] = ("provider",),
        *,
        until: MomentLike | None = None,
        credential: bytes = ZERO_BYTES32,
    ) -> TransactionReceipt | Scheduled:
        """Vouches for a registered participant.

        Where the deployment asks for a delay, the first call announces it and the same call after it executes it.

        Args:
            participant: Whom.
            roles: Names of `ROLES`.
            until: When it ends; two years from now when None.
            credential: Digest of the evidence, 32 bytes.

        Raises:
            InvalidInput: Unknown role; names it.
            Refused: The account may not, or the participant is not registered.
        """
        mask = 0
        for role in roles:
            if role not in ROLES:
                raise InvalidInput(f"There is no role {role!r}.", hint=f"Roles are {', '.join(ROLES)}.", role=role)
            mask |= ROLES[role]
        # The default counts from midnight, so that an announced act and its execution are the same call all day.
        today = self._context.chain.now() // 86400 * 86400
        expires_at = today + 2 * YEAR if until is None else moment(until)
        return self._administer(self._context.registrar.accredit(participant, mask, expires_at, credential))

    def withdraw_accreditation(self, participant: str) -> TransactionReceipt | Scheduled:
        """No longer vouches for a participant; guardians do so without a delay."""
        return self._administer(self._context.registrar.withdraw_accreditation(participant))

    def publish_vocabulary(self, vocabulary: bytes) -> TransactionReceipt | Scheduled:
        """Publishes the hash of a table of classes and purposes."""
        return self._administer(self._context.registrar.publish_vocabulary(vocabulary))

    def _administer(self, call: Call) -> TransactionReceipt | Scheduled:
        registrar, chain = self._context.registrar, self._context.chain
        delay = registrar.required_delay(self.address, call)
        if delay is None:
            raise Refused(
                f"{self.address} may not call {call.name}.",
                hint="Use the account of an accreditor, or ask the administrator to make this account one.",
                caller=self.address,
                function=call.name,
            )
        if delay == 0:
            return chain.send(self._account, call)
        executable_at = registrar.executable_at(self.address, call)
        if executable_at == 0:
            receipt = chain.send(self._account, registrar.schedule(call))
            return Scheduled(call.name, registrar.executable_at(self.address, call), receipt)
        return chain.send(self._account, registrar.execute(call))
