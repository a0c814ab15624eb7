"""TCP ports on loopback: which are free, and who holds those that are not."""

from __future__ import annotations

import re
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket() as probe:
        # Servers set this too: without it a port counts as taken for a minute after its last connection was closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port of 127.0.0.1 that is free now; nothing keeps it for the caller."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def holder(port: int, proc: Path = Path("/proc")) -> str:
    """The process that listens on `port`, in words: `anvil (process 4711)`.

    Linux tells this to everybody about their own processes; where it can't be known, the words say so.
    """
    for pid in sorted(holders(port, proc)):
        try:
            return f"{(proc / str(pid) / 'comm').read_text().strip()} (process {pid})"
        except OSError:
            continue  # it has just ended
    return "a process that this user can't see"


def holders(port: int, proc: Path = Path("/proc")) -> set[int]:
    """Numbers of the processes that listen on `port`, as far as this user may know."""
    inodes = _listening_inodes(port, proc)
    found = set()
    for entry in proc.glob("[0-9]*"):
        try:
            if any(_socket_inode(link) in inodes for link in (entry / "fd").iterdir()):
                found.add(int(entry.name))
        except OSError:
            continue  # another user's process, or one that has just ended
    return found


def _listening_inodes(port: int, proc: Path) -> set[str]:
    """Socket inodes in state LISTEN (0A) on `port`, from the tables that proc(5) describes under `/proc/net/tcp`."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _, local, _, state, *rest = row.split()
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                inodes.add(rest[5])
    return inodes


def _socket_inode(link: Path) -> str | None:
    match = re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink()))
    return match[1] if match else None
