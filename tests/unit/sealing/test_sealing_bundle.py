"""Key bundles: for their recipients only, whole, and telling outsiders next to nothing."""

import dataclasses
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealing_roles import (
    CONTEXT,
    CONTRACT,
    PATIENT,
    PATIENT_KEY,
    PROVIDER,
    ROOT,
    STRANGER_KEY,
    TOP,
    VIEWER,
    VIEWER_KEY,
)

from medrec_py.crypto import (
    FIRST_YEAR,
    LAST_YEAR,
    ContentKey,
    MailboxKey,
    Node,
    NodeKey,
    ParticipantKey,
    ParticipantSeed,
    Path,
    PublicKey,
    covering_set,
    derive,
    mailbox_key,
    split,
)
from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered, WrongKey
from medrec_py.sealing import (
    Appointed,
    Bundle,
    BundleContext,
    BundleKind,
    Excerpt,
    GrantBundle,
    InheritanceBundle,
    PlanBundle,
    Reason,
    ReasonBundle,
    RekeyBundle,
    RelationshipBundle,
    RelationshipKeys,
    ShareBundle,
    SuccessionBundle,
    open_bundle,
    seal_bundle,
)
from medrec_py.sealing.bundle import _info
from medrec_py.sealing.canonical import compress
from medrec_py.sealing.documents import kind_of, read_bundle, write_bundle
from medrec_py.sealing.envelope import schedule
from medrec_py.types.json_values import canonical, parse

PLACE = BundleContext(31337, CONTRACT, PATIENT)
RECIPIENTS = [VIEWER_KEY.public_key, PATIENT_KEY.public_key]
NODES = covering_set([TOP], [1, 3], 2024, LAST_YEAR, include_undated=True, epochs=[0, 1])
EXCERPT = Excerpt(bytes(range(32)), bytes(range(32, 64)), ContentKey(bytes(32)), PROVIDER, 3, 2023, 1)
WORDS = split(bytes(range(32)), 2, 3)[0]
TERMS = {"classes": 10, "salt": "ab" * 32, "statement": "It may read é."}

BUNDLES: dict[BundleKind, Bundle] = {
    BundleKind.RELATIONSHIP: RelationshipBundle(
        RelationshipKeys(PROVIDER, 1, (derive(TOP, Path(0)),)), PATIENT_KEY.public_key, mailbox_key(TOP)
    ),
    BundleKind.GRANT: GrantBundle(
        PATIENT,
        VIEWER,
        TERMS,
        (RelationshipKeys(PROVIDER, 1, NODES), RelationshipKeys(PATIENT, 0, NODES[:1])),
        (EXCERPT,),
        MailboxKey(bytes(32)),
        PATIENT_KEY.public_key,
        ({"terms": TERMS},),
    ),
    BundleKind.REKEY: RekeyBundle((RelationshipKeys(PROVIDER, 1, NODES),), (bytes(range(32)),), (EXCERPT,)),
    BundleKind.INHERITANCE: InheritanceBundle(ROOT, Reason.MOVE, PATIENT),
    BundleKind.SHARE: ShareBundle(
        PATIENT, VIEWER, "Anna's records", WORDS, bytes(range(32)), (bytes(range(32, 64)),), ParticipantSeed(bytes(32))
    ),
    BundleKind.SUCCESSION: SuccessionBundle(VIEWER, 1, 1_800_000_000, bytes(range(32)), bytes(range(65))),
    BundleKind.PLAN: PlanBundle(
        2, None, (Appointed(VIEWER, "a sister", bytes(32)), Appointed(PROVIDER, "", bytes(32)))
    ),
    BundleKind.REASON: ReasonBundle(PROVIDER, "unconscious after an accident"),
}
KINDS = list(BundleKind)
SEALED = {kind: seal_bundle(BUNDLES[kind], PLACE, RECIPIENTS) for kind in KINDS}


# ── round trips ──


@pytest.mark.parametrize("kind", KINDS)
def test_every_recipient_opens_a_bundle_as_it_was(kind: BundleKind) -> None:
    for key in (VIEWER_KEY, PATIENT_KEY):
        assert open_bundle(SEALED[kind], PLACE, key, kind) == BUNDLES[kind]
    assert kind_of(BUNDLES[kind]) is kind


