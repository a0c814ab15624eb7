"""Whatever an outbox accepted is anchored, once; whatever stops it is said, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading

import pytest

from medrec_py.chain import generate_account
from medrec_py.crypto.secret import CompartmentKey
from medrec_py.errors import (
    AnchoringUnproven,
    InvalidInput,
    JournalDamaged,
    JournalUnavailable,
    NotAnAuthor,
    PublicationFailed,
    PublicationInvalid,
    PublicationPending,
    Unavailable,
    UnknownPublication,
)
from medrec_py.outbox import Outbox, Parcel, Publication, PublicationState, Step
from medrec_py.outbox.spool import Spool
from medrec_py.sealing import Context, seal_records
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import BatchAnchored


def digests_of(publication: Publication) -> list[bytes]:
    return [parcel.digest for parcel in publication.parcels]


class Interrupted(Exception):
    """Stands for the death of the process in the tests that stay in one."""


def stopping_at(stop: Step, act=None):
    """An observer that acts, or stops the work, when a step is passed for the first time."""
    seen = []

    def observe(step: Step, id: str) -> None:
        if step is stop and not seen:
            seen.append(step)
            if act is None:
                raise Interrupted(step)
            act()

    return observe


# --------------------------------------------------------------------------------------------------------- publishing


def test_a_publication_is_stored_pinned_and_anchored_once(world):
    publication = world.publication(b"sealed one", b"sealed two")
    with world.outbox() as outbox:
        receipt = outbox.submit(publication, world.patient)
        assert outbox.receipt(receipt.id) == receipt
        assert outbox.pending() == outbox.failed() == []
    assert world.ledger() == digests_of(publication) == list(receipt.digests)
    assert world.store.get_many(digests_of(publication)) == [b"sealed one", b"sealed two"]
    assert world.store.verify_pins(digests_of(publication)) == []
    assert receipt.locators == tuple(parcel.locator for parcel in publication.parcels)
    assert receipt.stored_bytes == 20
    mined = world.chain.receipt(receipt.transaction_hash)
    assert (receipt.block_number, receipt.block_hash) == (mined.block_number, mined.block_hash)
    assert (receipt.gas_used, receipt.calldata_bytes) == (mined.gas_used, mined.calldata_bytes)


def test_the_steps_are_seen_in_order(world):
    seen = []
    with world.outbox(observer=lambda step, id: seen.append(step)) as outbox:
        outbox.submit(world.publication(b"sealed"), world.patient)
    assert seen == [step for step in Step if step is not Step.ANCHORED]


def test_confirmations_are_waited_for(world):
    seen = []

    def observe(step: Step, id: str) -> None:
        seen.append(step)
        if step is Step.ANCHORED:
            for _ in range(2):
                world.chain.travel(1)

    with world.outbox(observer=observe, confirmations=3) as outbox:
        receipt = outbox.submit(world.publication(b"sealed"), world.patient)
        assert world.chain.head_number() >= receipt.block_number + 2
    assert seen == list(Step)


def test_a_publication_that_lacks_confirmations_stays_pending(world):
    with world.outbox(confirmations=5, timeout=0.05) as outbox:
        with pytest.raises(PublicationPending, match="not mined within"):
            outbox.submit(world.publication(b"sealed"), world.patient)
        [status] = outbox.pending()
        assert status.state is PublicationState.ANCHORED
        for _ in range(4):
            world.chain.travel(1)
        [outcome] = outbox.resume()
        assert outcome.receipt.id == status.id
    assert len(world.ledger()) == 1


def test_nothing_is_left_of_the_sealed_bytes_when_all_is_confirmed(world):
    with world.outbox() as outbox:
        outbox.submit(world.publication(b"sealed bytes" * 100), world.patient)
    assert world.files() == []
    assert not any(b"sealed bytes" in path.read_bytes() for path in world.folder.rglob("*") if path.is_file())


def test_nothing_in_the_clear_is_ever_in_the_folder(world):
    """Looked for at every step: words of the record, and the keys it is sealed with."""
    key = CompartmentKey(os.urandom(32))
    words = b"a diagnosis that nobody else may read"
    context = Context(
        world.chain.chain_id, world.deployment.medrec, world.patient.address, world.patient.address, 3, 2024, 0
    )
    sealed = seal_records([{"resourceType": "Condition", "note": words.decode()}], context, key)
    publication = world.publication(sealed.data)
    secrets = (words, words[:11], key.reveal(), sealed.content_key.reveal())
    seen = []

    def look(step: Step, id: str) -> None:
        content = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
        assert sealed.data in content or step not in (Step.SEALED, Step.ACCEPTED)
        for secret in secrets:
            assert secret not in content
            assert secret.hex().encode() not in content
        seen.append(step)

    with world.outbox(observer=look) as outbox:
        outbox.submit(publication, world.patient)
    assert len(seen) == len(Step) - 1


def test_the_sealed_bytes_go_as_soon_as_the_store_keeps_them(world):
    sizes = []

    def look(step: Step, id: str) -> None:
        if step in (Step.STORED, Step.PREPARED):
            sizes.append(sum(path.stat().st_size for path in (world.folder / "sealed").iterdir()))

    with world.outbox(observer=look) as outbox:
        outbox.submit(world.publication(b"sealed"), world.patient)
    assert sizes == [6, 0]


def test_a_large_parcel_is_published_from_its_file(world, tmp_path):
    content = os.urandom(9 << 20)
    (tmp_path / "image.sealed").write_bytes(content)
    publication = world.publication(tmp_path / "image.sealed", b"small", b"", b"x" * (5 << 20))
    with world.outbox() as outbox:
        receipt = outbox.submit(publication, world.patient)
    assert world.store.get(publication.parcels[0].digest) == content
    assert world.store.get_many(digests_of(publication)[1:]) == [b"small", b"", b"x" * (5 << 20)]
    assert receipt.stored_bytes == (14 << 20) + 5


def test_a_batch_is_recognised_by_its_root(world):
    world.relate()
    parcels = [Parcel(content, digest_of(content)) for content in (b"one", b"two")]
    manifest, root = Parcel(b"manifest", digest_of(b"manifest")), os.urandom(32)
    call = world.medrec.anchor_batch(root, manifest.digest, 2)
    with world.outbox() as outbox:
        receipt = outbox.submit(
            Publication.batch(world.provider.address, root, 2, parcels, manifest, call), world.provider
        )
    assert receipt.digests == (*(parcel.digest for parcel in parcels), manifest.digest)
    [event] = world.chain.receipt(receipt.transaction_hash).events
    assert isinstance(event.event, BatchAnchored)


def test_several_calls_become_one_transaction(world):
    first, second = world.publication(b"one"), world.publication(b"two")
    both = Publication(first.parcels + second.parcels, first.calls + second.calls, first.expects + second.expects)
    with world.outbox() as outbox:
        receipt = outbox.submit(both, world.patient)
    assert len(world.chain.receipt(receipt.transaction_hash).events) == 2
    assert world.ledger() == digests_of(both)


# --------------------------------------------------------------------------------------------------------- accepting


def test_what_was_accepted_is_pending_until_it_is_resumed(world):
    publication = world.publication(b"sealed")
    with world.outbox() as outbox:
        id = outbox.accept(publication, world.patient.address)
    with world.outbox() as outbox:
        [status] = outbox.pending()
        assert (status.id, status.state, status.sender) == (id, PublicationState.ACCEPTED, world.patient.address)
        assert status.digests == tuple(digests_of(publication))
        assert outbox.receipt(id) is None
        [outcome] = outbox.resume([world.patient])
        assert outcome.receipt == outbox.receipt(id)
        assert outbox.resume([world.patient]) == []
    assert world.ledger() == digests_of(publication)


def test_a_key_publishes_once(world):
    with world.outbox() as outbox:
        first = outbox.submit(world.publication(b"sealed", key="import 7"), world.patient)
        again = outbox.submit(world.publication(b"sealed anew", key="import 7"), world.patient)
        assert again == first
        assert outbox.find("import 7").state is PublicationState.CONFIRMED
        assert outbox.find("import 8") is None
        assert outbox.accept(world.publication(b"sealed anew", key="import 7"), world.patient.address) == first.id
    assert world.ledger() == list(first.digests)
    assert world.files() == []


def test_a_key_that_is_pending_is_gone_on_with(world):
    publication = world.publication(b"sealed", key="import 7")
    with world.outbox() as outbox:
        outbox.accept(publication, world.patient.address)
        receipt = outbox.submit(world.publication(b"sealed anew", key="import 7"), world.patient)
    assert world.ledger() == digests_of(publication) == list(receipt.digests)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digest": bytes(32)}, "not 0x0000"),
        ({"digest": bytes(31)}, "32 bytes, not 31"),
        ({"locator": bytes(15)}, "16 bytes, not 15"),
    ],
)
def test_a_parcel_that_is_not_what_it_says_is_refused_and_leaves_nothing(world, change, words):
    good = world.publication(b"sealed")
    parcel = Parcel(**{"sealed": b"sealed", "digest": good.parcels[0].digest, "locator": bytes(16)} | change)
    with world.outbox() as outbox:
        with pytest.raises(PublicationInvalid, match=words):
            outbox.submit(Publication((parcel,), good.calls, good.expects), world.patient)
        assert outbox.pending() == []
    assert world.files() == []
    assert world.ledger() == []


def test_a_publication_says_what_it_calls_and_what_that_emits(world):
    good = world.publication(b"sealed")
    with world.outbox() as outbox:
        for bad in (Publication(good.parcels, (), good.expects), Publication(good.parcels, good.calls, ())):
            with pytest.raises(PublicationInvalid):
                outbox.accept(bad, world.patient.address)


def test_a_file_that_can_not_be_read_is_said_and_leaves_nothing(world, tmp_path):
    good = world.publication(b"sealed")
    missing = Parcel(tmp_path / "missing", good.parcels[0].digest, good.parcels[0].locator)
    with world.outbox() as outbox, pytest.raises(JournalUnavailable, match="No such file"):
        outbox.submit(Publication((missing,), good.calls, good.expects), world.patient)
    assert world.files() == []


# --------------------------------------------------------------------------------------------- stopped at every step


@pytest.mark.parametrize(
    ("step", "confirmations"),
    [
        (step, confirmations)
        for step in Step
        for confirmations in (1, 2)
        if step is not Step.SEALED and (step is not Step.ANCHORED or confirmations > 1)
    ],
)
def test_nothing_lost(world, step, confirmations):
    """Stopped at any step after acceptance and resumed, a publication stands on chain exactly once."""
    publication = world.publication(b"sealed one", b"sealed two")

    def mine_on(seen: Step, id: str) -> None:
        if seen is Step.ANCHORED:
            world.chain.travel(1)

    def stop(seen: Step, id: str) -> None:
        mine_on(seen, id)
        if seen is step:
            raise Interrupted(step)

    with world.outbox(observer=stop, confirmations=confirmations) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, world.patient)
    with world.outbox(observer=mine_on, confirmations=confirmations, timeout=5) as outbox:
        assert [outcome.error for outcome in outbox.resume([world.patient])] in ([], [None])
        assert outbox.resume([world.patient]) == []
        assert outbox.pending() == outbox.failed() == []
    assert world.ledger() == digests_of(publication)
    assert world.store.verify_pins(digests_of(publication)) == []
    assert world.files() == []


def test_what_was_never_accepted_is_forgotten(world):
    with world.outbox(observer=stopping_at(Step.SEALED)) as outbox, pytest.raises(Interrupted):
        outbox.submit(world.publication(b"sealed"), world.patient)
    assert len(world.files()) == 1
    with world.outbox() as outbox:
        assert outbox.resume([world.patient]) == []
    assert world.files() == []
    assert world.ledger() == []


# --------------------------------------------------------------------------------------------------------- cut lines


@pytest.mark.parametrize("cut", ["put_many", "verify_pins", "*"])
def test_a_store_that_is_away_loses_nothing(world, cut):
    publication = world.publication(b"sealed")
    world.store_line.cut = {cut}
    with world.outbox() as outbox:
        with pytest.raises(PublicationPending, match=r"waits: The line is cut\.") as caught:
            outbox.submit(publication, world.patient)
        assert isinstance(caught.value, Unavailable)
        [outcome] = outbox.resume([world.patient])
        assert isinstance(outcome.error, PublicationPending)
    world.store_line.cut = set()
    with world.outbox() as outbox:
        [outcome] = outbox.resume([world.patient])
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)


@pytest.mark.parametrize("cut", ["head_number", "prepare", "broadcast", "receipt"])
def test_a_chain_that_is_away_loses_nothing(world, cut):
    publication = world.publication(b"sealed")
    with world.outbox() as outbox:
        world.chain_line.cut = {cut}
        with pytest.raises(PublicationPending, match=r"waits: The line is cut\."):
            outbox.submit(publication, world.patient)
        world.chain_line.cut = set()
        [outcome] = outbox.resume([world.patient])
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)


def test_a_store_that_takes_and_does_not_keep_is_not_believed(world):
    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.PUT, lambda: world.store.unpin(publication.parcels[0].digest))) as box:
        with pytest.raises(PublicationPending, match="does not keep 1 of 1 parcels"):
            box.submit(publication, world.patient)
        assert world.ledger() == []
        [outcome] = box.resume([world.patient])
        assert outcome.error is None
    assert world.store.is_pinned(publication.parcels[0].digest)


def test_an_account_without_ether_keeps_it_waiting(world):
    stranger = generate_account()
    publication = world.publication(b"sealed", author=stranger.address)
    with world.outbox() as outbox:
        with pytest.raises(PublicationPending, match=r"waits: .* wei"):
            outbox.submit(publication, stranger)
        assert len(outbox.pending()) == 1
        world.chain.fund(stranger.address, 10**18)
        [outcome] = outbox.resume([stranger])
        assert outcome.receipt is not None
    assert world.ledger(stranger.address) == digests_of(publication)


def test_a_resume_without_the_signer_names_it(world):
    with world.outbox() as outbox:
        outbox.accept(world.publication(b"sealed"), world.patient.address)
        [outcome] = outbox.resume([world.provider])
        assert f"waits to be signed by {world.patient.address}" in str(outcome.error)
        assert [status.state for status in outbox.pending()] == [PublicationState.STORED]


def test_a_signed_publication_needs_no_signer_to_be_finished(world):
    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.SIGNED)) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, world.patient)
    with world.outbox() as outbox:
        [outcome] = outbox.resume()
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)


# ------------------------------------------------------------------------------------------------------- used nonces


def test_a_nonce_that_another_transaction_took_is_replaced(world):
    publication = world.publication(b"sealed")

    def interfere() -> None:
        world.chain.send(world.patient, world.medrec.revoke(os.urandom(32)))

    with world.outbox(observer=stopping_at(Step.SIGNED, interfere)) as outbox:
        receipt = outbox.submit(publication, world.patient)
    assert world.ledger() == digests_of(publication)
    assert world.chain.receipt(receipt.transaction_hash) is not None


def test_a_nonce_taken_while_the_process_was_dead_is_replaced_when_it_resumes(world):
    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.SIGNED)) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, world.patient)
    world.chain.send(world.patient, world.medrec.revoke(os.urandom(32)))
    with world.outbox() as outbox:
        [without] = outbox.resume()
        assert "waits to be signed" in str(without.error)
        [outcome] = outbox.resume([world.patient])
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)


def test_a_copy_of_the_journal_does_not_publish_a_second_time(world):
    """The same act done by another transaction is found in the chain's log, and not done again."""
    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.SIGNED)) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, world.patient)
    # Together with another act, or it would be the very transaction that the journal holds.
    elsewhere = world.chain.send(world.patient, [*publication.calls, world.medrec.revoke(os.urandom(32))])
    with world.outbox() as outbox:
        [outcome] = outbox.resume([world.patient])
        assert outcome.receipt.transaction_hash == elsewhere.hash
    assert world.ledger() == digests_of(publication)


