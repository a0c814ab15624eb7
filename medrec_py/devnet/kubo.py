"""One Kubo node on loopback, cut off from the world.

It listens on 127.0.0.1 only, knows no bootstrap peers, looks for none, announces nothing and reports nothing home. Two
of them can be joined by `connect`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from medrec_py.errors import PortTaken, ServerFailed, ServerMissing

MINIMUM_VERSION: Final = (0, 35)
"""The first Kubo whose `add` takes `max-file-links`, without which large objects get other CIDs."""
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
_LAST_WORDS: Final = 2000

_ISOLATED: Final[dict[str, object]] = {
    "AutoConf.Enabled": False,
    "AutoTLS.Enabled": False,
    "Bootstrap": [],
    "Discovery.MDNS.Enabled": False,
    "DNS.Resolvers": {},
    "Ipns.DelegatedPublishers": [],
    "Plugins.Plugins.telemetry.Disabled": True,
    "Provide.Enabled": False,
    "Routing.DelegatedRouters": [],
    "Routing.Type": "none",
    "Swarm.AddrFilters": [],
    "Swarm.DisableNatPortMap": True,
    "Swarm.EnableHolePunching": False,
    "Swarm.RelayClient.Enabled": False,
    "Swarm.RelayService.Enabled": False,
    "Swarm.Transports.Network.Relay": False,
    "Version.SwarmCheckEnabled": False,
}
"""Settings that keep a node to itself (https://github.com/ipfs/kubo/blob/master/docs/config.md)."""


def find_kubo() -> str:
    """The `ipfs` program: on PATH, else in `.tools/bin` of this clone.

    Raises:
        ServerMissing: None there, or only ones older than `MINIMUM_VERSION`.
    """
    tools = Path(__file__).resolve().parents[2] / ".tools" / "bin" / "ipfs"
    refused: list[str] = []
    for found in (shutil.which("ipfs"), str(tools) if tools.is_file() else None):
        if found is None:
            continue
        version = _version(found)
        if version >= MINIMUM_VERSION:
            return found
        refused.append(f"{found} is version {'.'.join(map(str, version)) or 'unknown'}")
    wanted = ".".join(map(str, MINIMUM_VERSION))
    raise ServerMissing(
        f"No `ipfs` (Kubo {wanted} or later) on PATH or in .tools/bin" + "".join(f"; {why}" for why in refused) + "."
    )


def _version(binary: str) -> tuple[int, ...]:
    """The version that a program says it is; empty when it says none."""
    try:
        said = subprocess.run(  # noqa: S603  (the program was looked for by name)
            [binary, "version", "--number"], capture_output=True, text=True, timeout=30, check=True, env=_environment()
        ).stdout
        return tuple(int(part) for part in said.strip().split("-")[0].split("."))
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def _environment(repo: Path | None = None) -> dict[str, str]:
    """The environment for `ipfs`: no telemetry, and no settings of another node's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IPFS_", "LIBP2P_", "GOLOG_"))}
    own = {} if repo is None else {"IPFS_PATH": str(repo)}
    return {**kept, **own, "IPFS_TELEMETRY": "off", "DO_NOT_TRACK": "1"}


class KuboNode:
    """Starts Kubo when entered or by `start`, waits until it answers, and leaves nothing running.

    The repository is made when absent and kept when stopped, so a node started again has what it had. Another process
    may ask `is_running`, use `api_address` and call `stop` on the same folder.

    Args:
        repo_dir: The node's repository.
        binary: Path of `ipfs`; looked for by `find_kubo` when None.
        api_port: TCP port of the RPC API on 127.0.0.1; chosen by the system when 0.
        gateway_port: As `api_port`, of the gateway.
        swarm_port: As `api_port`, for other nodes.

    Raises:
        ServerMissing: No `ipfs` was found.
        ServerFailed: It ended, or kept silent, instead of answering; the message ends with its own last words.
        PortTaken: A port asked for is in use.
    """

    def __init__(
        self,
        repo_dir: str | Path,
        binary: str | None = None,
        *,
        api_port: int = 0,
        gateway_port: int = 0,
        swarm_port: int = 0,
    ) -> None:
        self.repo = Path(repo_dir).absolute()
        self.log = self.repo.with_name(self.repo.name + ".log")
        self._binary = binary
        self._ports = {"API": api_port, "Gateway": gateway_port, "Swarm": swarm_port}
        self._process: subprocess.Popen[bytes] | None = None

    # ── what it is ──

    @property
    def api_address(self) -> str:
        """The RPC API's multiaddr, `/ip4/127.0.0.1/tcp/<port>`, as `open_store` takes it."""
        return self._announced("api")

    @property
    def gateway_url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self._announced("gateway")

    @property
    def peer_address(self) -> str:
        """The multiaddr, with the peer id, at which other nodes reach this one."""
        addresses: list[str] = self.rpc("id")["Addresses"]
        return addresses[0]

    @property
    def pid(self) -> int | None:
        """The process id while this object's own process runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def is_running(self) -> bool:
        """Whether a node answers at this repository's address, whoever started it."""
        if not self._is_locked():  # the address of a node that was killed may be another's by now
            return False
        try:
            self.rpc("version")
        except ServerFailed:
            return False
        return True

    def _announced(self, name: str) -> str:
        """An address that the running node wrote into its repository."""
        try:
            return (self.repo / name).read_text("utf-8").strip()
        except FileNotFoundError:
            raise ServerFailed(f"The Kubo node in {self.repo} is not running.", repo=str(self.repo)) from None

    def rpc(self, path: str, **params: str) -> Any:  # noqa: ANN401  (whatever JSON the call returns)
        """Calls the node's RPC API.

        Args:
            path: The command, e.g. `swarm/connect`.
            params: Its query parameters; `arg` for the argument.

        Returns:
            The JSON document it answered; None when it answered with an empty body.

        Raises:
            ServerFailed: It isn't running, or refuses.
        """
        port = self.api_address.rsplit("/", 1)[-1]
        url = f"http://127.0.0.1:{port}/api/v0/{path}?{urllib.parse.urlencode(params)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(url, method="POST"), timeout=10) as reply:
                body = reply.read()
        except (OSError, urllib.error.URLError) as error:
            said = error.read().decode("utf-8", "replace")[:500] if isinstance(error, urllib.error.HTTPError) else error
            raise ServerFailed(f"The Kubo node in {self.repo} didn't do {path}: {said}") from None
        return json.loads(body) if body.strip() else None

    def connect(self, other: KuboNode) -> None:
        """Joins two nodes, so that each finds the other's blocks."""
        self.rpc("swarm/connect", arg=other.peer_address)

    def run(self, *arguments: str, stdin: IO[bytes] | None = None) -> str:
        """Runs `ipfs` with this repository and returns what it printed.

        Raises:
            ServerFailed: It ended with an error.
        """
        done = subprocess.run(  # noqa: S603
            [self._program(), *arguments],
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            env=_environment(self.repo),
            timeout=600,
        )
        if done.returncode != 0:
            words = done.stderr.decode("utf-8", "replace")[-_LAST_WORDS:].strip()
            raise ServerFailed(f"`ipfs {' '.join(arguments[:3])}` ended with {done.returncode}: {words}")
        return done.stdout.decode("utf-8", "replace")

    # ── start and stop ──

    def start(self) -> Self:
        """Starts it and returns when it answers."""
        if self.is_running:
            raise ServerFailed(f"A Kubo node already runs in {self.repo}.", hint="Stop it first, or use it.")
        command, environment = self.prepare()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the one who started it, who then stops it in order
            )
        try:
            self._wait()
        except BaseException:
            self._kill()
            raise
        return self

    def prepare(self) -> tuple[list[str], dict[str, str]]:
        """Makes and configures the repository.

        Returns:
            The command and the whole environment that start the node, for who runs it in another way than `start`.
        """
        for name, port in self._ports.items():
            _check_free(name, port)
        self._configure()
        for stale in ("api", "gateway"):
            (self.repo / stale).unlink(missing_ok=True)
        return [self._program(), "daemon", "--migrate=false"], _environment(self.repo)

    def stop(self) -> None:
        """Ends it; harmless when it has ended, also for a node that another process started."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._kill()
        elif self.is_running:
            self.rpc("shutdown")
            deadline = time.monotonic() + STOP_SECONDS
            while self._is_locked():
                if time.monotonic() > deadline:
                    raise ServerFailed(f"The Kubo node in {self.repo} doesn't stop.", hint="End its process.")
                time.sleep(0.02)

    def _is_locked(self) -> bool:
        """Whether a process still holds the repository, as Kubo does until everything is written."""
        try:
            with open(self.repo / "repo.lock", "r+b") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def _kill(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._process = None

    def _program(self) -> str:
        if self._binary is None:
            self._binary = find_kubo()
        return self._binary

    def _configure(self) -> None:
        """Makes the repository if there is none, and sets its configuration."""
        path = self.repo / "config"
        if not path.is_file():
            self.repo.mkdir(parents=True, exist_ok=True)
            self.run("init", "--profile=server,test")
        config = json.loads(path.read_text("utf-8"))
        for name, value in _ISOLATED.items():
            _set(config, name, value)
        local = {name: f"/ip4/127.0.0.1/tcp/{port}" for name, port in self._ports.items()}
        _set(config, "Addresses", {**local, "Swarm": [local["Swarm"]], "Announce": [], "NoAnnounce": []})
        temporary = path.with_name("config.new")
        temporary.write_text(json.dumps(config, indent=2), "utf-8")
        temporary.chmod(0o600)  # it holds the node's key
        temporary.replace(path)

    def _wait(self) -> None:
        """Returns when the node answers."""
        process = self._process
        deadline = time.monotonic() + START_SECONDS
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            if (self.repo / "api").is_file() and (self.repo / "gateway").is_file() and self.is_running:
                return
            time.sleep(0.05)
        ended = process.poll() if process is not None else None
        fact = f"didn't answer within {START_SECONDS:g} s" if ended is None else f"ended with {ended}"
        words = self.log.read_text("utf-8", "replace")[-_LAST_WORDS:].strip()
        raise ServerFailed(f"Kubo in {self.repo} {fact}: {words}", log=str(self.log))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _check_free(name: str, port: int) -> None:
    """Raises PortTaken when a port that was asked for by number is in use."""
    if port == 0:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(f"Port {port} on 127.0.0.1, for Kubo's {name}, is in use.", port=port) from None


def _set(config: dict[str, Any], name: str, value: Mapping[str, object] | object) -> None:
    """Sets a dotted name in a nested configuration, making the levels that are absent."""
    *levels, last = name.split(".")
    for level in levels:
        if not isinstance(config.get(level), dict):
            config[level] = {}
        config = config[level]
    config[last] = value
