"""Gasless acts: a relayer that pays for what others signed, as a service over HTTP, and the client of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrec_py.client.relaying import HttpRelayer
from medrec_py.relay.limits import RelayLimits

if TYPE_CHECKING:
    from medrec_py.relay.app import create_app
    from medrec_py.relay.journal import RelayJournal
    from medrec_py.relay.service import RelayService

__all__ = ["HttpRelayer", "RelayJournal", "RelayLimits", "RelayService", "create_app"]

_PLACES = {"create_app": "app", "RelayJournal": "journal", "RelayService": "service"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever is asked for)
    """Imports the service when it is first asked for: who only sends to a relayer needs no web framework."""
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"medrec_py.relay.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
