"""Any damage that leaves one good copy of each block somewhere is survived, and repaired."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from medrec_py.errors import IntegrityError, ObjectMissing
from medrec_py.storage import Cid, FolderStore, unixfs
from medrec_py.storage.replicated import ReplicatedStore
from medrec_py.storage.unixfs import build

REPLICAS = 3


class Damage(RuleBasedStateMachine):
    """Three folders with 8-byte chunks and 2 links a node, and a plain model: which replica has which block whole."""

    objects = Bundle("objects")

    @initialize()
    def start(self):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(unixfs, "CHUNK_BYTES", 8)
        self.patch.setattr(unixfs, "MAX_LINKS", 2)
        self.folder = Path(tempfile.mkdtemp(prefix="medrec-damage-"))
        self.stores = [FolderStore(self.folder / str(number)) for number in range(REPLICAS)]
        self.replicas = ReplicatedStore(self.stores)
        self.contents = {}
        self.whole = {}

    def teardown(self):
        self.patch.undo()
        shutil.rmtree(self.folder)

    @rule(target=objects, content=st.binary(max_size=60))
    def put(self, content):
        blocks = []
        cid = build(content, lambda block, _: blocks.append(block.digest)).cid
        assert self.replicas.put(content) == cid
        self.contents[cid] = (content, set(blocks))
        for digest in blocks:
            self.whole[digest] = set(range(REPLICAS))
        return cid

    @rule(cid=objects, replica=st.integers(0, REPLICAS - 1), where=st.integers(0, 99), flip=st.booleans())
    def damage(self, cid, replica, where, flip):
        if cid not in self.contents:
            return
        blocks = sorted(self.contents[cid][1])
        digest = blocks[where % len(blocks)]
        if replica not in self.whole[digest] or self.whole[digest] == {replica}:
            return
        path = self.stores[replica]._path(Cid.raw(digest))
        if flip and path.exists() and path.stat().st_size:
            changed = bytearray(path.read_bytes())
            changed[where % len(changed)] ^= 0x40
            path.write_bytes(changed)
        else:
            path.unlink(missing_ok=True)
        self.whole[digest].discard(replica)

    @rule(cid=objects, replica=st.integers(0, REPLICAS - 1))
    def unpin(self, cid, replica):
        self.stores[replica].unpin(cid)

    @rule(cid=consumes(objects))
    def remove(self, cid):
        if cid not in self.contents or len(self.contents) == 1:
            return
        before = {digest for other, (_, blocks) in self.contents.items() if other != cid for digest in blocks}
        self.replicas.repair(self.contents)
        self.replicas.remove(cid)
        _, blocks = self.contents.pop(cid)
        for digest in blocks - before:
            del self.whole[digest]
            with pytest.raises(ObjectMissing):
                self.replicas.block(Cid.raw(digest))
        for digest in before:
            self.whole[digest] = set(range(REPLICAS))

    @rule()
    def repair(self):
        report = self.replicas.repair(self.contents)
        assert report.remaining == ()
        assert self.replicas.verify_pins(self.contents, deep=True) == []
        for digest in self.whole:
            self.whole[digest] = set(range(REPLICAS))

    @invariant()
    def everything_is_readable(self):
        for cid, (content, _) in getattr(self, "contents", {}).items():
            assert self.replicas.get(cid.digest) == content
            assert self.replicas.read(cid, 5, 30) == content[5:35]

    @invariant()
    def each_replica_is_as_whole_as_the_model_says(self):
        for cid, (content, blocks) in getattr(self, "contents", {}).items():
            for number, store in enumerate(self.stores):
                if all(number in self.whole[digest] for digest in blocks):
                    assert store.get(cid) == content
                else:
                    with pytest.raises(IntegrityError):
                        store.get(cid)


TestDamage = Damage.TestCase
TestDamage.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
