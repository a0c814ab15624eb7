"""How much do verified objects cost over a plain Kubo? Every figure as a ratio to raw `add` and `cat` in the same run.

Run `python benchmarks/storage.py [--rounds N]`; writes `benchmarks/results/storage.json`. It starts a Kubo node of its
own on loopback. The raw side is one kept-alive connection of `http.client`, the same `add` options, no hashing, and
`cat` read into one buffer again and again. The store's side hashes every block on the way in and out and asks for the
pin afterwards. The two alternate, each on bytes that the node hasn't seen; a ratio is the median over the rounds of
store by raw. `folder` syncs to disk before it answers, Kubo in its default configuration does not.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from medrec_py.devnet.kubo import KuboNode
from medrec_py.storage import Cid, FolderStore
from medrec_py.storage.kubo import KuboStore
from medrec_py.storage.unixfs import CHUNK_BYTES, MAX_LINKS, build

MIB = 1 << 20
SIZES = {"2KiB": 2 << 10, "1MiB": MIB, "16MiB": 16 * MIB, "64MiB": 64 * MIB}
PARCELS = 50
PARCEL_BYTES = 4 << 10
OPTIONS = (
    f"cid-version=1&raw-leaves=true&chunker=size-{CHUNK_BYTES}&max-file-links={MAX_LINKS}&hash=sha2-256&progress=false"
)
BOUNDARY = b"medrecmedrecmedrec"


class RawKubo:
    """The least that a client of the RPC API can do."""

    def __init__(self, node: KuboNode) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", int(node.api_address.rsplit("/", 1)[-1]))
        self._buffer = bytearray(MIB)

    def add(self, contents: Sequence[bytes]) -> list[str]:
        """Uploads and pins; the CIDs the node says."""
        parts = []
        for number, content in enumerate(contents):
            head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%d"\r\n' % (BOUNDARY, number)
            parts += [head + b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
        parts.append(b"--%s--\r\n" % BOUNDARY)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}",
            "Content-Length": str(sum(map(len, parts))),
        }
        self._connection.request("POST", f"/api/v0/add?pin=true&{OPTIONS}", iter(parts), headers)
        reply = self._connection.getresponse().read()
        return [json.loads(line)["Hash"] for line in reply.splitlines()]

    def cat(self, cid: Cid) -> int:
        """Downloads and forgets; the number of bytes."""
        self._connection.request("POST", f"/api/v0/cat?arg={cid}")
        reply = self._connection.getresponse()
        total = 0
        while count := reply.readinto(self._buffer):
            total += count
        return total

    def cat_each(self, cids: Sequence[Cid]) -> int:
        """One `cat` after the other."""
        return sum(map(self.cat, cids))


def seconds(act: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def consume(store: KuboStore | FolderStore, cid: Cid) -> int:
    """Reads an object by its bare digest, piece by piece."""
    return sum(map(len, store.chunks(cid.digest)))


class Measured:
    """Seconds by name, a list over the rounds; ratios are taken within a round."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def take(self, name: str, act: Callable[[], object]) -> None:
        """Times one call."""
        self.seconds.setdefault(name, []).append(seconds(act))

    def milliseconds(self) -> dict[str, float]:
        """Medians."""
        return {name: round(1000 * statistics.median(taken), 3) for name, taken in self.seconds.items()}

    def ratio(self, name: str, to: str) -> float:
        """The median over the rounds of one by the other."""
        pairs = zip(self.seconds[name], self.seconds[to], strict=True)
        return round(statistics.median(one / other for one, other in pairs), 3)


def one_size(size: int, rounds: int, raw: RawKubo, kubo: KuboStore, folder: FolderStore) -> dict[str, object]:
    """One object of a size, written and read each way."""
    measured = Measured()
    for _ in range(rounds):
        first, second, third = (os.urandom(size) for _ in range(3))
        measured.take("rawAdd", partial(raw.add, [first]))
        measured.take("kuboPut", partial(kubo.put, second))
        measured.take("folderPut", partial(folder.put, third))
        theirs, ours, own = (build(content).cid for content in (first, second, third))
        measured.take("rawCat", partial(raw.cat, ours))
        measured.take("kuboRead", partial(consume, kubo, theirs))
        measured.take("folderRead", partial(consume, folder, own))
        for store, cid in ((kubo, theirs), (kubo, ours), (folder, own)):
            store.remove(cid)
    return {
        "milliseconds": measured.milliseconds(),
        "ratios": {
            "kuboPutToRawAdd": measured.ratio("kuboPut", "rawAdd"),
            "kuboReadToRawCat": measured.ratio("kuboRead", "rawCat"),
            "folderPutToRawAdd": measured.ratio("folderPut", "rawAdd"),
            "folderReadToRawCat": measured.ratio("folderRead", "rawCat"),
        },
    }


def parcels(rounds: int, raw: RawKubo, kubo: KuboStore, folder: FolderStore) -> dict[str, object]:
    """Many small objects at once, as a publication and the reading of a class are."""
    measured = Measured()
    for _ in range(rounds):
        first, second, third = ([os.urandom(PARCEL_BYTES) for _ in range(PARCELS)] for _ in range(3))
        measured.take("rawAdd", partial(raw.add, first))
        measured.take("kuboPutMany", partial(kubo.put_many, second))
        measured.take("folderPutMany", partial(folder.put_many, third))
        theirs, ours, own = ([Cid.of_raw(content) for content in contents] for contents in (first, second, third))
        measured.take("rawCat", partial(raw.cat_each, ours))
        measured.take("kuboGetMany", partial(kubo.get_many, [cid.digest for cid in theirs]))
        measured.take("folderGetMany", partial(folder.get_many, [cid.digest for cid in own]))
        measured.take("kuboVerifyPins", partial(kubo.verify_pins, theirs))
    return {
        "objects": PARCELS,
        "bytesEach": PARCEL_BYTES,
        "milliseconds": measured.milliseconds(),
        "ratios": {
            "kuboPutManyToRawAdd": measured.ratio("kuboPutMany", "rawAdd"),
            "kuboGetManyToRawCat": measured.ratio("kuboGetMany", "rawCat"),
            "folderPutManyToRawAdd": measured.ratio("folderPutMany", "rawAdd"),
            "folderGetManyToRawCat": measured.ratio("folderGetMany", "rawCat"),
        },
    }


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as name,
        KuboNode(Path(name) / "kubo") as node,
        KuboStore(node.api_address) as kubo,
    ):
        raw, folder = RawKubo(node), FolderStore(Path(name) / "folder")
        one_size(SIZES["1MiB"], 2, raw, kubo, folder)  # warm up
        results: dict[str, object] = {
            "objects": {
                label: one_size(size, rounds if size < 64 * MIB else max(3, rounds // 2), raw, kubo, folder)
                for label, size in SIZES.items()
            },
            "parcels": parcels(rounds, raw, kubo, folder),
        }
        content = os.urandom(64 * MIB)
        results["cidMiBPerSecond"] = round(64 / min(seconds(lambda: build(content)) for _ in range(3)))
        results["kubo"] = node.rpc("version")["Version"]
    results["python"] = sys.version.split()[0]
    results["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    target = Path(__file__).parent / "results" / "storage.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