def test_what_may_be_absent_may_be_absent() -> None:
    for bundle in (
        GrantBundle(PATIENT, VIEWER, {}, ()),
        RekeyBundle(()),
        InheritanceBundle(ROOT, Reason.RECOVERY),
        ShareBundle(PATIENT, VIEWER, "", WORDS),
    ):
        kind = kind_of(bundle)
        assert open_bundle(seal_bundle(bundle, PLACE, RECIPIENTS), PLACE, VIEWER_KEY, kind) == bundle


def test_an_excerpt_names_the_context_it_opens_in() -> None:
    assert EXCERPT.context(PLACE) == dataclasses.replace(CONTEXT, period=2023)


def test_the_digits_of_the_terms_are_kept() -> None:
    terms = parse('{"dose":1.10}')
    assert isinstance(terms, dict)
    sealed = seal_bundle(GrantBundle(PATIENT, VIEWER, terms, ()), PLACE, RECIPIENTS)
    opened = open_bundle(sealed, PLACE, VIEWER_KEY, BundleKind.GRANT)
    assert isinstance(opened, GrantBundle)
    assert canonical(opened.terms) == b'{"dose":1.10}'


# ── SealedTight ──


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_and_any_other_place_open_nothing(kind: BundleKind) -> None:
    """SealedTight: chain, contract, subject and kind are bound."""
    with pytest.raises(WrongKey, match="None of the 2"):
        open_bundle(SEALED[kind], PLACE, STRANGER_KEY, kind)
    for place in (
        dataclasses.replace(PLACE, chain_id=1),
        dataclasses.replace(PLACE, contract=VIEWER),
        dataclasses.replace(PLACE, subject=VIEWER),
    ):
        with pytest.raises(WrongKey):
            open_bundle(SEALED[kind], place, VIEWER_KEY, kind)
    for other in KINDS:
        if other is not kind:
            with pytest.raises(WrongKey):
                open_bundle(SEALED[kind], PLACE, VIEWER_KEY, other)


def test_any_flipped_byte_of_a_header_is_refused() -> None:
    """SealedTight: sealed keys and commitment."""
    sealed = SEALED[BundleKind.GRANT]
    for position in range(8 + 2 * 1168 + 32 + 40):
        altered = bytearray(sealed)
        altered[position] ^= 1 << position % 8
        for key in (VIEWER_KEY, PATIENT_KEY):
            with pytest.raises((WrongKey, ParcelTampered)):
                open_bundle(bytes(altered), PLACE, key, BundleKind.GRANT)


def test_any_flipped_byte_of_the_content_is_refused() -> None:
    """SealedTight: what is handed over."""
    sealed = SEALED[BundleKind.REKEY]
    for position in [*range(8 + 2 * 1168 + 32, len(sealed), 61), *range(len(sealed) - 40, len(sealed))]:
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(ParcelTampered):
            open_bundle(bytes(altered), PLACE, VIEWER_KEY, BundleKind.REKEY)


def test_a_bundle_cut_anywhere_or_extended_is_refused() -> None:
    sealed = SEALED[BundleKind.RELATIONSHIP]
    lengths = [*range(0, 60), *range(60, len(sealed), 211), *range(len(sealed) - 40, len(sealed))]
    for data in [*(sealed[:length] for length in lengths), sealed + b"\0", sealed + bytes(16), sealed + sealed]:
        with pytest.raises((WrongKey, ParcelTampered)):
            open_bundle(data, PLACE, VIEWER_KEY, BundleKind.RELATIONSHIP)


def test_a_recipient_can_neither_be_dropped_nor_added_nor_moved() -> None:
    sealed = SEALED[BundleKind.GRANT]
    first, second, rest = sealed[8:1176], sealed[1176:2344], sealed[2344:]
    for count, stanzas in [
        (1, first),
        (1, second),
        (2, second + first),
        (3, first + second + first),
        (2, first + first),
    ]:
        with pytest.raises((WrongKey, ParcelTampered)):
            open_bundle(sealed[:7] + bytes([count]) + stanzas + rest, PLACE, VIEWER_KEY, BundleKind.GRANT)


