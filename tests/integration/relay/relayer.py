"""A relayer in a process of its own, which may be told at which step to be killed; run by test_relay_crash.py.

Usage: relayer.py SETTINGS [STEP]. Prints its address when it takes requests.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from medrec_py.chain import Chain, Deployment, as_account
from medrec_py.relay import RelayLimits, create_app
from medrec_py.relay.journal import RelayJournal
from medrec_py.relay.service import RelayService, RelayStep
from medrec_py.relay.serving import serve


def main() -> None:
    settings = json.loads(sys.argv[1])
    fatal = sys.argv[2] if len(sys.argv) > 2 else None

    def observe(step: RelayStep) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    account = as_account(Path(settings["account"]).read_text())
    with Chain.connect(settings["rpc"]) as chain:
        chain.use(Deployment.load(settings["deployments"], chain))
        service = RelayService(
            chain,
            account,
            journal=RelayJournal(settings["journal"]),
            limits=RelayLimits(reprice_after_blocks=2),
            poll_seconds=0.05,
            observer=observe,
        )
        serve(create_app(chain, account, service=service), "127.0.0.1", 0, lambda url: print(url, flush=True))


if __name__ == "__main__":
    main()
