"""The patient's page and what it needs from a server: a node, sealed objects, somewhere to put new ones, a relayer.

Nothing here is believed by the page: blocks are hashed, ledgers replayed to the head that the contract keeps, and every
act is signed before it comes here. `docs/threat-model.md` says what this server could do if it wanted.
"""

from __future__ import annotations

from medrec_py.web.allowance import Allowance
from medrec_py.web.backend import Backend
from medrec_py.web.config import PageConfig
from medrec_py.web.demo_wallet import DemoWallet, WalletRefusal
from medrec_py.web.objects import Limits
from medrec_py.web.page import Page, find_page
from medrec_py.web.serving import Listener, serve_site
from medrec_py.web.site import create_site

__all__ = [
    "Allowance",
    "Backend",
    "DemoWallet",
    "Limits",
    "Listener",
    "Page",
    "PageConfig",
    "WalletRefusal",
    "create_site",
    "find_page",
    "serve_site",
]
