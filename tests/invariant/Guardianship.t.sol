// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGuardianship} from "contracts/interfaces/IGuardianship.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";
import {PresentedGrant, Refusal, Request, Terms} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

/// @notice The patient's guardians are `guardian`, `viewer` and `provider`; the heir is the patient's new wallet.
contract GuardianshipTest is World {
    uint32 private constant SILENCE = 30 days;
    uint32 private constant NOTICE = 7 days;
    bytes32 private constant SHARES = keccak256("the sealed shares");
    bytes32 private constant SHARE = keccak256("a share, sealed to the heir");
    bytes32 private constant SALT = keccak256("a guardian's salt");
    /// @dev First second at which an heir can be announced.
    uint64 private constant SILENT_AT = START + SILENCE + 1;

    Person private heir = _person("the patient's new wallet");
    Person private thief = _person("a thief");
    bytes32 private root;

    function setUp() public override {
        super.setUp();
        root = Acts.merklePair(Acts.merklePair(_leaf(guardian), _leaf(viewer)), _leaf(provider));
        _setPlan(SILENCE);
    }

    function _setPlan(uint32 silence) private {
        vm.prank(patient.addr);
        guardianship.setPlan(root, silence, NOTICE, SHARES);
    }

    function _leaf(Person memory who) private view returns (bytes32) {
        return Acts.guardianLeaf(patient.addr, who.addr, SALT);
    }

    function _proof(Person memory who) private view returns (bytes32[] memory proof) {
        if (who.addr == provider.addr) {
            proof = new bytes32[](1);
            proof[0] = Acts.merklePair(_leaf(guardian), _leaf(viewer));
            return proof;
        }
        proof = new bytes32[](2);
        (proof[0], proof[1]) = (_leaf(who.addr == viewer.addr ? guardian : viewer), _leaf(provider));
    }

    function _announce(Person memory by, Person memory to) private {
        bytes32[] memory proof = _proof(by);
        vm.prank(by.addr);
        guardianship.announce(patient.addr, to.addr, by.addr, SALT, proof, "");
    }

    function _release(Person memory by, Person memory to) private {
        bytes32[] memory proof = _proof(by);
        vm.prank(by.addr);
        guardianship.release(patient.addr, to.addr, SALT, proof, SHARE);
    }

    function _expectNotOpen(Person memory to, uint64 opensAt) private {
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotOpen.selector, patient.addr, to.addr, opensAt));
    }

    function _expectTooEarly(uint64 silentAt) private {
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.TooEarly.selector, patient.addr, silentAt));
    }

    // ----------------------------------------------------------------------------------------------------------- Plan

    function test_a_plan_is_kept_and_counts_the_turn() public {
        vm.warp(START + 5);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.PlanSet(patient.addr, root, 5, 6, SHARES, 2);
        vm.prank(patient.addr);
        guardianship.setPlan(root, 5, 6, SHARES);
        IGuardianship.Plan memory plan = guardianship.planOf(patient.addr);
        assertEq(abi.encode(plan), abi.encode(IGuardianship.Plan(root, 5, 6, 2, START + 5, 0)));
        assertEq(address(guardianship.medrec()), address(medrec));
    }

    function test_a_plan_without_notice_is_refused_and_ending_one_needs_none() public {
        vm.startPrank(patient.addr);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoNotice.selector, patient.addr));
        guardianship.setPlan(root, SILENCE, 0, SHARES);
        guardianship.setPlan(root, 0, 1, SHARES);
        guardianship.setPlan(0, 0, 0, 0);
        vm.stopPrank();
        assertEq(guardianship.planOf(patient.addr).guardians, 0);
        vm.warp(SILENT_AT);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, guardian.addr));
        this.announce(guardian, heir);
    }

    function test_setting_the_plan_ends_what_was_announced() public {
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        _setPlan(SILENCE);
        vm.warp(SILENT_AT + NOTICE);
        assertEq(guardianship.opensAt(patient.addr, heir.addr), 0);
        _expectNotOpen(heir, 0);
        this.release(guardian, heir);
    }

    // ------------------------------------------------------------------------------------------------------- Announce

    function test_nobody_can_be_announced_before_the_silence_was_long_enough() public {
        vm.warp(SILENT_AT - 1);
        _expectTooEarly(SILENT_AT);
        this.announce(guardian, heir);
        vm.warp(SILENT_AT);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.RecoveryAnnounced(patient.addr, heir.addr, guardian.addr, SILENT_AT + NOTICE);
        _announce(guardian, heir);
        assertEq(guardianship.planOf(patient.addr).announcedAt, SILENT_AT);
        assertEq(guardianship.opensAt(patient.addr, heir.addr), SILENT_AT + NOTICE);
    }

    function test_with_no_silence_a_lost_wallet_can_be_announced_at_once() public {
        vm.warp(START + 10);
        _setPlan(0);
        _expectTooEarly(START + 11);
        this.announce(guardian, heir);
        vm.warp(START + 11);
        _announce(guardian, heir);
    }

    function test_OnlyGuardiansAnnounce_each_of_them_can_and_nobody_else() public {
        vm.warp(SILENT_AT);
        Person[3] memory all = [guardian, viewer, provider];
        for (uint256 i = 0; i < all.length; ++i) {
            uint256 before = NEWER.snapshotState();
            _announce(all[i], heir);
            assertEq(guardianship.opensAt(patient.addr, heir.addr), SILENT_AT + NOTICE);
            NEWER.revertToState(before);
        }
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, stranger.addr));
        this.announce(stranger, heir);
    }

    function test_a_guardian_of_somebody_else_or_by_another_salt_is_none() public {
        vm.warp(SILENT_AT);
        bytes32[] memory proof = _proof(guardian);
        vm.startPrank(guardian.addr);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, secondPatient.addr, guardian.addr));
        guardianship.announce(secondPatient.addr, heir.addr, guardian.addr, SALT, proof, "");
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, guardian.addr));
        guardianship.announce(patient.addr, heir.addr, guardian.addr, keccak256("another"), proof, "");
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, guardian.addr));
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, new bytes32[](0), "");
    }

    /// @dev An inner node of the tree is no leaf, since leaves are hashed twice.
    function test_an_inner_node_of_the_tree_is_no_guardian() public {
        vm.warp(SILENT_AT);
        vm.prank(patient.addr);
        guardianship.setPlan(keccak256(abi.encode(patient.addr, guardian.addr, SALT)), 0, NOTICE, SHARES);
        vm.warp(SILENT_AT + 1);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, guardian.addr));
        vm.prank(guardian.addr);
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, new bytes32[](0), "");
    }

    function test_a_signed_announcement_is_relayed_as_it_was_signed() public {
        vm.warp(SILENT_AT);
        bytes memory signature =
            _signGuardianship(guardian, Acts.announcement(patient.addr, heir.addr, guardian.addr, 1));
        bytes32[] memory proof = _proof(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(
                SignedActs.InvalidSignature.selector,
                guardian.addr,
                Acts.announcement(patient.addr, thief.addr, guardian.addr, 1)
            )
        );
        guardianship.announce(patient.addr, thief.addr, guardian.addr, SALT, proof, signature);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.RecoveryAnnounced(patient.addr, heir.addr, guardian.addr, SILENT_AT + NOTICE);
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, proof, signature);
    }

    function test_an_announcement_is_not_postponed_by_another() public {
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        vm.warp(SILENT_AT + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IGuardianship.AlreadyAnnounced.selector, patient.addr, heir.addr, SILENT_AT + NOTICE)
        );
        this.announce(viewer, heir);
    }

    function test_a_guardian_who_announces_a_thief_keeps_nobody_out() public {
        vm.warp(SILENT_AT);
        _announce(viewer, thief);
        vm.warp(SILENT_AT + 10);
        _announce(guardian, heir);
        assertEq(guardianship.opensAt(patient.addr, thief.addr), SILENT_AT + NOTICE);
        assertEq(guardianship.opensAt(patient.addr, heir.addr), SILENT_AT + 10 + NOTICE);
        vm.warp(SILENT_AT + 10 + NOTICE);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.ShareReleased(patient.addr, heir.addr, guardian.addr, SHARE);
        _release(guardian, heir);
    }

    // -------------------------------------------------------------------------------------------------------- Release

    function test_shares_are_released_when_the_notice_has_passed_and_not_a_second_earlier() public {
        _expectNotOpen(heir, 0);
        this.release(guardian, heir);
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        vm.warp(SILENT_AT + NOTICE - 1);
        assertFalse(guardianship.isOpen(patient.addr, heir.addr));
        _expectNotOpen(heir, SILENT_AT + NOTICE);
        this.release(viewer, heir);
        vm.warp(SILENT_AT + NOTICE);
        assertTrue(guardianship.isOpen(patient.addr, heir.addr));
        vm.expectEmit(address(guardianship));
        emit IGuardianship.ShareReleased(patient.addr, heir.addr, viewer.addr, SHARE);
        _release(viewer, heir);
        _release(provider, heir);
    }

    function test_only_guardians_release_and_only_to_the_heir() public {
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        vm.warp(SILENT_AT + NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NotAGuardian.selector, patient.addr, stranger.addr));
        this.release(stranger, heir);
        _expectNotOpen(thief, 0);
        this.release(guardian, thief);
    }

    // -------------------------------------------------------------------------------------------------- Signs of life

    function test_a_life_sign_vetoes_what_was_announced_and_the_silence_begins_anew() public {
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        _announce(viewer, thief);
        vm.warp(SILENT_AT + NOTICE - 1);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.LifeSignGiven(patient.addr, SILENT_AT + NOTICE - 1, 2);
        vm.prank(patient.addr);
        guardianship.giveLifeSign();
        vm.warp(SILENT_AT + NOTICE);
        _expectNotOpen(heir, 0);
        this.release(guardian, heir);
        assertEq(guardianship.opensAt(patient.addr, thief.addr), 0);
        assertEq(guardianship.planOf(patient.addr).announcedAt, 0);
        _expectTooEarly(SILENT_AT + NOTICE + SILENCE);
        this.announce(guardian, heir);
        vm.warp(SILENT_AT + NOTICE + SILENCE);
        _announce(guardian, heir);
    }

    function test_LifeSignCloses_even_in_the_second_of_the_announcement_and_after_the_opening() public {
        vm.warp(SILENT_AT);
        _announce(guardian, heir);
        vm.prank(patient.addr);
        guardianship.giveLifeSign();
        assertEq(guardianship.opensAt(patient.addr, heir.addr), 0);

        vm.warp(SILENT_AT + SILENCE + 1);
        _announce(guardian, heir);
        vm.warp(SILENT_AT + SILENCE + 1 + NOTICE);
        assertTrue(guardianship.isOpen(patient.addr, heir.addr));
        vm.prank(patient.addr);
        guardianship.giveLifeSign();
        assertFalse(guardianship.isOpen(patient.addr, heir.addr));
    }

    function test_an_old_announcement_is_not_played_again_after_a_life_sign() public {
        vm.warp(SILENT_AT);
        bytes memory signature =
            _signGuardianship(guardian, Acts.announcement(patient.addr, heir.addr, guardian.addr, 1));
        bytes32[] memory proof = _proof(guardian);
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, proof, signature);
        vm.prank(patient.addr);
        guardianship.giveLifeSign();
        vm.warp(SILENT_AT + SILENCE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                SignedActs.InvalidSignature.selector,
                guardian.addr,
                Acts.announcement(patient.addr, heir.addr, guardian.addr, 2)
            )
        );
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, proof, signature);
    }

    function test_a_grant_shows_life_to_anybody_who_looks() public {
        vm.warp(START + 20 days);
        bytes32 id = _grant(_root(_terms()));
        vm.warp(SILENT_AT);
        vm.expectEmit(address(guardianship));
        emit IGuardianship.LifeSignGiven(patient.addr, START + 20 days, 2);
        vm.prank(stranger.addr);
        guardianship.proveLife(patient.addr, id);
        assertEq(guardianship.planOf(patient.addr).lastSignAt, START + 20 days);
        _expectTooEarly(START + 20 days + SILENCE + 1);
        this.announce(guardian, heir);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
    }

    function test_an_act_within_the_silence_shown_later_ends_the_announcement_and_its_signature() public {
        vm.warp(START + 1 days);
        bytes32 id = _grant(_root(_terms()));
        vm.warp(SILENT_AT);
        bytes memory signature =
            _signGuardianship(guardian, Acts.announcement(patient.addr, heir.addr, guardian.addr, 1));
        bytes32[] memory proof = _proof(guardian);
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, proof, signature);
        guardianship.proveLife(patient.addr, id);
        vm.warp(SILENT_AT + NOTICE);
        _expectNotOpen(heir, 0);
        this.release(guardian, heir);
        assertEq(guardianship.planOf(patient.addr).announcedAt, 0);
        assertEq(guardianship.planOf(patient.addr).turn, 2);
        vm.expectRevert();
        guardianship.announce(patient.addr, heir.addr, guardian.addr, SALT, proof, signature);
    }

    function test_an_act_before_a_silence_that_was_long_enough_ends_nothing_and_voids_no_veto() public {
        vm.warp(START + 1 days);
        bytes32 id = _grant(_root(_terms()));
        vm.warp(SILENT_AT + 1 days);
        _announce(guardian, heir);
        bytes memory veto = _signGuardianship(patient, Acts.lifeSign(patient.addr, 1));
        vm.expectEmit(address(guardianship));
        emit IGuardianship.LifeSignGiven(patient.addr, START + 1 days, 1);
        guardianship.proveLife(patient.addr, id);
        assertEq(guardianship.opensAt(patient.addr, heir.addr), SILENT_AT + 1 days + NOTICE);
        assertEq(guardianship.planOf(patient.addr).announcedAt, SILENT_AT + 1 days);
        guardianship.giveLifeSignWithSig(patient.addr, veto);
        assertEq(guardianship.opensAt(patient.addr, heir.addr), 0);
    }

    function test_resuming_shows_life_and_withdrawing_does_not() public {
        bytes32 id = _grant(_root(_terms()));
        vm.warp(START + 10);
        vm.prank(patient.addr);
        medrec.suspend(id);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
        vm.warp(START + 20);
        vm.prank(patient.addr);
        medrec.resume(id);
        guardianship.proveLife(patient.addr, id);
        assertEq(guardianship.planOf(patient.addr).lastSignAt, START + 20);
    }

    function test_a_delegate_and_a_viewer_cannot_feign_the_owners_life() public {
        bytes32 id = _grant(_root(_terms()));
        vm.prank(patient.addr);
        medrec.nameDelegate(delegate.addr, START + 365 days);
        bytes32 termsHash = Acts.terms(_terms(), STATEMENT);
        vm.warp(START + 10);

        uint256 before = NEWER.snapshotState();
        bytes memory signature = _signAsDelegate(delegate, Acts.agentRevocation(patient.addr, id));
        medrec.revokeAgentWithSig(patient.addr, id, signature);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
        NEWER.revertToState(before);

        before = NEWER.snapshotState();
        signature = _signAsDelegate(delegate, Acts.revocation(patient.addr, id));
        medrec.revokeWithSig(patient.addr, id, signature);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
        NEWER.revertToState(before);

        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
    }

    function test_a_grant_of_somebody_else_shows_nothing_about_the_owner() public {
        vm.warp(START + 10);
        bytes32 id = _grant(_child(_root(_terms()), _terms()));
        vm.expectRevert(abi.encodeWithSelector(IGuardianship.NoSignOfLife.selector, patient.addr, id));
        guardianship.proveLife(patient.addr, id);
    }

    // ------------------------------------------------------------------------------------------------------ Condition

    function test_a_grant_under_guardianship_works_only_while_the_plan_is_open_to_its_viewer() public {
        Terms memory terms = _terms();
        (terms.condition, terms.expiresAt) = (address(guardianship), START + 365 days);
        PresentedGrant memory grant = PresentedGrant(patient.addr, delegate.addr, BUNDLE, terms);
        _grant(grant);
        Request memory request = _request(delegate);
        _assertRefused(_chain(grant), request, Refusal.Condition, 0);
        vm.warp(SILENT_AT);
        _announce(guardian, delegate);
        vm.warp(SILENT_AT + NOTICE - 1);
        _assertRefused(_chain(grant), request, Refusal.Condition, 0);
        vm.warp(SILENT_AT + NOTICE);
        _assertRefused(_chain(grant), request, Refusal.Permitted, 0);
        vm.prank(patient.addr);
        guardianship.giveLifeSign();
        _assertRefused(_chain(grant), request, Refusal.Condition, 0);
    }

    /// @dev Seen from outside, so that what is refused can be expected.
    function announce(Person memory by, Person memory to) external {
        _announce(by, to);
    }

    function release(Person memory by, Person memory to) external {
        _release(by, to);
    }
}
