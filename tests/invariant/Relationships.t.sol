// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

contract RelationshipsTest is World {
    uint64 private constant EXPIRES_AT = START + 7 days;

    function _invitation() private view returns (bytes memory) {
        return _sign(provider, Acts.invitation(provider.addr, patient.addr, 1, EXPIRES_AT));
    }

    function _acceptance() private view returns (bytes memory) {
        return _sign(patient, Acts.acceptance(patient.addr, provider.addr, 1, EXPIRES_AT, BUNDLE));
    }

    function _openBy(address caller, bytes memory invitation, bytes memory acceptance) private {
        vm.prank(caller);
        medrec.open(patient.addr, provider.addr, EXPIRES_AT, BUNDLE, invitation, acceptance);
    }

    function _expectOpened() private {
        vm.expectEmit(address(medrec));
        emit IRelationships.RelationshipOpened(patient.addr, provider.addr, 1, BUNDLE);
    }

    function _assertOpen() private view {
        IRelationships.Relationship memory opened = medrec.relationshipOf(patient.addr, provider.addr);
        assertEq(opened.number, 1);
        assertEq(opened.openedAt, START);
        assertEq(opened.closedAt, 0);
        assertTrue(medrec.isOpen(patient.addr, provider.addr));
    }

    // ----------------------------------------------------------------------------------------------------------- Open

    function test_a_relayer_opens_with_both_signatures() public {
        _expectOpened();
        _openBy(relayer.addr, _invitation(), _acceptance());
        _assertOpen();
    }

    function test_the_patients_own_call_counts_as_acceptance() public {
        _expectOpened();
        _openBy(patient.addr, _invitation(), "");
        _assertOpen();
    }

    function test_the_providers_own_call_counts_as_invitation() public {
        _expectOpened();
        _openBy(provider.addr, "", _acceptance());
        _assertOpen();
    }

    function test_neither_side_opens_alone() public {
        bytes32 accepted = Acts.acceptance(patient.addr, provider.addr, 1, EXPIRES_AT, BUNDLE);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, accepted));
        _openBy(provider.addr, "", "");
        bytes32 invited = Acts.invitation(provider.addr, patient.addr, 1, EXPIRES_AT);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, provider.addr, invited));
        _openBy(patient.addr, "", "");
        assertFalse(medrec.isOpen(patient.addr, provider.addr));
    }

    function test_a_relayer_cannot_swap_the_bundle_that_the_patient_accepted() public {
        (bytes memory invitation, bytes memory acceptance) = (_invitation(), _acceptance());
        bytes32 other = keccak256("another bundle");
        bytes32 accepted = Acts.acceptance(patient.addr, provider.addr, 1, EXPIRES_AT, other);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, accepted));
        medrec.open(patient.addr, provider.addr, EXPIRES_AT, other, invitation, acceptance);
    }

    function test_an_acceptance_kept_back_lapses_with_its_invitation() public {
        bytes memory acceptance = _acceptance();
        vm.warp(EXPIRES_AT);
        vm.prank(provider.addr);
        vm.expectRevert(abi.encodeWithSelector(IRelationships.InvitationExpired.selector, EXPIRES_AT));
        medrec.open(patient.addr, provider.addr, EXPIRES_AT, BUNDLE, "", acceptance);

        // A later invitation does not revive it.
        bytes32 accepted = Acts.acceptance(patient.addr, provider.addr, 1, EXPIRES_AT + 1, BUNDLE);
        vm.prank(provider.addr);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, accepted));
        medrec.open(patient.addr, provider.addr, EXPIRES_AT + 1, BUNDLE, "", acceptance);
    }

    function test_an_invitation_holds_until_the_second_before_it_expires() public {
        (bytes memory invitation, bytes memory acceptance) = (_invitation(), _acceptance());
        vm.warp(EXPIRES_AT - 1);
        _openBy(relayer.addr, invitation, acceptance);
        assertEq(medrec.relationshipOf(patient.addr, provider.addr).openedAt, EXPIRES_AT - 1);
    }

    function test_an_open_relationship_is_not_opened_again() public {
        (bytes memory invitation, bytes memory acceptance) = (_invitation(), _acceptance());
        _openBy(relayer.addr, invitation, acceptance);
        vm.expectRevert(
            abi.encodeWithSelector(IRelationships.RelationshipAlreadyOpen.selector, patient.addr, provider.addr, 1)
        );
        _openBy(relayer.addr, invitation, acceptance);
    }

    function test_signatures_of_a_closed_relationship_do_not_reopen_it() public {
        (bytes memory invitation, bytes memory acceptance) = (_invitation(), _acceptance());
        _openBy(relayer.addr, invitation, acceptance);
        vm.prank(patient.addr);
        medrec.close(patient.addr, provider.addr);
        bytes32 invited = Acts.invitation(provider.addr, patient.addr, 2, EXPIRES_AT);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, provider.addr, invited));
        _openBy(relayer.addr, invitation, acceptance);
        bytes32 accepted = Acts.acceptance(patient.addr, provider.addr, 2, EXPIRES_AT, BUNDLE);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, accepted));
        _openBy(provider.addr, "", acceptance);
    }

    function test_a_closed_relationship_is_reopened_as_the_next() public {
        _open(patient, provider);
        vm.prank(provider.addr);
        medrec.close(patient.addr, provider.addr);
        vm.warp(START + 1 days);
        vm.expectEmit(address(medrec));
        emit IRelationships.RelationshipOpened(patient.addr, provider.addr, 2, BUNDLE);
        _open(patient, provider);
        IRelationships.Relationship memory opened = medrec.relationshipOf(patient.addr, provider.addr);
        assertEq(opened.number, 2);
        assertEq(opened.openedAt, START + 1 days);
        assertEq(opened.closedAt, 0);
    }

    function test_only_a_provider_whose_accreditation_runs_opens() public {
        vm.warp(START + 365 days);
        uint64 expiresAt = START + 366 days;
        vm.expectRevert(abi.encodeWithSelector(IRelationships.NotAccredited.selector, provider.addr, ROLE_PROVIDER));
        medrec.open(patient.addr, provider.addr, expiresAt, BUNDLE, "", "");

        vm.expectRevert(abi.encodeWithSelector(IRelationships.NotAccredited.selector, gateway.addr, ROLE_PROVIDER));
        medrec.open(patient.addr, gateway.addr, expiresAt, BUNDLE, "", "");

        vm.expectRevert(abi.encodeWithSelector(IRelationships.NotAccredited.selector, stranger.addr, ROLE_PROVIDER));
        medrec.open(patient.addr, stranger.addr, expiresAt, BUNDLE, "", "");
    }

    function test_the_relationship_of_one_pair_says_nothing_of_another() public {
        _open(patient, provider);
        assertFalse(medrec.isOpen(patient.addr, secondProvider.addr));
        assertFalse(medrec.isOpen(secondPatient.addr, provider.addr));
        assertFalse(medrec.isOpen(provider.addr, patient.addr));
        assertEq(medrec.relationshipOf(secondPatient.addr, provider.addr).number, 0);
    }

    // ---------------------------------------------------------------------------------------------------------- Close

    function test_either_side_closes_and_the_other_need_not_agree() public {
        Person[2] memory sides = [patient, provider];
        for (uint32 i = 0; i < sides.length; ++i) {
            _open(patient, provider);
            vm.warp(block.timestamp + 1 hours);
            vm.expectEmit(address(medrec));
            emit IRelationships.RelationshipClosed(patient.addr, provider.addr, i + 1, sides[i].addr);
            vm.prank(sides[i].addr);
            medrec.close(patient.addr, provider.addr);
            assertEq(medrec.relationshipOf(patient.addr, provider.addr).closedAt, block.timestamp);
            assertFalse(medrec.isOpen(patient.addr, provider.addr));
        }
    }

    function test_either_side_closes_by_signature() public {
        Person[2] memory sides = [patient, provider];
        for (uint32 i = 0; i < sides.length; ++i) {
            _open(patient, provider);
            bytes memory signature = _sign(sides[i], Acts.closure(patient.addr, provider.addr, i + 1));
            vm.expectEmit(address(medrec));
            emit IRelationships.RelationshipClosed(patient.addr, provider.addr, i + 1, sides[i].addr);
            vm.prank(relayer.addr);
            medrec.closeWithSig(patient.addr, provider.addr, sides[i].addr, signature);
            assertFalse(medrec.isOpen(patient.addr, provider.addr));
        }
    }

    function test_a_provider_whose_accreditation_lapsed_can_still_be_left_and_leave() public {
        _open(patient, provider);
        vm.prank(registrarAdmin.addr);
        registrar.withdrawAccreditation(provider.addr);
        vm.prank(provider.addr);
        medrec.close(patient.addr, provider.addr);
        assertFalse(medrec.isOpen(patient.addr, provider.addr));
    }

    function test_closing_what_is_not_open_is_silent_and_changes_nothing() public {
        vm.recordLogs();
        vm.prank(patient.addr);
        medrec.close(patient.addr, provider.addr);
        assertEq(vm.getRecordedLogs().length, 0);

        _open(patient, provider);
        vm.startPrank(patient.addr);
        medrec.close(patient.addr, provider.addr);
        vm.warp(START + 1 days);
        vm.recordLogs();
        medrec.close(patient.addr, provider.addr);
        vm.stopPrank();
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(medrec.relationshipOf(patient.addr, provider.addr).closedAt, START);
    }

    function test_nobody_else_closes_by_call_or_signature() public {
        _open(patient, provider);
        Person[4] memory others = [stranger, secondProvider, secondPatient, registrarAdmin];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refusal =
                abi.encodeWithSelector(IRelationships.NotAParty.selector, others[i].addr, patient.addr, provider.addr);
            vm.prank(others[i].addr);
            vm.expectRevert(refusal);
            medrec.close(patient.addr, provider.addr);
            bytes memory signature = _sign(others[i], Acts.closure(patient.addr, provider.addr, 1));
            vm.expectRevert(refusal);
            medrec.closeWithSig(patient.addr, provider.addr, others[i].addr, signature);
        }
        assertTrue(medrec.isOpen(patient.addr, provider.addr));
    }

    function test_a_closure_of_one_relationship_does_not_close_the_next() public {
        _open(patient, provider);
        bytes memory signature = _sign(patient, Acts.closure(patient.addr, provider.addr, 1));
        medrec.closeWithSig(patient.addr, provider.addr, patient.addr, signature);
        _open(patient, provider);
        bytes32 asked = Acts.closure(patient.addr, provider.addr, 2);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        medrec.closeWithSig(patient.addr, provider.addr, patient.addr, signature);
        assertTrue(medrec.isOpen(patient.addr, provider.addr));
    }
}