def test_an_act_of_somebody_else_with_the_same_digests_is_not_mistaken_for_ours(world):
    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.SIGNED)) as outbox, pytest.raises(Interrupted):
        outbox.submit(publication, world.patient)
    [parcel] = publication.parcels
    world.chain.send(world.provider, world.medrec.anchor(world.provider.address, [parcel.digest], [parcel.locator]))
    world.chain.send(world.patient, world.medrec.revoke(os.urandom(32)))
    with world.outbox() as outbox:
        [outcome] = outbox.resume([world.patient])
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)


# ---------------------------------------------------------------------------------------------------------- refusals


def test_a_refusal_is_kept_with_its_reason_and_can_be_retried(world):
    publication = world.publication(
        b"sealed", subject=world.patient.address, author=world.provider.address, key="import"
    )
    with world.outbox() as outbox:
        with pytest.raises(NotAnAuthor) as caught:
            outbox.submit(publication, world.provider)
        [status] = outbox.failed()
        assert (status.reason, caught.value.facts["publication"]) == (str(caught.value), status.id)
        assert outbox.pending() == []
        assert outbox.resume([world.provider]) == []
        with pytest.raises(PublicationFailed, match="failed: "):
            outbox.submit(publication, world.provider)

        world.relate()
        receipt = outbox.retry(status.id, world.provider)
        assert outbox.failed() == []
        assert outbox.submit(publication, world.provider) == receipt
    assert world.ledger() == digests_of(publication)