def test_sealed_keys_of_another_bundle_are_refused() -> None:
    other = seal_bundle(BUNDLES[BundleKind.GRANT], PLACE, RECIPIENTS)
    mixed = other[:2344] + SEALED[BundleKind.GRANT][2344:]
    with pytest.raises(WrongKey):
        open_bundle(mixed, PLACE, VIEWER_KEY, BundleKind.GRANT)


# ── what outsiders see ──


def test_the_size_does_not_tell_how_much_is_granted() -> None:
    sizes = set()
    for classes, first in [(1, FIRST_YEAR), (1, 2024), (12, 2001), (25, FIRST_YEAR), (25, 2024)]:
        nodes = covering_set([TOP], range(classes), first, LAST_YEAR, include_undated=False, epochs=[0, 1])
        grant = GrantBundle(PATIENT, VIEWER, TERMS, (RelationshipKeys(PROVIDER, 1, nodes),))
        sizes.add(len(seal_bundle(grant, PLACE, RECIPIENTS)))
    assert len(sizes) == 1
    assert {len(SEALED[kind]) for kind in KINDS} == sizes


def test_recipients_show_in_number_only() -> None:
    sealed = SEALED[BundleKind.GRANT]
    assert sealed[:8] == b"MEDKEY\1\2"
    for recipient in RECIPIENTS:
        assert recipient.data[:32] not in sealed
        assert recipient.data[-32:] not in sealed
    firsts = set()
    for _ in range(24):
        again = seal_bundle(BUNDLES[BundleKind.REKEY], PLACE, RECIPIENTS)
        try:
            VIEWER_KEY.open(again[8:1176], _info(PLACE.encode(BundleKind.REKEY)))
        except WrongKey:
            firsts.add("patient")
        else:
            firsts.add("viewer")
    assert firsts == {"patient", "viewer"}


def test_who_stands_among_the_recipients_twice_counts_once() -> None:
    sealed = seal_bundle(BUNDLES[BundleKind.REKEY], PLACE, [*RECIPIENTS, *RECIPIENTS])
    assert sealed[7] == 2


def test_a_bundle_has_1_to_255_recipients() -> None:
    keys = [ParticipantKey.from_seed(ParticipantSeed(bytes([at]) * 32)) for at in range(256)]
    with pytest.raises(InvalidInput, match="256"):
        seal_bundle(BUNDLES[BundleKind.REKEY], PLACE, [key.public_key for key in keys])
    with pytest.raises(InvalidInput, match="0"):
        seal_bundle(BUNDLES[BundleKind.REKEY], PLACE, [])
    sealed = seal_bundle(BUNDLES[BundleKind.REKEY], PLACE, [key.public_key for key in keys[:255]])
    assert open_bundle(sealed, PLACE, keys[200], BundleKind.REKEY) == BUNDLES[BundleKind.REKEY]


def test_a_printed_bundle_shows_no_key() -> None:
    shown = repr(BUNDLES)
    assert all(node.key.reveal().hex() not in shown for node in NODES)
    assert ROOT.reveal().hex() not in shown
    assert WORDS not in shown


# ── what is refused ──


