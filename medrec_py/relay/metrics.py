"""What a relayer counts, for Prometheus: how much and how often, never who."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""Media type of `Metrics.text`."""


class Metrics:
    """The counters of one relayer, in a registry of their own.

    Attributes:
        acts: Acts by what became of them.
        refusals: Requests refused, by the name of the error.
        gas: Gas used.
        repriced: Transactions signed anew at a higher fee, or not because of the limit.
        healed: Nonces used up to close a gap, and acts signed anew because others took their nonce.
        troubles: Rounds of the background work that failed, by the name of the error.
        waiting: Acts on their way.
        balance: Wei in the account when it was looked at last.
        gas_left: Gas left of today's budget.
        seconds: Time from signing to the end.
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.acts = Counter("medrec_relay_acts", "Acts by what became of them", ["status"], registry=registry)
        self.refusals = Counter("medrec_relay_refusals", "Requests refused", ["error"], registry=registry)
        self.gas = Counter("medrec_relay_gas", "Gas used by finished acts", registry=registry)
        self.repriced = Counter("medrec_relay_repriced", "Waiting transactions priced anew", ["how"], registry=registry)
        self.healed = Counter("medrec_relay_healed", "Gaps and stolen nonces mended", ["what"], registry=registry)
        self.troubles = Counter("medrec_relay_troubles", "Rounds that failed", ["error"], registry=registry)
        self.waiting = Gauge("medrec_relay_waiting", "Acts on their way", registry=registry)
        self.balance = Gauge("medrec_relay_balance_wei", "Wei in the relayer's account", registry=registry)
        self.gas_left = Gauge("medrec_relay_gas_left", "Gas left of today's budget", registry=registry)
        self.seconds = Histogram(
            "medrec_relay_seconds",
            "Seconds from pricing an act last to its end",
            buckets=(0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 900),
            registry=registry,
        )

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