def test_an_anchoring_that_reverts_when_it_is_mined_is_kept_as_failed(world):
    world.relate()
    publication = world.publication(b"sealed", subject=world.patient.address, author=world.provider.address)

    def withdraw() -> None:
        world.chain.send(world.patient, world.medrec.close(world.patient.address, world.provider.address))

    with world.outbox(observer=stopping_at(Step.SIGNED, withdraw)) as outbox:
        with pytest.raises(NotAnAuthor):
            outbox.submit(publication, world.provider)
        [status] = outbox.failed()
        assert status.transaction_hash is not None
        assert world.store.verify_pins(digests_of(publication)) == []

        outbox.discard(status.id)
        assert outbox.failed() == []
    assert not world.store.has(publication.parcels[0].digest)
    assert world.ledger() == []
    assert world.files() == []


def test_a_retry_takes_other_calls(world):
    first = world.publication(b"sealed")
    refused = Publication(first.parcels, (world.medrec.resume(bytes(32)),), first.expects)
    with world.outbox() as outbox:
        with pytest.raises(Exception, match="suspended"):
            outbox.submit(refused, world.patient)
        outbox.retry(outbox.failed()[0].id, world.patient, first.calls)
    assert world.ledger() == digests_of(first)


def test_a_discarded_publication_may_leave_its_objects(world):
    publication = world.publication(b"sealed", subject=world.patient.address, author=world.provider.address)
    with world.outbox() as outbox:
        with pytest.raises(NotAnAuthor):
            outbox.submit(publication, world.provider)
        outbox.discard(outbox.failed()[0].id, keep_objects=True)
    assert world.store.is_pinned(publication.parcels[0].digest)


