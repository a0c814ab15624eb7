"""The SDK against a plain model: whatever people do in whatever order, reads give what was granted and nothing else.

On the embedded network here; `tests/integration/client/test_client_servers.py` runs the same machine on Anvil.
"""

from __future__ import annotations

from client_machine import consent_machine
from client_world import World


def test_consent_in_any_order_on_the_embedded_network(world: World) -> None:
    """RevocationIsFinal, AttenuationOnly, RevokedMeansBlind: see `consent_machine`."""
    consent_machine(world.network, world.hospital, [world.clinic, world.specialist], examples=12, steps=18)
