"""Following a chain: in ranges, resumable, idempotent, and back to the fork when blocks are replaced."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a `sync` has come: blocks `first` to `last` are to be read, `done` is read; `events` were new."""

    first: int
    last: int
    done: int
    events: int


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one `sync` did.

    Attributes:
        head: The block that the index stands at now.
        events: Events added.
        rolled_back_to: The last block that was kept when blocks had been replaced; `None` when none had.
        rebuilt: Whether the replaced blocks went back further than the kept hashes, so that all was read anew.
    """

    head: int
    events: int
    rolled_back_to: int | None = None
    rebuilt: bool = False
