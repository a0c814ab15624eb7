"""Servers on loopback for development and tests: started, waited for, and ended without leftovers."""

from __future__ import annotations

from medrec_py.devnet.network import Devnet, DevnetStatus, ServerStatus, as_shell, default_folder

__all__ = ["Devnet", "DevnetStatus", "ServerStatus", "as_shell", "default_folder"]
