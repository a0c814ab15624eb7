"""What a relayer gives away: gas by the day, acts by the minute, and to whom, counted without keeping who it was."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from medrec_py.errors import RelayBudgetSpent, RelayTooOften

DAY: Final = 86_400
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Limits of a relayer. Gas is counted as it is set aside, which is up to a quarter more than is used.

    Attributes:
        gas_per_day: Gas for everybody's acts in a UTC day.
        withdrawing_gas_per_day: The part of it that only withdrawing acts may use, so that whoever can act no more
            because others were many can still revoke.
        gas_per_signer: Gas for one signer's acts in a UTC day; in private mode a signer is one relationship.
        gas_per_act: Gas of one transaction.
        calls_per_act: Calls of one transaction.
        acts_per_minute: Acts of one signer.
        requests_per_minute: Requests of one network address.
        body_bytes: Length of a request; nodes take transactions of 128 KiB, which are 256 KiB in hexadecimal.
        max_fee_per_gas: Wei per gas above which nothing is sent, and to which a waiting transaction's fee is raised.
        reprice_after_blocks: Blocks after which a transaction that still waits is signed anew, dearer.
        reprice_after_seconds: The same where no blocks come.
        forget_after_seconds: How long a finished act can be asked about.
    """

    gas_per_day: int = 200_000_000
    withdrawing_gas_per_day: int = 50_000_000
    gas_per_signer: int = 20_000_000
    gas_per_act: int = 8_000_000
    calls_per_act: int = 32
    acts_per_minute: int = 30
    requests_per_minute: int = 600
    body_bytes: int = 320_000
    max_fee_per_gas: int = 200 * 10**9
    reprice_after_blocks: int = 3
    reprice_after_seconds: float = 20.0
    forget_after_seconds: float = 3600.0

    def to_json(self) -> dict[str, int | float]:
        """The limits by their names in JSON."""
        return {_camel(name): value for name, value in asdict(self).items()}


class Meter:
    """Counts by signer and by network address, under names that nobody can turn back.

    The name is an HMAC under a key that lives in memory and is replaced each day, with all counts: neither a copy of
    the memory's counts nor of anything written says who acted on an earlier day.

    Args:
        limits: What is allowed.
    """

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._day = -1
        self._minute = -1
        self._key = b""
        self._gas: Counter[bytes] = Counter()
        self._acts: Counter[bytes] = Counter()
        self._requests: Counter[bytes] = Counter()

    def request(self, address: str, now: float) -> None:
        """Counts a request of a network address.

        Raises:
            RelayTooOften: There were too many in this minute.
        """
        self._turn(now)
        name = self.name(address)
        if self._requests[name] >= self._limits.requests_per_minute:
            raise too_often(f"{self._limits.requests_per_minute} requests came from this address in a minute.", now)
        self._requests[name] += 1

    def require_room(self, signers: Iterable[str], gas: int, now: float) -> None:
        """Lets an act through that its signers may still do today.

        Raises:
            RelayTooOften: A signer acted too often in this minute.
            RelayBudgetSpent: It would take a signer's gas of this day.
        """
        self._turn(now)
        for name in map(self.name, signers):
            if self._acts[name] >= self._limits.acts_per_minute:
                raise too_often(f"{self._limits.acts_per_minute} acts were relayed for this signer in a minute.", now)
            if self._gas[name] + gas > self._limits.gas_per_signer:
                raise RelayBudgetSpent(
                    f"This act would take {gas} gas; {max(0, self._limits.gas_per_signer - self._gas[name])} are left "
                    "for this signer today.",
                    retry_after=until_tomorrow(now),
                )

    def count(self, signers: Iterable[str], gas: int, now: float) -> None:
        """Counts an act that was accepted."""
        self._turn(now)
        for name in map(self.name, signers):
            self._acts[name] += 1
            self._gas[name] += gas

    def name(self, address: str) -> bytes:
        """What an address is called today, 16 bytes."""
        return hmac.digest(self._key, address.lower().encode(), hashlib.sha256)[:16]

    def _turn(self, now: float) -> None:
        if int(now // DAY) != self._day:
            self._day = int(now // DAY)
            self._key = secrets.token_bytes(32)
            self._gas.clear()
            self._minute = -1
        if int(now // _MINUTE) != self._minute:
            self._minute = int(now // _MINUTE)
            self._acts.clear()
            self._requests.clear()


def too_often(sentence: str, now: float) -> RelayTooOften:
    """The refusal until the next minute begins."""
    return RelayTooOften(sentence, retry_after=_MINUTE - int(now) % _MINUTE)


def until_tomorrow(now: float) -> int:
    """Seconds until the next UTC day."""
    return DAY - int(now) % DAY


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