def test_a_retry_looks_for_the_parcels_first(world):
    publication = world.publication(b"sealed", subject=world.patient.address, author=world.provider.address)
    with world.outbox() as outbox:
        with pytest.raises(NotAnAuthor):
            outbox.submit(publication, world.provider)
        world.store.remove(publication.parcels[0].digest)
        with pytest.raises(PublicationPending, match="does not keep 1 of 1"):
            outbox.retry(outbox.failed()[0].id, world.provider)
        assert len(outbox.failed()) == 1


def test_only_a_failed_publication_is_retried_or_discarded(world):
    with world.outbox() as outbox:
        receipt = outbox.submit(world.publication(b"sealed"), world.patient)
        for act in (lambda: outbox.retry(receipt.id, world.patient), lambda: outbox.discard(receipt.id)):
            with pytest.raises(UnknownPublication, match="is confirmed, not failed"):
                act()
        with pytest.raises(UnknownPublication, match="'nonsense'"):
            outbox.discard("nonsense")
    assert world.files() == []


def test_a_transaction_that_does_something_else_is_no_proof(world):
    good = world.publication(b"sealed")
    other = Publication(good.parcels, (world.medrec.revoke(os.urandom(32)),), good.expects)
    with world.outbox() as outbox:
        with pytest.raises(AnchoringUnproven, match="did not emit Anchored"):
            outbox.submit(other, world.patient)
        assert len(outbox.failed()) == 1


