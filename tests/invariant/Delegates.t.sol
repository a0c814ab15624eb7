// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDelegates} from "contracts/interfaces/IDelegates.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";
import {GrantStatus, PresentedGrant, Refusal, Request} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";
import {Wallet} from "./actors/Wallets.sol";

/// @notice A parent (`delegate`) for a child (`patient`).
contract DelegatesTest is World {
    uint64 private constant MAJORITY = START + 20 days;

    PresentedGrant private root;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        root = _root(_terms());
        id = _grant(root);
        vm.prank(patient.addr);
        medrec.nameDelegate(delegate.addr, MAJORITY);
    }

    function _expectInvalid(address actor, bytes32 structHash) private {
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, actor, structHash));
    }

    // -------------------------------------------------------------------------------------------------- Name, dismiss

    function test_naming_a_delegate_is_an_event_and_counts_the_turn() public {
        vm.expectEmit(address(medrec));
        emit IDelegates.DelegateNamed(patient.addr, viewer.addr, MAJORITY, 1);
        vm.prank(patient.addr);
        medrec.nameDelegate(viewer.addr, MAJORITY);
        vm.expectEmit(address(medrec));
        emit IDelegates.DelegateNamed(patient.addr, viewer.addr, MAJORITY + 1, 2);
        vm.prank(patient.addr);
        medrec.nameDelegate(viewer.addr, MAJORITY + 1);
        IDelegates.Delegation memory delegation = medrec.delegationOf(patient.addr, viewer.addr);
        assertEq(delegation.expiresAt, MAJORITY + 1);
        assertEq(delegation.turn, 2);
        assertFalse(medrec.isDelegate(viewer.addr, patient.addr), "the other way round");
    }

    function test_a_delegation_that_has_ended_already_is_none() public {
        vm.warp(START + 1);
        vm.startPrank(patient.addr);
        vm.expectRevert(abi.encodeWithSelector(IDelegates.DelegationInThePast.selector, START + 1));
        medrec.nameDelegate(viewer.addr, START + 1);
        medrec.nameDelegate(viewer.addr, START + 2);
    }

    function test_a_delegation_ends_by_itself() public {
        vm.warp(MAJORITY - 1);
        assertTrue(medrec.isDelegate(patient.addr, delegate.addr));
        vm.warp(MAJORITY);
        assertFalse(medrec.isDelegate(patient.addr, delegate.addr));
        bytes32 act = Acts.revocation(patient.addr, id);
        bytes memory signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        medrec.revokeWithSig(patient.addr, id, signature);
    }

    function test_either_side_ends_a_delegation_and_nobody_else() public {
        vm.expectRevert(
            abi.encodeWithSelector(IDelegates.NotOfDelegation.selector, stranger.addr, patient.addr, delegate.addr)
        );
        vm.prank(stranger.addr);
        medrec.dismissDelegate(patient.addr, delegate.addr);

        vm.expectEmit(address(medrec));
        emit IDelegates.DelegateDismissed(patient.addr, delegate.addr, patient.addr, 2);
        vm.prank(patient.addr);
        medrec.dismissDelegate(patient.addr, delegate.addr);
        assertFalse(medrec.isDelegate(patient.addr, delegate.addr));

        vm.prank(patient.addr);
        medrec.nameDelegate(delegate.addr, MAJORITY);
        vm.expectEmit(address(medrec));
        emit IDelegates.DelegateDismissed(patient.addr, delegate.addr, delegate.addr, 4);
        vm.prank(delegate.addr);
        medrec.dismissDelegate(patient.addr, delegate.addr);
        assertFalse(medrec.isDelegate(patient.addr, delegate.addr));
    }

    function test_a_signed_naming_can_be_withdrawn_before_it_reaches_the_chain() public {
        bytes32 act = Acts.delegation(patient.addr, viewer.addr, MAJORITY, 0);
        bytes memory signature = _sign(patient, act);
        vm.prank(patient.addr);
        medrec.dismissDelegate(patient.addr, viewer.addr);
        _expectInvalid(patient.addr, Acts.delegation(patient.addr, viewer.addr, MAJORITY, 1));
        medrec.nameDelegateWithSig(patient.addr, viewer.addr, MAJORITY, signature);
    }

    function test_a_signed_naming_does_not_come_back_after_a_dismissal() public {
        bytes memory signature = _sign(patient, Acts.delegation(patient.addr, viewer.addr, MAJORITY, 0));
        medrec.nameDelegateWithSig(patient.addr, viewer.addr, MAJORITY, signature);
        assertTrue(medrec.isDelegate(patient.addr, viewer.addr));
        medrec.dismissDelegateWithSig(
            patient.addr, viewer.addr, viewer.addr, _sign(viewer, Acts.dismissal(patient.addr, viewer.addr, 1))
        );
        _expectInvalid(patient.addr, Acts.delegation(patient.addr, viewer.addr, MAJORITY, 2));
        medrec.nameDelegateWithSig(patient.addr, viewer.addr, MAJORITY, signature);
    }

    function test_a_third_signature_ends_no_delegation() public {
        bytes32 act = Acts.dismissal(patient.addr, delegate.addr, 1);
        bytes memory signature = _sign(stranger, act);
        vm.expectRevert(
            abi.encodeWithSelector(IDelegates.NotOfDelegation.selector, stranger.addr, patient.addr, delegate.addr)
        );
        medrec.dismissDelegateWithSig(patient.addr, delegate.addr, stranger.addr, signature);
        _expectInvalid(patient.addr, act);
        medrec.dismissDelegateWithSig(patient.addr, delegate.addr, patient.addr, signature);
    }

    // ------------------------------------------------------------------------------------------------------- Withdraw

    function test_a_delegate_revokes_suspends_dismisses_and_closes_in_the_subjects_name() public {
        _open(patient, provider);
        bytes memory signature = _signAsDelegate(delegate, Acts.agentRevocation(patient.addr, id));
        medrec.revokeAgentWithSig(patient.addr, id, signature);
        assertTrue(medrec.grantState(patient.addr, id).agentRevoked);

        signature = _signAsDelegate(delegate, Acts.suspension(patient.addr, id, 0));
        medrec.suspendWithSig(patient.addr, id, signature);
        _assertStatus(patient.addr, id, GrantStatus.Suspended);

        signature = _signAsDelegate(delegate, Acts.revocation(patient.addr, id));
        medrec.revokeWithSig(patient.addr, id, signature);
        _assertStatus(patient.addr, id, GrantStatus.Revoked);
        _assertRefused(_chain(root), _request(viewer), Refusal.Revoked, 0);

        signature = _signAsDelegate(delegate, Acts.closure(patient.addr, provider.addr, 1));
        vm.expectEmit(address(medrec));
        emit IRelationships.RelationshipClosed(patient.addr, provider.addr, 1, patient.addr);
        medrec.closeWithSig(patient.addr, provider.addr, patient.addr, signature);
        assertFalse(medrec.isOpen(patient.addr, provider.addr));
    }

    function test_a_delegate_with_a_smart_account_signs_by_its_code() public {
        address wallet = address(new Wallet(delegate.addr));
        bytes32 act = Acts.revocation(patient.addr, id);
        bytes memory signature = bytes.concat(bytes20(wallet), _sign(delegate, act));
        _expectInvalid(patient.addr, act);
        medrec.revokeWithSig(patient.addr, id, signature);
        vm.prank(patient.addr);
        medrec.nameDelegate(wallet, MAJORITY);
        medrec.revokeWithSig(patient.addr, id, signature);
        _assertStatus(patient.addr, id, GrantStatus.Revoked);
    }

    function test_a_subject_with_a_smart_account_has_delegates_too() public {
        address wallet = address(new Wallet(patient.addr));
        vm.prank(wallet);
        medrec.nameDelegate(delegate.addr, MAJORITY);
        bytes memory signature = _signAsDelegate(delegate, Acts.revocation(wallet, id));
        medrec.revokeWithSig(wallet, id, signature);
        _assertStatus(wallet, id, GrantStatus.Revoked);
    }

    function test_a_suspension_by_a_delegate_is_not_played_twice() public {
        bytes memory signature = _signAsDelegate(delegate, Acts.suspension(patient.addr, id, 0));
        medrec.suspendWithSig(patient.addr, id, signature);
        vm.prank(patient.addr);
        medrec.resume(id);
        _expectInvalid(patient.addr, Acts.suspension(patient.addr, id, 2));
        medrec.suspendWithSig(patient.addr, id, signature);
    }

    function test_DelegateOnlyWithdraws_nobody_passes_for_a_delegate() public {
        bytes32 act = Acts.revocation(patient.addr, id);
        bytes[7] memory forms;
        forms[0] = _sign(delegate, act); // without saying who
        forms[1] = _signAsDelegate(stranger, act); // of nobody
        forms[2] = bytes.concat(bytes20(delegate.addr), _sign(stranger, act)); // in a delegate's name
        forms[3] = bytes.concat(bytes20(delegate.addr)); // with no signature
        forms[4] = _signAsDelegate(delegate, Acts.revocation(delegate.addr, id)); // of another's act
        forms[5] = bytes.concat(bytes20(0), new bytes(65)); // of the zero address
        forms[6] = bytes.concat(bytes20(delegate.addr), _signAsDelegate(delegate, act)); // of a delegate's delegate
        for (uint256 i = 0; i < forms.length; ++i) {
            _expectInvalid(patient.addr, act);
            medrec.revokeWithSig(patient.addr, id, forms[i]);
        }
    }

    function test_a_delegate_of_one_subject_does_nothing_for_another() public {
        bytes32 act = Acts.revocation(secondPatient.addr, id);
        bytes memory signature = _signAsDelegate(delegate, act);
        _expectInvalid(secondPatient.addr, act);
        medrec.revokeWithSig(secondPatient.addr, id, signature);
    }

    // ------------------------------------------------------------------------------------------------- Nothing beyond

    function test_DelegateOnlyWithdraws_no_grant_no_resumption_no_renunciation() public {
        bytes32 termsHash = keccak256("wider terms");
        bytes32 other = Acts.grant(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash);
        bytes memory signature = _signAsDelegate(delegate, other);
        _expectInvalid(patient.addr, other);
        medrec.grantWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);

        vm.prank(patient.addr);
        medrec.suspend(id);
        signature = _signAsDelegate(delegate, Acts.resumption(patient.addr, id, 1));
        _expectInvalid(patient.addr, Acts.resumption(patient.addr, id, 1));
        medrec.resumeWithSig(patient.addr, id, signature);

        vm.prank(viewer.addr);
        medrec.nameDelegate(delegate.addr, MAJORITY);
        signature = _signAsDelegate(delegate, Acts.renunciation(viewer.addr, id));
        termsHash = medrec.hashTerms(root.terms);
        _expectInvalid(viewer.addr, Acts.renunciation(viewer.addr, id));
        medrec.renounceWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
    }

    function test_a_delegate_neither_opens_nor_writes() public {
        bytes32 act = Acts.acceptance(patient.addr, provider.addr, 1, MAJORITY, BUNDLE);
        bytes memory signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        vm.prank(provider.addr);
        medrec.open(patient.addr, provider.addr, MAJORITY, BUNDLE, "", signature);

        bytes32[] memory digests = new bytes32[](1);
        act = Acts.anchor(patient.addr, patient.addr, 0, digests, new bytes(16));
        signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        medrec.anchorWithSig(patient.addr, patient.addr, digests, new bytes(16), signature);

        act = Acts.retraction(patient.addr, patient.addr, 0, 0, 0);
        signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        medrec.retractWithSig(patient.addr, patient.addr, 0, 0, signature);
    }

    function test_a_delegate_names_and_dismisses_nobody_else() public {
        bytes32 act = Acts.delegation(patient.addr, stranger.addr, MAJORITY, 0);
        bytes memory signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        medrec.nameDelegateWithSig(patient.addr, stranger.addr, MAJORITY, signature);

        vm.prank(patient.addr);
        medrec.nameDelegate(viewer.addr, MAJORITY);
        act = Acts.dismissal(patient.addr, viewer.addr, 1);
        signature = _signAsDelegate(delegate, act);
        _expectInvalid(patient.addr, act);
        medrec.dismissDelegateWithSig(patient.addr, viewer.addr, patient.addr, signature);
    }

    function test_a_delegate_registers_no_key_sets_no_plan_and_prepares_no_emergency() public {
        bytes32 act = Acts.registration(patient.addr, 0, _publicKey(), DESCRIPTOR);
        bytes memory signature = bytes.concat(bytes20(delegate.addr), _signRegistration(delegate, act));
        _expectInvalid(patient.addr, act);
        registrar.registerWithSig(patient.addr, _publicKey(), DESCRIPTOR, signature);

        act = Acts.plan(patient.addr, BUNDLE, 0, 1, BUNDLE, 0);
        signature = bytes.concat(bytes20(delegate.addr), _signGuardianship(delegate, act));
        _expectInvalid(patient.addr, act);
        guardianship.setPlanWithSig(patient.addr, BUNDLE, 0, 1, BUNDLE, signature);

        act = Acts.emergencyPlan(patient.addr, id, BUNDLE, 0);
        signature = bytes.concat(bytes20(delegate.addr), _signEmergency(delegate, act));
        _expectInvalid(patient.addr, act);
        emergency.prepareWithSig(patient.addr, id, BUNDLE, signature);
    }

    function test_a_parent_shares_by_an_ordinary_grant_with_delegations() public {
        PresentedGrant memory parents = PresentedGrant(patient.addr, delegate.addr, BUNDLE, _terms());
        _grant(parents);
        PresentedGrant memory doctors = _child(parents, _terms());
        _grant(doctors);
        _assertRefused(_chain(parents, doctors), _request(subViewer), Refusal.Permitted, 1);
        vm.prank(patient.addr);
        medrec.revoke(_id(parents));
        _assertRefused(_chain(parents, doctors), _request(subViewer), Refusal.Revoked, 0);
    }
}
