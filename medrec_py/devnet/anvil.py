"""One Anvil (Foundry's development chain) on loopback, that ends with the process that started it."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from types import TracebackType
from typing import IO, Final, Self

from medrec_py.chain import Account, Chain, generate_account
from medrec_py.chain.node import RemoteNode, RpcFailure
from medrec_py.devnet import ports
from medrec_py.devnet.programs import find_program
from medrec_py.errors import ChainUnavailable, PortTaken, ServerFailed

_READY_WITHIN: Final = 20.0
_STOPPED_WITHIN: Final = 5.0
_ACCOUNTS: Final = 10
_FUNDS_WEI: Final = 10_000 * 10**18
_LAST_WORDS: Final = 2_000


class AnvilNode:
    """Starts Anvil when entered or by `start`, waits until it answers, and leaves nothing running.

    Args:
        port: TCP port on 127.0.0.1; a free one when 0.
        chain_id: EIP-155 id.
        binary: Path of `anvil`; looked for by `find_program` when None.
        options: Further command-line options of Anvil.

    Raises:
        ServerMissing: No `anvil` was found.
    """

    def __init__(
        self, port: int = 0, *, chain_id: int = 31337, binary: str | None = None, options: tuple[str, ...] = ()
    ) -> None:
        self._binary = binary or find_program("anvil")
        self._wanted_port = port
        self._port = port
        self._chain_id = chain_id
        self._options = options
        # Anvil's usual keys are known to the whole world; a network of one's own gets keys of its own.
        self._accounts = tuple(generate_account() for _ in range(_ACCOUNTS))
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://{ports.LOOPBACK}:{self._port}"

    @property
    def port(self) -> int:
        """TCP port; 0 before the start when a free one is to be taken."""
        return self._port

    @property
    def process_id(self) -> int | None:
        """Id of the running process; None when it isn't running."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Ten accounts with 10,000 ether each, their keys generated afresh for this node."""
        return self._accounts

    def connect(self, *, timeout: float = 30.0) -> Chain:
        """A connected chain; the caller closes it."""
        return Chain.connect(self.url, timeout=timeout)

    def start(self) -> Self:
        """Starts it and returns when it answers.

        Raises:
            ServerFailed: It ended instead of answering; the message ends with its own last words.
            PortTaken: The port asked for is in use.
        """
        if self.process_id is not None:
            return self
        if self._wanted_port and not ports.is_free(self._wanted_port):
            who = ports.holder(self._wanted_port)
            raise PortTaken(f"Port {self._wanted_port}, meant for anvil, is held by {who}.", port=self._wanted_port)
        self._port = self._wanted_port or ports.free_port()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        self._process = subprocess.Popen(  # noqa: S603 (the command is made here)
            [
                *(self._binary, "--host", ports.LOOPBACK, "--port", str(self._port)),
                *("--chain-id", str(self._chain_id), "--accounts", "0", *self._options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Ends Anvil when this process is killed: its end of the pipe is then closed, and `read` returns.
        self._watcher = subprocess.Popen(  # noqa: S603 (the command is made here)
            ["/bin/sh", "-c", 'read -r _; kill "$1"', "sh", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait()
            self._fund()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it; harmless when it has ended."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.kill()
            watcher.communicate()
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._output is not None:
            self._output.close()
            self._output = None

    def _wait(self) -> None:
        assert self._process is not None
        node = RemoteNode(self.url, timeout=5.0)
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                code = self._process.returncode
                raise ServerFailed(f"anvil ended with code {code} instead of starting: {self._last_words()}", code=code)
            try:
                node.request("eth_chainId", [])
                return
            except (ChainUnavailable, RpcFailure):
                time.sleep(0.02)
        raise ServerFailed(f"anvil does not answer on port {self._port}: {self._last_words()}", port=self._port)

    def _fund(self) -> None:
        node = RemoteNode(self.url)
        node.batch([("anvil_setBalance", [account.address, hex(_FUNDS_WEI)]) for account in self._accounts])

    def _last_words(self) -> str:
        assert self._output is not None
        self._output.seek(0)
        return self._output.read()[-_LAST_WORDS:].decode(errors="replace").strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