def test_another_account_can_not_sign_for_the_sender(world):
    with world.outbox() as outbox:
        id = outbox.accept(world.publication(b"sealed", key="k"), world.patient.address)
        with pytest.raises(InvalidInput, match=f"{world.patient.address}'s to sign"):
            outbox.submit(world.publication(b"sealed", key="k"), world.provider)
        assert [status.id for status in outbox.pending()] == [id]


# ------------------------------------------------------------------------------------------------------- side by side


def test_many_publishers_on_one_outbox_and_one_account_anchor_each_parcel_once(world):
    publications = [world.publication(f"sealed {number}".encode()) for number in range(12)]
    errors = []

    def publish(mine: list[Publication]) -> None:
        try:
            with world.outbox() as outbox:
                for publication in mine:
                    outbox.submit(publication, world.patient)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=publish, args=(publications[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(world.ledger()) == sorted(digest for one in publications for digest in digests_of(one))
    assert world.files() == []


def test_two_resumes_at_once_finish_each_publication_once(world):
    publications = [world.publication(f"sealed {number}".encode()) for number in range(8)]
    with world.outbox() as outbox:
        for publication in publications:
            outbox.accept(publication, world.patient.address)
    outcomes = []

    def resume() -> None:
        with world.outbox() as outbox:
            outcomes.extend(outbox.resume([world.patient]))

    threads = [threading.Thread(target=resume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.error for outcome in outcomes] == [None] * 8
    assert sorted(world.ledger()) == sorted(digest for one in publications for digest in digests_of(one))


def test_a_publication_that_is_being_worked_on_is_left_alone(world):
    found = []

    def look() -> None:
        with world.outbox() as other:
            found.extend(other.resume([world.patient]))
            with pytest.raises(PublicationPending, match="Another process is at work"):
                other.submit(world.publication(b"again", key="k"), world.patient)

    with world.outbox(observer=stopping_at(Step.STORED, look)) as outbox:
        outbox.submit(world.publication(b"sealed", key="k"), world.patient)
    assert found == []
    assert len(world.ledger()) == 1


def test_a_file_of_somebody_who_is_about_to_accept_is_not_swept(world):
    def look() -> None:
        with world.outbox() as other:
            assert other.resume() == []

    publication = world.publication(b"sealed")
    with world.outbox(observer=stopping_at(Step.SEALED, look)) as outbox:
        outbox.submit(publication, world.patient)
    assert world.ledger() == digests_of(publication)


def test_a_file_that_was_accepted_between_two_looks_is_not_swept(world, monkeypatch):
    publication = world.publication(b"sealed")
    with world.outbox() as outbox:
        id = outbox.accept(publication, world.patient.address)
        looks = iter([False])
        look = outbox._is_needed
        monkeypatch.setattr(outbox, "_is_needed", lambda asked: next(looks, None) is not False and look(asked))
        outbox._sweep()
        assert world.files() == [f"{id}.sealed"]
        outbox.resume([world.patient])
    assert world.ledger() == digests_of(publication)


def test_a_file_that_is_removed_while_it_is_claimed_is_claimed_anew(tmp_path, monkeypatch):
    """Its last holder removed it after we opened it: a lock on the removed file would exclude nobody."""
    spool = Spool(tmp_path)
    path = tmp_path / "sealed" / "one.sealed"
    lock = fcntl.flock

    def lock_after_removal(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        path.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_after_removal)
    with spool.claim("one") as claim:
        assert path.exists()
        assert claim.size == 0
        assert spool.claim("one") is None


def test_a_publisher_that_holds_an_account_too_long_is_named(world):
    def hold() -> None:
        with world.outbox(timeout=0.1) as other, pytest.raises(PublicationPending, match="Another publisher has held"):
            other.submit(world.publication(b"other"), world.patient)

    with world.outbox(observer=stopping_at(Step.PREPARED, hold)) as outbox:
        outbox.submit(world.publication(b"sealed"), world.patient)
        assert len(outbox.pending()) == 1
        outbox.resume([world.patient])
    assert len(world.ledger()) == 2


# -------------------------------------------------------------------------------------------------- damaged journals


def test_lost_bytes_of_an_accepted_publication_are_named(world):
    with world.outbox() as outbox:
        outbox.accept(world.publication(b"sealed"), world.patient.address)
        [file] = (world.folder / "sealed").iterdir()
        file.write_bytes(b"sea")
        [outcome] = outbox.resume([world.patient])
        assert isinstance(outcome.error, JournalDamaged)
        assert "has 3 of its 6 bytes" in str(outcome.error)
    assert world.ledger() == []


def test_changed_bytes_of_an_accepted_publication_are_never_anchored(world):
    publication = world.publication(b"sealed")
    with world.outbox() as outbox:
        outbox.accept(publication, world.patient.address)
        [file] = (world.folder / "sealed").iterdir()
        file.write_bytes(b"SEALED")
        [outcome] = outbox.resume([world.patient])
        assert isinstance(outcome.error, JournalDamaged)
        assert publication.parcels[0].digest.hex() in str(outcome.error)
    assert world.ledger() == []


def test_a_file_that_is_no_journal_is_named(world):
    world.folder.mkdir()
    (world.folder / "journal.sqlite").write_bytes(b"no journal" * 1000)
    with pytest.raises(JournalDamaged, match="not a database"):
        world.outbox()


def test_a_journal_of_another_version_is_named(world):
    world.outbox().close()
    with sqlite3.connect(world.folder / "journal.sqlite") as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(JournalDamaged, match="version 9, not 2"):
        world.outbox()


def test_a_folder_that_can_not_be_made_is_named(world, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalUnavailable, match="can't be used"):
        Outbox(tmp_path / "file" / "outbox", world.store, world.chain)


def test_fewer_than_one_confirmation_is_refused(world):
    with pytest.raises(PublicationInvalid, match="confirmed by 0 blocks"):
        world.outbox(confirmations=0)


def test_the_folder_is_for_its_owner_only(world):
    with world.outbox() as outbox:
        outbox.accept(world.publication(b"sealed"), world.patient.address)
    assert world.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (world.folder / "sealed").iterdir())


def test_addresses_are_the_same_in_any_spelling(world):
    publication = world.publication(b"sealed", author=world.patient.address.lower())
    with world.outbox() as outbox:
        outbox.accept(publication, world.patient.address.lower())
        [outcome] = outbox.resume([world.patient])
        assert outcome.error is None
    assert world.ledger() == digests_of(publication)
