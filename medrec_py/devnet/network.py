"""A network of one's own: Anvil and Kubo on loopback in the background, with the contracts deployed.

`Devnet(folder).up()` starts what isn't running and changes nothing that is; `down()` ends all of it; `status()` asks
both servers a real question. Everything lies in one folder, which `up` finds again: the chain's state, the repository,
key files, logs and the deployment.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from medrec_py.chain import Account, Chain, deploy
from medrec_py.devnet import ports
from medrec_py.devnet.daemon import Daemon, Process, marked_processes
from medrec_py.devnet.kubo import KuboNode
from medrec_py.devnet.programs import find_program
from medrec_py.devnet.purse import Purse
from medrec_py.errors import DevnetBusy, InvalidInput, PortTaken, ServerFailed

RPC_PORT = 8545
"""Where Ethereum nodes listen by custom."""
IPFS_PORT = 5001
"""Where Kubo's RPC API listens by custom."""
CHAIN_ID = 31337
"""EIP-155 id that development chains use by custom."""
FUNDS_WEI = 10_000 * 10**18

STATE_SECONDS = 2
"""How often Anvil writes its state: what a killed Anvil loses at most."""
ANSWER_SECONDS = 5.0
"""How long a server may think about a simple question until it counts as silent."""
LOCK_SECONDS = 90.0
"""How long to wait for another process that starts or stops the same network."""
END_GRACE_SECONDS = 10.0
"""How long a server may take to end in order until it is ended by force."""

