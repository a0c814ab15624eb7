"""How much may be asked for: buckets that refill evenly (as in RFC 2697), one for all callers and one for each."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_CALLERS: Final = 10_000
"""Callers that are remembered; the one that was silent for longest is forgotten for a new one."""


class Allowance:
    """Units (bytes, requests) that may be taken at once, and how fast they come back.

    Callers are remembered under a keyed hash, with a key of this process: their addresses are kept nowhere.

    Args:
        overall: Units that all callers together may take in a period.
        each: Units that one caller may take in a period.
        period: Seconds in which an empty bucket fills.
        clock: Seconds, never going back.
    """

    def __init__(
        self, overall: int, each: int, period: float = 3600.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._overall = overall
        self._each = each
        self._period = period
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._common = (float(overall), clock())
        self._callers: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, units: int) -> float:
        """Takes units, all or none.

        Returns:
            0 when they were taken, else seconds until there will be enough, or `inf` if there never will.
        """
        name = hmac.digest(self._key, caller.encode(), hashlib.sha256)
        with self._lock:
            now = self._clock()
            common = self._filled(self._common, self._overall, now)
            own = self._filled(self._callers.pop(name, (float(self._each), now)), self._each, now)
            missing = max(
                self._wait(units - common, units, self._overall),
                self._wait(units - own, units, self._each),
            )
            taken = 0 if missing else units
            self._common = (common - taken, now)
            self._callers[name] = (own - taken, now)
            while len(self._callers) > _CALLERS:
                self._callers.popitem(last=False)
            return missing

    def _filled(self, bucket: tuple[float, float], capacity: int, now: float) -> float:
        level, since = bucket
        return min(float(capacity), level + (now - since) * capacity / self._period)

    def _wait(self, lacking: float, units: int, capacity: int) -> float:
        if lacking <= 0:
            return 0.0
        return float("inf") if units > capacity else lacking * self._period / capacity
