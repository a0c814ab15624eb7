"""From the address that a person writes to the store it names.

::

    ~/records                                     a folder
    /ip4/127.0.0.1/tcp/5001                       a Kubo node, by multiaddr
    https://user:password@node.example:5001       a Kubo node, by URL, with HTTP basic authentication
    ~/records,/ip4/127.0.0.1/tcp/5001;quorum=2    both, each write on both
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from medrec_py.errors import StoreAddressInvalid
from medrec_py.storage.blocks import BlockStore
from medrec_py.storage.store import Store

_MULTIADDR: Final = re.compile(r"/(ip4|ip6|dns|dns4|dns6|unix)/")
_QUORUM: Final = re.compile(r";quorum=([0-9]{1,3})$")


@dataclass(frozen=True, slots=True)
class KuboAddress:
    """Where a Kubo node's RPC API listens.

    Attributes:
        multiaddr: As ipfshttpclient takes it, e.g. `/ip4/127.0.0.1/tcp/5001/http`.
        name: As errors show it, without credentials.
        auth: User and password for HTTP basic authentication.
    """

    multiaddr: str
    name: str
    auth: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, address: str) -> KuboAddress:
        """Reads a multiaddr or a URL.

        Raises:
            StoreAddressInvalid: It is neither, or names no host and port.
        """
        if _MULTIADDR.match(address):
            return cls(address, address)
        try:
            url = urlsplit(address)
            host, port = url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)
        except ValueError:
            host = port = None
        if not host or not port or url.path.rstrip("/") not in ("", "/api/v0") or url.query or url.fragment:
            raise StoreAddressInvalid(f"{_redacted(address)!r} is no address of a Kubo RPC API.")
        try:
            kind = f"ip{ipaddress.ip_address(host).version}"
        except ValueError:
            kind = "dns"
        shown = f"[{host}]" if kind == "ip6" else host
        auth = (unquote(url.username), unquote(url.password or "")) if url.username else None
        return cls(f"/{kind}/{host}/tcp/{port}/{url.scheme}", f"{url.scheme}://{shown}:{port}", auth)


def _redacted(address: str) -> str:
    """An address as an error may show it."""
    return re.sub(r"//[^@/]*@", "//…@", address)


def _is_kubo(address: str) -> bool:
    return bool(_MULTIADDR.match(address)) or address.startswith(("http://", "https://"))


def open_store(address: str | Path, *, quorum: int | None = None) -> Store:
    """Opens the store that an address names.

    Args:
        address: The path of a folder (made when absent), a Kubo RPC address (`/ip4/127.0.0.1/tcp/5001`,
            `http://127.0.0.1:5001`), or several of these separated by commas for a replicated store, then optionally
            `;quorum=N`. A `Path` is always one folder, whatever its name.
        quorum: With several, how many must take a write before it counts; a majority when not given.

    Raises:
        StoreAddressInvalid: The address names no store, or the quorum can't be met.
    """
    if isinstance(address, Path):
        parts = [str(address)]
        single: str | Path = address
    else:
        told = _QUORUM.search(address)
        if told is not None:
            if quorum is not None and quorum != int(told[1]):
                raise StoreAddressInvalid(f"The address says a quorum of {told[1]} and the caller says {quorum}.")
            quorum = int(told[1])
        parts = [part.strip() for part in (address[: told.start()] if told else address).split(",")]
        single = parts[0]
    if not all(parts):
        raise StoreAddressInvalid(f"{_redacted(str(address))!r} holds an empty address.")
    if len(parts) == 1:
        if quorum not in (None, 1):
            raise StoreAddressInvalid(f"A quorum of {quorum} can't be met by one store, {_redacted(parts[0])}.")
        return _open_one(single)
    from medrec_py.storage.replicated import ReplicatedStore

    opened: list[BlockStore] = []
    try:
        for part in parts:
            opened.append(_open_one(part))
        return ReplicatedStore(opened, quorum=quorum)
    except BaseException:
        for store in opened:
            store.close()
        raise


def _open_one(address: str | Path) -> BlockStore:
    if isinstance(address, str) and _is_kubo(address):
        from medrec_py.storage.kubo import KuboStore  # loads an HTTP client, which a folder does without

        return KuboStore(address)
    from medrec_py.storage.folder import FolderStore

    if isinstance(address, str) and re.match(r"[a-z][a-z0-9+.-]+://", address):
        raise StoreAddressInvalid(f"{_redacted(address)!r} is of a kind that is not known.")
    return FolderStore(Path(address).expanduser())
