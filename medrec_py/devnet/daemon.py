"""A server that outlives the command that started it, and can be found and ended by a later one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medrec_py.devnet import ports
from medrec_py.errors import PortTaken, ServerFailed

MARKER = "MEDREC_DEVNET_STARTED_FOR"
"""Environment variable by which a started process is recognised, even if its starter was killed before noting it."""

_LAST_WORDS_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this machine, told apart from a later one that got the same number.

    Attributes:
        pid: Process number.
        started: When it started, in the operating system's own terms; compared for equality only.
    """

    pid: int
    started: str

    @classmethod
    def find(cls, pid: int) -> Process | None:
        """The process that has this number now; None when it has ended, or ended and was not yet collected."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    @property
    def is_running(self) -> bool:
        """Whether it is still this very process that has the number."""
        return Process.find(self.pid) == self

    def end(self, grace: float = 10.0) -> None:
        """Asks it to end, insists after `grace` seconds, and returns when it is gone.

        Raises:
            ServerFailed: It can't be ended.
        """
        for how, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            if not self.is_running:
                return
            try:
                os.kill(self.pid, how)
            except ProcessLookupError:
                return
            except PermissionError as error:
                raise ServerFailed(f"Process {self.pid} belongs to another user.", pid=self.pid) from error
            if _wait(lambda: not self.is_running, seconds):
                return
        raise ServerFailed(f"Process {self.pid} does not end.", pid=self.pid)


def _start_time(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _start_time_from_ps(pid)
    except OSError:
        return None
    # proc_pid_stat(5): the second field is a name in brackets that may hold anything, so count from its end. Field 3
    # is the state, field 22 the start time in clock ticks since boot.
    fields = stat.rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _start_time_from_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split(maxsplit=1)  # noqa: S603
    return None if not answer or answer[0].startswith("Z") else answer[1].strip()


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def marked_processes(folder: Path) -> list[Process]:
    """Every running process that was started for the devnet in `folder`, noted or not; none where there is no /proc."""
    mark = f"{MARKER}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                process = Process.find(int(entry.name))
                if process is not None and process.pid != os.getpid():
                    found.append(process)
        except OSError:
            continue  # another user's, or ended
    return found


class Daemon:
    """One server program, run in the background with a log file and a note of its process.

    Args:
        name: What it is called in messages and file names.
        folder: The devnet's folder; `<name>.log` and `<name>.json` are written there.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._note = folder / f"{name}.json"

    @property
    def process(self) -> Process | None:
        """The noted process, when it is still running."""
        noted = self._noted()
        process = Process(noted[0], noted[1]) if noted else None
        return process if process is not None and process.is_running else None

    @property
    def port(self) -> int | None:
        """The port it was last started on; None when it was never started, or was stopped."""
        noted = self._noted()
        return noted[2] if noted else None

    def _noted(self) -> tuple[int, str, int] | None:
        try:
            note = json.loads(self._note.read_text())
            return int(note["pid"]), str(note["started"]), int(note["port"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # absent, or cut short by a power failure: marked_processes still finds the process

    def start(
        self,
        command: Sequence[str],
        port: int,
        *,
        is_answering: Callable[[], bool],
        environment: Mapping[str, str] = os.environ,
        patience: float = 30.0,
    ) -> None:
        """Starts it and returns when it answers. When it does not, it is ended again.

        Args:
            command: Program and arguments.
            port: Where it will listen on 127.0.0.1.
            is_answering: Asks it a real question.
            environment: Its whole environment, to which the mark is added.
            patience: Seconds until a server that does not answer counts as failed.

        Raises:
            PortTaken: Something listens there already.
            ServerFailed: It ended or stayed silent; the message ends with its own last words.
        """
        self.require_free(port)
        begun_at = self.log.stat().st_size if self.log.exists() else 0
        process = self._launch(command, {**environment, MARKER: str(self.folder)})
        try:
            self._write_note(process, port)
            if not _wait(lambda: not process.is_running or is_answering(), patience) or not process.is_running:
                verb = "does not answer" if process.is_running else "ended"
                words = self.log.read_bytes()[begun_at:][-_LAST_WORDS_BYTES:].decode(errors="replace").strip()
                process.end()
                self.require_free(port)  # who came first is the better explanation
                raise ServerFailed(
                    f"{self.name} {verb} on port {port}: {words}", server=self.name, port=port, log=str(self.log)
                )
            # Another server may have come first: then it is that one that answers, and ours is about to end.
            if ports.holders(port) not in (set(), {process.pid}):
                process.end()
                self.require_free(port)
        except BaseException:
            process.end()
            self._note.unlink(missing_ok=True)
            raise

    def require_free(self, port: int) -> None:
        """Refuses a port on which something listens.

        Raises:
            PortTaken: Names the port and, where it can be known, the process.
        """
        if not ports.is_free(port):
            who = ports.holder(port)
            raise PortTaken(f"Port {port}, meant for {self.name}, is held by {who}.", port=port, holder=who)

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> Process:
        # A shell starts it in the background and ends at once: so it is nobody's child, is collected by the system
        # when it ends, and no signal of the terminal reaches it.
        with self.log.open("ab") as log:
            shell = subprocess.run(  # noqa: S603 (the command is made in this package)
                ["/bin/sh", "-c", 'umask 077; "$@" >&2 </dev/null & echo "$!"', "sh", *command],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
                text=True,
                check=True,
            )
        pid = int(shell.stdout)
        process = Process.find(pid)
        if process is None:
            raise ServerFailed(
                f"{self.name} ended at once: {self.log.read_text(errors='replace')[-_LAST_WORDS_BYTES:].strip()}",
                server=self.name,
                log=str(self.log),
            )
        return process

    def _write_note(self, process: Process, port: int) -> None:
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps({"pid": process.pid, "started": process.started, "port": port}))
        new.replace(self._note)

    def stop(self, grace: float = 10.0) -> bool:
        """Ends it, by force after `grace` seconds; returns whether it was running."""
        process = self.process
        if process is not None:
            process.end(grace)
        self._note.unlink(missing_ok=True)
        return process is not None
