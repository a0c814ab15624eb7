"""Sealed objects kept by their content: an embedded folder, Kubo, and replicas of both, behind one interface.

Whatever keeps the bytes, the same bytes have the same `Cid`, and nothing that a store returns is trusted before it
hashes to the digest it was asked for by.
"""

from medrec_py.storage.addresses import open_store
from medrec_py.storage.cid import Cid, Codec
from medrec_py.storage.folder import FolderStore
from medrec_py.storage.store import ObjectProblem, ObjectStat, Store
from medrec_py.storage.unixfs import digest_of

__all__ = ["Cid", "Codec", "FolderStore", "ObjectProblem", "ObjectStat", "Store", "digest_of", "open_store"]
