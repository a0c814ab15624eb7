// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {IRecords} from "contracts/interfaces/IRecords.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

contract RecordsTest is World {
    bytes32 private constant DIGEST = keccak256("a sealed parcel");
    bytes32 private constant OTHER_DIGEST = keccak256("another sealed parcel");
    bytes16 private constant LOCATOR = bytes16(keccak256("a locator"));
    bytes32 private constant MANIFEST = keccak256("a list in IPFS");
    bytes32 private constant BLIND = keccak256("known to key holders only");

    function setUp() public override {
        super.setUp();
        _open(patient, provider);
    }

    function _digests() private pure returns (bytes32[] memory digests) {
        digests = new bytes32[](2);
        digests[0] = DIGEST;
        digests[1] = OTHER_DIGEST;
    }

    function _locators() private pure returns (bytes memory) {
        return abi.encodePacked(LOCATOR, ~LOCATOR);
    }

    /// @dev The ledger as the documents define it: 0 anchors, 1 retracts, 2 is a batch.
    function _fold(bytes32 head, uint256 kind, address author, bytes32 digest, bytes32 detail)
        private
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(head, kind, author, block.timestamp, digest, detail));
    }

    function _afterAnchor(bytes32 head, address author) private view returns (bytes32) {
        head = _fold(head, 0, author, DIGEST, bytes32(LOCATOR));
        return _fold(head, 0, author, OTHER_DIGEST, bytes32(~LOCATOR));
    }

    // --------------------------------------------------------------------------------------------------------- Anchor

    function test_a_related_provider_anchors_and_the_ledger_folds_every_parcel() public {
        vm.expectEmit(address(medrec));
        emit IRecords.Anchored(patient.addr, provider.addr, START, _digests(), _locators());
        vm.prank(provider.addr);
        medrec.anchor(patient.addr, _digests(), _locators());
        assertEq(medrec.ledgerHead(patient.addr), _afterAnchor(0, provider.addr));
        assertEq(medrec.ledgerHead(secondPatient.addr), 0);

        vm.warp(START + 1 days);
        bytes32 head = medrec.ledgerHead(patient.addr);
        vm.prank(provider.addr);
        medrec.anchor(patient.addr, _digests(), _locators());
        assertEq(medrec.ledgerHead(patient.addr), _afterAnchor(head, provider.addr));
    }

    function test_a_parcel_anchored_alone_is_folded_as_among_others() public {
        vm.expectEmit(address(medrec));
        emit IRecords.ParcelAnchored(patient.addr, provider.addr, START, DIGEST, LOCATOR);
        vm.prank(provider.addr);
        medrec.anchorParcel(patient.addr, DIGEST, LOCATOR);
        vm.prank(provider.addr);
        medrec.anchorParcel(patient.addr, OTHER_DIGEST, ~LOCATOR);
        assertEq(medrec.ledgerHead(patient.addr), _afterAnchor(0, provider.addr));
    }

    function test_nobody_else_anchors_a_parcel_alone() public {
        vm.expectRevert(abi.encodeWithSelector(IRecords.NotAnAuthor.selector, patient.addr, stranger.addr));
        vm.prank(stranger.addr);
        medrec.anchorParcel(patient.addr, DIGEST, LOCATOR);
    }

    function test_patients_anchor_in_their_own_ledger_without_anybodys_leave() public {
        vm.prank(secondPatient.addr);
        medrec.anchor(secondPatient.addr, _digests(), _locators());
        assertEq(medrec.ledgerHead(secondPatient.addr), _afterAnchor(0, secondPatient.addr));
    }

    function test_a_relayer_anchors_with_the_authors_signature() public {
        bytes memory signature = _sign(provider, Acts.anchor(patient.addr, provider.addr, 0, _digests(), _locators()));
        vm.expectEmit(address(medrec));
        emit IRecords.Anchored(patient.addr, provider.addr, START, _digests(), _locators());
        vm.prank(relayer.addr);
        medrec.anchorWithSig(patient.addr, provider.addr, _digests(), _locators(), signature);
        assertEq(medrec.ledgerHead(patient.addr), _afterAnchor(0, provider.addr));
    }

    function test_a_signed_anchor_fits_one_place_in_the_ledger_only() public {
        bytes memory signature = _sign(provider, Acts.anchor(patient.addr, provider.addr, 0, _digests(), _locators()));
        medrec.anchorWithSig(patient.addr, provider.addr, _digests(), _locators(), signature);
        bytes32 head = medrec.ledgerHead(patient.addr);
        bytes32 asked = Acts.anchor(patient.addr, provider.addr, head, _digests(), _locators());
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, provider.addr, asked));
        medrec.anchorWithSig(patient.addr, provider.addr, _digests(), _locators(), signature);
    }

    function test_a_signed_anchor_is_good_for_its_parcels_only() public {
        bytes memory signature = _sign(provider, Acts.anchor(patient.addr, provider.addr, 0, _digests(), _locators()));
        bytes32[] memory swapped = _digests();
        (swapped[0], swapped[1]) = (swapped[1], swapped[0]);
        vm.expectRevert();
        medrec.anchorWithSig(patient.addr, provider.addr, swapped, _locators(), signature);
        vm.expectRevert();
        medrec.anchorWithSig(patient.addr, provider.addr, _digests(), abi.encodePacked(~LOCATOR, LOCATOR), signature);
        assertEq(medrec.ledgerHead(patient.addr), 0);
    }

    function test_an_anchor_without_a_parcel_is_refused() public {
        vm.prank(provider.addr);
        vm.expectRevert(IRecords.NothingToAnchor.selector);
        medrec.anchor(patient.addr, new bytes32[](0), "");
    }

    function test_locators_must_be_sixteen_bytes_for_each_digest() public {
        uint8[4] memory lengths = [0, 31, 33, 64];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.prank(provider.addr);
            vm.expectRevert(abi.encodeWithSelector(IRecords.LocatorsMismatch.selector, 2, lengths[i]));
            medrec.anchor(patient.addr, _digests(), new bytes(lengths[i]));
        }
    }

    function test_nobody_unrelated_or_unaccredited_writes_into_a_ledger() public {
        vm.prank(stranger.addr);
        medrec.anchor(stranger.addr, _digests(), _locators());
        Person[5] memory others = [stranger, secondProvider, secondPatient, gateway, viewer];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IRecords.NotAnAuthor.selector, patient.addr, others[i].addr);
            bytes memory anchoring =
                _sign(others[i], Acts.anchor(patient.addr, others[i].addr, 0, _digests(), _locators()));
            bytes memory retracting =
                _sign(others[i], Acts.retraction(patient.addr, others[i].addr, 0, DIGEST, OTHER_DIGEST));
            vm.startPrank(others[i].addr);
            vm.expectRevert(refusal);
            medrec.anchor(patient.addr, _digests(), _locators());
            vm.expectRevert(refusal);
            medrec.retract(patient.addr, DIGEST, OTHER_DIGEST);
            vm.expectRevert(refusal);
            medrec.anchorWithSig(patient.addr, others[i].addr, _digests(), _locators(), anchoring);
            vm.expectRevert(refusal);
            medrec.retractWithSig(patient.addr, others[i].addr, DIGEST, OTHER_DIGEST, retracting);
            vm.stopPrank();
        }
        assertEq(medrec.ledgerHead(patient.addr), 0);
    }

    function test_an_author_stops_writing_when_the_relationship_closes_or_the_accreditation_ends() public {
        bytes memory refusal = abi.encodeWithSelector(IRecords.NotAnAuthor.selector, patient.addr, provider.addr);
        vm.prank(registrarAdmin.addr);
        registrar.withdrawAccreditation(provider.addr);
        vm.startPrank(provider.addr);
        vm.expectRevert(refusal);
        medrec.anchor(patient.addr, _digests(), _locators());
        vm.stopPrank();

        _accredit(provider, ROLE_PROVIDER);
        vm.startPrank(provider.addr);
        medrec.anchor(patient.addr, _digests(), _locators());
        medrec.close(patient.addr, provider.addr);
        vm.expectRevert(refusal);
        medrec.anchor(patient.addr, _digests(), _locators());
        vm.expectRevert(refusal);
        medrec.retract(patient.addr, DIGEST, 0);
        vm.stopPrank();
    }

    // -------------------------------------------------------------------------------------------------------- Retract

    function test_a_retraction_is_an_entry_of_its_own_kind() public {
        vm.startPrank(provider.addr);
        medrec.anchor(patient.addr, _digests(), _locators());
        bytes32 head = medrec.ledgerHead(patient.addr);
        vm.expectEmit(address(medrec));
        emit IRecords.Retracted(patient.addr, provider.addr, START, DIGEST, OTHER_DIGEST);
        medrec.retract(patient.addr, DIGEST, OTHER_DIGEST);
        vm.stopPrank();
        assertEq(medrec.ledgerHead(patient.addr), _fold(head, 1, provider.addr, DIGEST, OTHER_DIGEST));
    }

    function test_a_relayer_retracts_with_the_authors_signature_once() public {
        bytes32 act = Acts.retraction(patient.addr, provider.addr, 0, DIGEST, 0);
        bytes memory signature = _sign(provider, act);
        vm.expectEmit(address(medrec));
        emit IRecords.Retracted(patient.addr, provider.addr, START, DIGEST, 0);
        medrec.retractWithSig(patient.addr, provider.addr, DIGEST, 0, signature);
        bytes32 head = medrec.ledgerHead(patient.addr);
        assertEq(head, _fold(0, 1, provider.addr, DIGEST, 0));

        bytes32 asked = Acts.retraction(patient.addr, provider.addr, head, DIGEST, 0);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, provider.addr, asked));
        medrec.retractWithSig(patient.addr, provider.addr, DIGEST, 0, signature);
    }

    function test_patients_retract_in_their_own_ledger() public {
        vm.prank(patient.addr);
        medrec.retract(patient.addr, DIGEST, 0);
        assertEq(medrec.ledgerHead(patient.addr), _fold(0, 1, patient.addr, DIGEST, 0));
    }

    // --------------------------------------------------------------------------------------------------------- Ledger

    function testFuzz_LedgerIsComplete_any_other_history_has_another_head(
        bytes32 digest,
        bytes16 locator,
        bytes32 otherDigest,
        bytes16 otherLocator,
        uint24 later
    ) public {
        vm.assume(digest != otherDigest || locator != otherLocator);
        bytes32[] memory digests = new bytes32[](2);
        (digests[0], digests[1]) = (digest, otherDigest);
        vm.warp(START + later);
        vm.prank(provider.addr);
        medrec.anchor(patient.addr, digests, abi.encodePacked(locator, otherLocator));
        bytes32 head = medrec.ledgerHead(patient.addr);

        bytes32 first = _fold(0, 0, provider.addr, digest, locator);
        bytes32 second = _fold(0, 0, provider.addr, otherDigest, otherLocator);
        assertEq(_fold(first, 0, provider.addr, otherDigest, otherLocator), head, "as it was");
        assertNotEq(_fold(second, 0, provider.addr, digest, locator), head, "reordered");
        assertNotEq(first, head, "removed the last");
        assertNotEq(second, head, "removed the first");
        assertNotEq(_fold(head, 0, provider.addr, digest, locator), head, "added");
        assertNotEq(_fold(first, 1, provider.addr, otherDigest, otherLocator), head, "another kind");
        assertNotEq(_fold(first, 0, patient.addr, otherDigest, otherLocator), head, "another author");
        vm.warp(block.timestamp + 1);
        assertNotEq(_fold(first, 0, provider.addr, otherDigest, otherLocator), head, "another time");
    }

    // --------------------------------------------------------------------------------------------------------- Batches

    function _leaf(address subject, uint32 number, bytes32 digest) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(subject, number, digest, LOCATOR, BLIND))));
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    /// @dev A tree over four subjects' parcels; the patient's comes first.
    function _tree() private view returns (bytes32 root, bytes32[] memory proof) {
        proof = new bytes32[](2);
        proof[0] = _leaf(secondPatient.addr, 1, OTHER_DIGEST);
        proof[1] = _pair(_leaf(viewer.addr, 1, DIGEST), _leaf(stranger.addr, 1, DIGEST));
        root = _pair(_pair(_leaf(patient.addr, 1, DIGEST), proof[0]), proof[1]);
    }

    function _isInBatch(bytes32 root, bytes32[] memory proof) private view returns (bool) {
        return medrec.isInBatch(patient.addr, provider.addr, DIGEST, LOCATOR, BLIND, root, proof);
    }

    function _anchorBatch(bytes32 root) private {
        vm.prank(provider.addr);
        medrec.anchorBatch(root, MANIFEST, 4);
    }

    function test_a_provider_anchors_a_batch_over_many_subjects() public {
        (bytes32 root, bytes32[] memory proof) = _tree();
        assertFalse(_isInBatch(root, proof));
        vm.expectEmit(address(medrec));
        emit IRecords.BatchAnchored(provider.addr, START, root, MANIFEST, 4);
        _anchorBatch(root);
        assertEq(medrec.batchAnchoredAt(provider.addr, root), START);
        bytes32 list = keccak256(abi.encode(MANIFEST, 4));
        assertEq(medrec.batchHead(provider.addr), _fold(0, 2, provider.addr, root, list));
        assertTrue(_isInBatch(root, proof));
    }

    function test_a_parcel_is_in_the_batch_with_every_detail_right_only() public {
        (bytes32 root, bytes32[] memory proof) = _tree();
        _anchorBatch(root);
        assertFalse(medrec.isInBatch(patient.addr, provider.addr, OTHER_DIGEST, LOCATOR, BLIND, root, proof));
        assertFalse(medrec.isInBatch(patient.addr, provider.addr, DIGEST, ~LOCATOR, BLIND, root, proof));
        assertFalse(medrec.isInBatch(patient.addr, provider.addr, DIGEST, LOCATOR, ~BLIND, root, proof));
        assertFalse(medrec.isInBatch(patient.addr, provider.addr, DIGEST, LOCATOR, BLIND, ~root, proof));
        assertFalse(medrec.isInBatch(patient.addr, secondProvider.addr, DIGEST, LOCATOR, BLIND, root, proof));
        // Another subject in whose ledger the author may not write, although the leaf stands in the tree.
        proof[0] = _leaf(patient.addr, 1, DIGEST);
        assertFalse(medrec.isInBatch(secondPatient.addr, provider.addr, OTHER_DIGEST, LOCATOR, BLIND, root, proof));
        proof[0] = ~proof[0];
        assertFalse(_isInBatch(root, proof));
    }

    function test_a_batch_of_one_needs_no_siblings_and_its_inner_hash_is_no_leaf() public {
        bytes32 leaf = _leaf(patient.addr, 1, DIGEST);
        bytes32[] memory none = new bytes32[](0);
        _anchorBatch(leaf);
        assertTrue(_isInBatch(leaf, none));
        assertFalse(medrec.isInBatch(patient.addr, provider.addr, OTHER_DIGEST, LOCATOR, BLIND, leaf, none));

        // Hashed once, as the inner nodes are, it is not taken for a leaf.
        bytes32 inner = keccak256(abi.encode(patient.addr, uint32(1), DIGEST, LOCATOR, BLIND));
        _anchorBatch(inner);
        assertFalse(_isInBatch(inner, none));
    }

    function test_a_batch_counts_only_while_its_author_was_related() public {
        (bytes32 root, bytes32[] memory proof) = _tree();
        vm.warp(START + 10);
        _anchorBatch(root);
        vm.warp(START + 11);
        vm.prank(patient.addr);
        medrec.close(patient.addr, provider.addr);
        assertTrue(_isInBatch(root, proof), "closing later does not unmake it");

        // Anchored in the second of the closing, and after it.
        bytes32 leaf = _leaf(patient.addr, 1, DIGEST);
        bytes32[] memory none = new bytes32[](0);
        _anchorBatch(leaf);
        assertFalse(_isInBatch(leaf, none));

        // Reopened: the leaf names the relationship, and an earlier one is not found any more.
        vm.warp(START + 12);
        _open(patient, provider);
        assertFalse(_isInBatch(root, proof));
        bytes32 next = _leaf(patient.addr, 2, DIGEST);
        _anchorBatch(next);
        assertTrue(_isInBatch(next, none));
    }

    function test_a_pair_that_never_had_a_relationship_has_no_number_to_anchor_under() public {
        bytes32 leaf = _leaf(secondPatient.addr, 0, DIGEST);
        bytes32[] memory none = new bytes32[](0);
        _anchorBatch(leaf);
        assertFalse(medrec.isInBatch(secondPatient.addr, provider.addr, DIGEST, LOCATOR, BLIND, leaf, none));
    }

    function test_a_batch_anchored_before_the_relationship_opened_does_not_count() public {
        bytes32 leaf = _leaf(secondPatient.addr, 1, DIGEST);
        bytes32[] memory none = new bytes32[](0);
        _anchorBatch(leaf);
        vm.warp(START + 1);
        _open(secondPatient, provider);
        assertFalse(medrec.isInBatch(secondPatient.addr, provider.addr, DIGEST, LOCATOR, BLIND, leaf, none));
    }

    function test_opened_and_closed_within_one_second_there_was_no_time_to_anchor() public {
        _open(secondPatient, provider);
        bytes32 leaf = _leaf(secondPatient.addr, 1, DIGEST);
        _anchorBatch(leaf);
        vm.prank(secondPatient.addr);
        medrec.close(secondPatient.addr, provider.addr);
        bytes32[] memory none = new bytes32[](0);
        assertFalse(medrec.isInBatch(secondPatient.addr, provider.addr, DIGEST, LOCATOR, BLIND, leaf, none));
    }

    function test_a_root_is_anchored_once_by_each_author() public {
        (bytes32 root,) = _tree();
        _anchorBatch(root);
        vm.prank(provider.addr);
        vm.expectRevert(abi.encodeWithSelector(IRecords.BatchAlreadyAnchored.selector, provider.addr, root));
        medrec.anchorBatch(root, MANIFEST, 4);
        vm.prank(secondProvider.addr);
        medrec.anchorBatch(root, MANIFEST, 4);
        assertEq(medrec.batchAnchoredAt(secondProvider.addr, root), START);
    }

    function test_a_batch_needs_a_parcel_and_an_accredited_provider() public {
        (bytes32 root,) = _tree();
        vm.prank(provider.addr);
        vm.expectRevert(IRecords.NothingToAnchor.selector);
        medrec.anchorBatch(root, MANIFEST, 0);
        Person[3] memory others = [stranger, gateway, patient];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            vm.expectRevert(
                abi.encodeWithSelector(IRelationships.NotAccredited.selector, others[i].addr, ROLE_PROVIDER)
            );
            medrec.anchorBatch(root, MANIFEST, 4);
        }
    }

    function test_the_count_of_a_batch_is_committed_with_it() public {
        vm.prank(provider.addr);
        medrec.anchorBatch(DIGEST, MANIFEST, 4);
        bytes32 claimed = _fold(0, 2, provider.addr, DIGEST, keccak256(abi.encode(MANIFEST, 5)));
        assertNotEq(medrec.batchHead(provider.addr), claimed);
        bytes32 head = medrec.batchHead(provider.addr);
        vm.prank(provider.addr);
        medrec.anchorBatch(OTHER_DIGEST, MANIFEST, 4);
        bytes32 list = keccak256(abi.encode(MANIFEST, 4));
        assertEq(medrec.batchHead(provider.addr), _fold(head, 2, provider.addr, OTHER_DIGEST, list));
    }
}