@pytest.mark.parametrize(
    "bundle",
    [
        GrantBundle("0x", VIEWER, {}, ()),
        GrantBundle(PATIENT, "viewer", {}, ()),
        GrantBundle(PATIENT, VIEWER, {1: "a"}, ()),  # type: ignore[dict-item]
        GrantBundle(PATIENT, VIEWER, {"a": (1,)}, ()),  # type: ignore[dict-item]
        GrantBundle(PATIENT, VIEWER, {"a": float("nan")}, ()),
        GrantBundle(PATIENT, VIEWER, [], ()),  # type: ignore[arg-type]
        GrantBundle(PATIENT, VIEWER, {}, (RelationshipKeys(PROVIDER, 1, ()),)),
        GrantBundle(PATIENT, VIEWER, {}, (RelationshipKeys(PROVIDER, -1, NODES),)),
        GrantBundle(PATIENT, VIEWER, {}, (RelationshipKeys("0x12", 1, NODES),)),
        GrantBundle(PATIENT, VIEWER, {}, (RelationshipKeys(PROVIDER, 1, (TOP,)),)),
        GrantBundle(PATIENT, VIEWER, {}, (RelationshipKeys(PROVIDER, 1, NODES + NODES),)),
        GrantBundle(PATIENT, VIEWER, {}, (), (dataclasses.replace(EXCERPT, digest=b""),)),
        GrantBundle(PATIENT, VIEWER, {}, (), (dataclasses.replace(EXCERPT, class_number=64),)),
        GrantBundle(PATIENT, VIEWER, {}, (), (dataclasses.replace(EXCERPT, period=5),)),
        RekeyBundle((), (b"short",)),
        InheritanceBundle(ROOT, Reason.MOVE, "a wallet"),
        InheritanceBundle(ROOT, "theft"),  # type: ignore[arg-type]
        ShareBundle(PATIENT, "0x", "", WORDS),
        ShareBundle(PATIENT, VIEWER, "", WORDS, b"short"),
        ShareBundle(PATIENT, VIEWER, "", WORDS, None, (b"short",)),
        ShareBundle(PATIENT, VIEWER, "a" * 201, WORDS),
        ShareBundle(PATIENT, VIEWER, "", "a" * 1001),
        SuccessionBundle(VIEWER, 0, 1, bytes(32), bytes(65)),
        SuccessionBundle(VIEWER, 1, 1 << 53, bytes(32), bytes(65)),
        SuccessionBundle(VIEWER, 1, 1, bytes(31), bytes(65)),
        SuccessionBundle(VIEWER, 1, 1, bytes(32), b""),
        PlanBundle(1, None, ()),
        PlanBundle(2, None, (Appointed(VIEWER, "", bytes(32)),)),
        PlanBundle(0, None, (Appointed(VIEWER, "", bytes(32)),)),
        PlanBundle(1, None, (Appointed(VIEWER, "", bytes(32)),) * 17),
        ReasonBundle(PROVIDER, "a" * 2001),
    ],
    ids=lambda bundle: repr(bundle)[:60],
)
def test_a_bundle_that_nobody_could_read_is_not_sealed(bundle: Bundle) -> None:
    with pytest.raises(InvalidInput):
        seal_bundle(bundle, PLACE, RECIPIENTS)


def fits(name: str, value: object) -> bool:
    """Whether a value that is wrong almost everywhere may stand here."""
    if name in ("label", "words", "name", "text"):
        return isinstance(value, str)
    return (
        (name in ("excerpts", "grants", "keys", "ancestors", "proof") and value == [])
        or (name == "terms" and value == {})
        or (name == "acceptance" and value == "00")
    )


def documents() -> list[tuple[str, bytes]]:
    """Every bundle with every one of its members removed, renamed, doubled in type."""
    cases = []
    for kind in KINDS:
        whole = json.loads(write_bundle(BUNDLES[kind]))

        def visit(value: object, spot: str, whole: object = whole) -> None:
            if isinstance(value, dict):
                if spot.endswith("terms") or ".ancestors" in spot:
                    return
                for name in list(value):
                    kept = value.pop(name)
                    cases.append((f"{spot}.{name} is missing", json.dumps(whole).encode()))
                    for wrong in (5.5, "x", [], {}, -1, True, "00", 1 << 70):
                        value[name] = wrong
                        if not fits(name, wrong):
                            cases.append((f"{spot}.{name} is {wrong!r}", json.dumps(whole).encode()))
                    value[name] = kept
                    visit(kept, f"{spot}.{name}", whole)
                value["more"] = 1
                cases.append((f"{spot} has more", json.dumps(whole).encode()))
                del value["more"]
            elif isinstance(value, list):
                for at in range(len(value)):
                    kept = value[at]
                    for wrong in (None, 7, "x", [], ["/0", "00"], ["/", "00" * 32], ["/0/3", "AB" * 32]):
                        value[at] = wrong
                        if ".ancestors" not in spot:
                            cases.append((f"{spot}[{at}] is {wrong!r}", json.dumps(whole).encode()))
                    value[at] = kept
                    visit(kept, f"{spot}[{at}]", whole)

        visit(whole, kind.value)
    return cases


