"""`config.json`: what tells the page which network it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from medrec_py.chain import Deployment
from medrec_py.types.vocabulary import VOCABULARY

_CHAIN_NAMES: Final = {
    1: "Ethereum",
    10: "OP Mainnet",
    100: "Gnosis",
    1337: "MedRec (embedded)",
    8453: "Base",
    31337: "Local development chain",
    42161: "Arbitrum One",
    11155111: "Sepolia",
}
"""What people call chains, by EIP-155 id; a wallet shows it when it is asked to add the chain."""


@dataclass(frozen=True, slots=True)
class PageConfig:
    """The content of `config.json`. Addresses are relative to the page, or absolute.

    Attributes:
        deployment: Where the contracts stand.
        rpc: JSON-RPC address.
        ipfs: Address that a CID is appended to.
        objects: Takes new objects; None where the page can only read.
        relay: Relayers, tried in this order.
    """

    deployment: Deployment
    rpc: str = "rpc"
    ipfs: str = "ipfs/"
    objects: str | None = "objects"
    relay: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As the page reads it (`NetworkConfig` in `web/src/client/api.ts`)."""
        placed = self.deployment
        chain_id = placed.chain_id
        return {
            "chainId": chain_id,
            "chainName": _CHAIN_NAMES.get(chain_id, f"Chain {chain_id}"),
            "rpc": self.rpc,
            "ipfs": self.ipfs,
            "objects": self.objects,
            "relay": list(self.relay),
            "contracts": {
                "medrec": placed.medrec,
                "registrar": placed.registrar,
                "guardianship": placed.guardianship,
                "emergency": placed.emergency,
            },
            "startBlock": placed.block_number,
            "vocabulary": "0x" + VOCABULARY.hash.hex(),
        }

    def based_at(self, address: str) -> PageConfig:
        """The same with every relative address made absolute: for a page that is served from elsewhere."""
        base = address.rstrip("/") + "/"

        def absolute(given: str) -> str:
            return given if urlsplit(given).scheme else base + given

        return PageConfig(
            self.deployment,
            absolute(self.rpc),
            absolute(self.ipfs),
            None if self.objects is None else absolute(self.objects),
            tuple(absolute(one) for one in self.relay),
        )

    def origins(self) -> tuple[str, ...]:
        """Origins other than the page's own that it has to reach, each once."""
        given = [self.rpc, self.ipfs, *([self.objects] if self.objects else []), *self.relay]
        return origins_of(given)


def origins_of(addresses: Sequence[str]) -> tuple[str, ...]:
    """The origins (RFC 6454) of absolute addresses, each once; relative ones have none of their own."""
    parts = [urlsplit(address) for address in addresses]
    return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts if part.scheme and part.netloc))