State = Literal["running", "silent", "ended", "stopped"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server as it is now.

    Attributes:
        name: `anvil` or `kubo`.
        state: `running` answers; `silent` is there and does not answer; `ended` was started and is gone, without having
            been stopped; `stopped` is not meant to run.
        port: Where it listens on 127.0.0.1; None when it is stopped.
        pid: Its process; None when there is none.
        says: What it answered to a real question: the chain's height, the node's version; or why it didn't.
    """

    name: str
    state: State
    port: int | None
    pid: int | None
    says: str


@dataclass(frozen=True, slots=True)
class DevnetStatus:
    """The whole network as it is now.

    Attributes:
        folder: Where its files are.
        servers: Anvil, then Kubo.
        is_deployed: The contracts stand on the running chain.
    """

    folder: Path
    servers: tuple[ServerStatus, ...]
    is_deployed: bool

    @property
    def is_up(self) -> bool:
        """Everything runs, answers, and the contracts stand."""
        return self.is_deployed and all(server.state == "running" for server in self.servers)

    def to_json(self) -> dict[str, object]:
        """As one JSON object."""
        servers = [{name: getattr(server, name) for name in ServerStatus.__slots__} for server in self.servers]
        return {"folder": str(self.folder), "up": self.is_up, "deployed": self.is_deployed, "servers": servers}


def default_folder() -> Path:
    """`$MEDREC_DEVNET`, else `medrec/devnet` where this user's programs keep their state (XDG base directories)."""
    named = os.environ.get("MEDREC_DEVNET")
    if named:
        return Path(named).absolute()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "medrec" / "devnet"


def as_shell(environment: Mapping[str, str]) -> str:
    """Variables as lines that `eval "$(medrec devnet up)"` takes."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


class Devnet:
    """The network of one folder.

    Args:
        folder: Where everything of it is kept; `default_folder()` when None.
        rpc_port: Anvil's port on 127.0.0.1; when None, the one it runs on or was killed on, else 8545.
        ipfs_port: Kubo's, as `rpc_port`; else 5001.
        auto_ports: Take another port when one of these is taken, instead of refusing.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        rpc_port: int | None = None,
        ipfs_port: int | None = None,
        auto_ports: bool = False,
    ) -> None:
        self.folder = Path(folder).absolute() if folder is not None else default_folder()
        self._wanted = {"anvil": rpc_port, "kubo": ipfs_port}
        self._auto_ports = auto_ports
        self._anvil = Daemon("anvil", self.folder)
        self._kubo = Daemon("kubo", self.folder)

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def purse(self) -> Purse:
        """The accounts of the roles."""
        return Purse(self.folder / "accounts")

    @property
    def deployment_file(self) -> Path:
        """What `MedRec.connect(deployment=…)` takes; there once the network has been up."""
        return self.folder / "deployments" / f"{CHAIN_ID}.json"

    @property
    def rpc_url(self) -> str:
        """Anvil's JSON-RPC address."""
        return f"http://{ports.LOOPBACK}:{self._port(self._anvil, RPC_PORT)}"

    @property
    def store_address(self) -> str:
        """Kubo's RPC address, as `open_store` takes it."""
        return f"/ip4/{ports.LOOPBACK}/tcp/{self._port(self._kubo, IPFS_PORT)}"

    @property
    def environment(self) -> dict[str, str]:
        """What the command line reads: addresses, the deployment, and where the key files are."""
        return {
            "MEDREC_RPC": self.rpc_url,
            "MEDREC_STORE": self.store_address,
            "MEDREC_DEPLOYMENT": str(self.deployment_file),
            "MEDREC_ACCOUNTS": str(self.purse.folder),
            "MEDREC_PASSWORD_FILE": str(self.purse.password_file),
        }

    def status(self) -> DevnetStatus:
        """Asks both servers. Changes nothing and fails never: what is wrong is in the answer."""
        servers = (self._status(self._anvil), self._status(self._kubo))
        return DevnetStatus(self.folder, servers, servers[0].state == "running" and self._is_deployed())

    # ── up and down ──────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self) -> DevnetStatus:
        """Starts what isn't running and deploys what doesn't stand. When any step fails, ends all that it started.

        Raises:
            PortTaken: A port is in use; names the port and, where it can be known, the process.
            ServerMissing: `anvil` or `ipfs` is not on this machine.
            ServerFailed: One of them doesn't come up; the message ends with its own last words.
            DevnetBusy: Another process is at it.
            InvalidInput: It runs already, and on other ports than those asked for.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock(), _stop_requests_as_errors():
            before = {process.pid for process in self._processes()}
            try:
                self._ensure(self._anvil, RPC_PORT, self._start_anvil)
                self._ensure(self._kubo, IPFS_PORT, self._start_kubo)
                self._deploy()
            except BaseException:
                for daemon in (self._kubo, self._anvil):
                    if daemon.process is None or daemon.process.pid not in before:
                        daemon.stop()
                for process in self._processes():
                    if process.pid not in before:
                        process.end()  # started, and not yet noted
                raise
            return self.status()

    def down(self) -> tuple[str, ...]:
        """Ends everything and makes sure that it is gone. The folder stays: `up` goes on where this left off.

        Returns:
            The names of those that were running.

        Raises:
            ServerFailed: A process does not end.
            DevnetBusy: Another process is at it.
        """
        if not self.folder.is_dir():
            return ()
        with self._lock():
            stopped = tuple(daemon.name for daemon in (self._kubo, self._anvil) if daemon.stop())
            for process in self._processes():
                process.end()  # started by an `up` that was killed before it could note it
            return stopped

    def _processes(self) -> list[Process]:
        noted = [daemon.process for daemon in (self._anvil, self._kubo)]
        found = {process.pid: process for process in (*noted, *marked_processes(self.folder)) if process is not None}
        return list(found.values())

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lets one process at a time start and stop. The system releases it when that process ends, however it ends."""
        import fcntl

        with (self.folder / "lock").open("a") as file:
            deadline = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise DevnetBusy(
                            f"The devnet in {self.folder} is being started or stopped by another process.",
                            folder=str(self.folder),
                        ) from None
                    time.sleep(0.05)
            yield

    # ── one server ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _port(self, daemon: Daemon, otherwise: int) -> int:
        return daemon.port or self._wanted[daemon.name] or otherwise

    def _status(self, daemon: Daemon) -> ServerStatus:
        port, process = daemon.port, daemon.process
        if port is None:
            return ServerStatus(daemon.name, "stopped", None, None, "not started")
        if process is None:
            return ServerStatus(daemon.name, "ended", port, None, f"ended by itself; see {daemon.log}")
        try:
            says = self._ask(daemon)
        except (OSError, ValueError, KeyError) as error:
            return ServerStatus(daemon.name, "silent", port, process.pid, f"does not answer: {error}")
        return ServerStatus(daemon.name, "running", port, process.pid, says)

    def _ask(self, daemon: Daemon) -> str:
        if daemon is self._anvil:
            return f"block {int(self._rpc('eth_blockNumber'), 16)}"
        return f"version {_post(f'http://{ports.LOOPBACK}:{daemon.port}/api/v0/version')['Version']}"

    def _rpc(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 (JSON)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return _post(self.rpc_url, request)["result"]

    def _ensure(self, daemon: Daemon, custom: int, start: Callable[[int], None]) -> None:
        """Has a server run: leaves it when it answers, ends it first when it is silent."""
        wanted = self._wanted[daemon.name]
        if self._status(daemon).state == "running":
            if wanted not in (None, daemon.port):
                raise InvalidInput(
                    f"{daemon.name} runs on port {daemon.port}, not on {wanted}.",
                    hint="Take the network down first (`medrec devnet down`), or leave the port out.",
                    server=daemon.name,
                    port=daemon.port,
                )
            return
        port = wanted or daemon.port or custom
        daemon.stop(END_GRACE_SECONDS)
        try:
            start(port)
        except PortTaken:
            if not self._auto_ports:
                raise
            self._start_on_a_free_port(start)

    def _start_on_a_free_port(self, start: Callable[[int], None], tries: int = 5) -> None:
        """Starts a server on whatever port is free; somebody else may take a port between the look and the start."""
        for left in reversed(range(tries)):
            try:
                return start(ports.free_port())
            except PortTaken:
                if not left:
                    raise

    def _start_anvil(self, port: int) -> None:
        command = [
            *(find_program("anvil"), "--host", ports.LOOPBACK, "--port", str(port), "--chain-id", str(CHAIN_ID)),
            # No accounts of its own: their keys are known to everybody and would stand in the log.
            *("--accounts", "0"),
            *("--state", str(self.folder / "chain.json"), "--state-interval", str(STATE_SECONDS)),
            *("--preserve-historical-states", "--cache-path", str(self.folder / "chain-cache")),
        ]
        self._anvil.start(command, port, is_answering=lambda: _answers(lambda: self._rpc("eth_chainId")))

    def _start_kubo(self, port: int) -> None:
        node = KuboNode(self.folder / "ipfs", api_port=port)
        # The daemon refuses a taken port in more words than the node does, so it is asked first.
        self._kubo.require_free(port)
        command, environment = node.prepare()
        self._kubo.start(command, port, is_answering=lambda: node.is_running, environment=environment)

    # ── the contracts ────────────────────────────────────────────────────────────────────────────────────────────────

    def _deploy(self) -> None:
        accounts = self.purse.open()
        for account in accounts.values():
            self._fund(account)
        with Chain.connect(self.rpc_url) as chain:
            deploy(chain, accounts["registrar"]).deployment.save(self.deployment_file.parent)

    def _fund(self, account: Account) -> None:
        if int(self._rpc("eth_getBalance", account.address, "latest"), 16) < FUNDS_WEI // 2:
            self._rpc("anvil_setBalance", account.address, hex(FUNDS_WEI))

    def _is_deployed(self) -> bool:
        try:
            medrec = json.loads(self.deployment_file.read_text())["addresses"]["MedRec"]
            return len(self._rpc("eth_getCode", medrec, "latest")) > len("0x")
        except (OSError, ValueError, KeyError, TypeError):
            return False


def _post(url: str, document: object = None) -> Any:  # noqa: ANN401 (JSON)
    """The JSON answer to a POST; for servers on loopback, so no proxy is asked."""
    body = b"" if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"}, method="POST")  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=ANSWER_SECONDS) as answer:
        return json.load(answer)


def _answers(question: Callable[[], object]) -> bool:
    try:
        question()
    except (OSError, ValueError, KeyError):
        return False
    return True


@contextmanager
def _stop_requests_as_errors() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into an error for as long as something is half done, so that it is undone.

    Signals reach the main thread only; elsewhere there is nothing to turn.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise ServerFailed(f"Asked to end ({signal.Signals(number).name}) while starting.", hint="Start it again.")

    before = {number: signal.signal(number, give_up) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