def test_a_document_with_any_part_missing_wrong_or_unknown_is_refused() -> None:
    cases = documents()
    assert len(cases) > 300
    for spot, data in cases:
        try:
            read_bundle(data)
        except ContentInvalid as refusal:
            assert refusal.message, spot
        else:
            pytest.fail(spot)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"1", b"{}", b'{"kind":1}', b'{"kind":"other"}', b'{"kind":"rekey","kind":"rekey"}', b"\xff"]
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ContentInvalid):
        read_bundle(data)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just("00" * 32), st.just(PATIENT)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
NAMES = ["keys", "grants", "excerpts", "public_key", "mailbox_key", "grantor", "viewer", "terms", "ancestors"]
NAMES += ["root", "reason", "wallet", "owner", "holder", "label", "words", "salt", "proof", "seed", "successor"]
NAMES += ["number", "expires_at", "bundle", "acceptance", "threshold", "guardians", "provider", "text"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), json_values))
@settings(max_examples=400)
def test_any_document_is_a_bundle_or_refused(kind: BundleKind, members: dict) -> None:
    try:
        bundle = read_bundle(json.dumps({"kind": kind.value, **members}).encode())
    except ContentInvalid:
        return
    assert kind_of(bundle) is kind


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=2500).map(lambda tail: b"MEDKEY\1\1" + tail)))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_as_a_bundle(data: bytes) -> None:
    with pytest.raises((ParcelTampered, WrongKey)):
        open_bundle(data, PLACE, VIEWER_KEY, BundleKind.GRANT)


# ── a subject who seals nonsense ──


def forged(content: bytes, kind: BundleKind = BundleKind.REKEY) -> bytes:
    bound, key = PLACE.encode(kind), ContentKey.random()
    opening = b"MEDKEY\1\1" + VIEWER_KEY.public_key.seal(key.reveal(), _info(bound))
    cipher, commitment = schedule(key, "bundle", opening, bound)
    return opening + commitment + cipher.encrypt(content)


def padded(document: bytes, *, size: int = 1 << 14, length: int | None = None, hidden: bytes = b"") -> bytes:
    written = (len(document) if length is None else length).to_bytes(8, "big")
    return (document + hidden).ljust(size - 8, b"\0") + written


GOOD = compress(write_bundle(BUNDLES[BundleKind.REKEY]))


def test_the_subject_of_the_next_tests_can_also_be_honest() -> None:
    assert open_bundle(forged(padded(GOOD)), PLACE, VIEWER_KEY, BundleKind.REKEY) == BUNDLES[BundleKind.REKEY]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        padded(GOOD, size=1 << 13),
        padded(GOOD, size=1 << 15),
        padded(GOOD, size=(1 << 14) - 1),
        padded(GOOD, length=len(GOOD) + 1),
        padded(GOOD, length=len(GOOD) - 1),
        padded(GOOD, length=1 << 63),
        padded(GOOD, hidden=b"\1"),
        padded(GOOD, hidden=b"\0\0\1"),
        padded(b""),
        padded(b"not zstd"),
        padded(compress(b"no json")),
        padded(compress(b"{}")),
        padded(compress(random.Random(1).randbytes(64))),
        padded(compress(write_bundle(BUNDLES[BundleKind.RELATIONSHIP]))),
    ],
    ids=lambda content: f"{len(content)}:{content[:12].hex()}",
)
def test_an_authentic_bundle_that_holds_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(ContentInvalid):
        open_bundle(forged(content), PLACE, VIEWER_KEY, BundleKind.REKEY)


def test_the_top_of_a_tree_never_travels() -> None:
    document = json.loads(write_bundle(BUNDLES[BundleKind.REKEY]))
    document["keys"][0]["nodes"] = [["/", "00" * 32]]
    with pytest.raises(ContentInvalid, match="never leaves"):
        read_bundle(json.dumps(document).encode())
    assert Node(Path(), NodeKey(bytes(32))).path == Path()
    assert isinstance(RECIPIENTS[0], PublicKey)
