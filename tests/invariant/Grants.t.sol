// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGrants} from "contracts/interfaces/IGrants.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";
import {GrantStatus, NO_EXPIRY, NO_LAST_DATE, PresentedGrant, Refusal, Terms} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

/// @notice The acts on grants. What a grant then permits is examined in `PermitsTest`.
contract GrantsTest is World {
    PresentedGrant private presented;
    bytes32 private termsHash;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        presented = _root(_terms());
        termsHash = Acts.terms(presented.terms, STATEMENT);
        id = _id(presented);
    }

    function _expectGranted() private {
        vm.expectEmit(address(medrec));
        emit IGrants.Granted(patient.addr, patient.addr, viewer.addr, id, BUNDLE, termsHash);
    }

    function _grantedBy(Person memory signer) private {
        medrec.grantWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, _sign(signer, id));
    }

    function _assertState(address actor, GrantStatus status, uint32 turn, bool agentRevoked) private view {
        IGrants.GrantState memory state = medrec.grantState(actor, id);
        assertEq(uint256(state.status), uint256(status), "status");
        assertEq(state.turn, turn, "turn");
        assertEq(state.agentRevoked, agentRevoked, "agentRevoked");
        assertEq(state.changedAt, block.timestamp, "changedAt");
    }

    /// @dev Nothing that the call does is to be heard or seen.
    modifier silent() {
        vm.recordLogs();
        vm.record();
        _;
        (, bytes32[] memory writes) = vm.accesses(address(medrec));
        assertEq(writes.length, 0, "storage");
        assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    // --------------------------------------------------------------------------------------------------------- Hashes

    function testFuzz_terms_and_ids_are_hashed_as_a_wallet_hashes_them(
        Terms memory terms,
        string memory statement,
        address subject,
        address grantor,
        bytes32 bundle
    ) public view {
        terms.statementHash = keccak256(bytes(statement));
        bytes32 expected = Acts.terms(terms, statement);
        assertEq(medrec.hashTerms(terms), expected);
        assertEq(
            medrec.grantId(subject, grantor, viewer.addr, bundle, expected),
            Acts.grant(subject, grantor, viewer.addr, bundle, expected)
        );
    }

    function test_the_bounds_that_mean_no_bound_are_what_the_documents_say() public pure {
        assertEq(NO_EXPIRY, 2 ** 64 - 1);
        assertEq(NO_LAST_DATE, 99_991_231);
    }

    // ---------------------------------------------------------------------------------------------------------- Grant

    function test_the_grantors_call_makes_the_grant_active() public {
        _expectGranted();
        vm.prank(patient.addr);
        medrec.grant(patient.addr, viewer.addr, BUNDLE, termsHash);
        _assertState(patient.addr, GrantStatus.Active, 0, false);
    }

    function test_a_relayer_grants_with_the_grantors_signature_over_readable_terms() public {
        _expectGranted();
        vm.prank(relayer.addr);
        _grantedBy(patient);
        _assertState(patient.addr, GrantStatus.Active, 0, false);
    }

    function test_OnlySubjectGrants_a_relayer_can_swap_nothing_of_a_signed_grant() public {
        bytes memory signature = _sign(patient, id);
        (address s, address v) = (patient.addr, viewer.addr);
        vm.expectRevert();
        medrec.grantWithSig(secondPatient.addr, s, v, BUNDLE, termsHash, signature);
        vm.expectRevert();
        medrec.grantWithSig(s, secondPatient.addr, v, BUNDLE, termsHash, signature);
        vm.expectRevert();
        medrec.grantWithSig(s, s, stranger.addr, BUNDLE, termsHash, signature);
        vm.expectRevert();
        medrec.grantWithSig(s, s, v, ~BUNDLE, termsHash, signature);
        vm.expectRevert();
        medrec.grantWithSig(s, s, v, BUNDLE, ~termsHash, signature);
        _assertStatus(s, id, GrantStatus.None);
    }

    function test_OnlySubjectGrants_nobody_grants_in_the_patients_name() public {
        Person[4] memory others = [viewer, provider, registrarAdmin, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, id));
            _grantedBy(others[i]);
        }
        // What a stranger grants is the stranger's, under another id.
        vm.prank(stranger.addr);
        medrec.grant(patient.addr, viewer.addr, BUNDLE, termsHash);
        _assertStatus(patient.addr, id, GrantStatus.None);
        _assertStatus(stranger.addr, id, GrantStatus.None);
    }

    function test_RevocationIsFinal_a_grant_that_stands_or_stood_is_not_granted_again() public {
        _grant(presented);
        _assertNotGrantedAgain(GrantStatus.Active);
        vm.prank(patient.addr);
        medrec.suspend(id);
        _assertNotGrantedAgain(GrantStatus.Suspended);
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertNotGrantedAgain(GrantStatus.Revoked);
    }

    function test_a_renounced_grant_is_not_granted_again() public {
        _grant(presented);
        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        _assertNotGrantedAgain(GrantStatus.Renounced);
    }

    function _assertNotGrantedAgain(GrantStatus status) private {
        bytes memory refusal = abi.encodeWithSelector(IGrants.GrantAlreadyExists.selector, patient.addr, id, status);
        vm.prank(patient.addr);
        vm.expectRevert(refusal);
        medrec.grant(patient.addr, viewer.addr, BUNDLE, termsHash);
        bytes memory signature = _sign(patient, id);
        vm.expectRevert(refusal);
        medrec.grantWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
    }

    // --------------------------------------------------------------------------------------------------------- Revoke

    function test_the_grantor_revokes_for_good() public {
        _grant(presented);
        vm.warp(START + 1 days);
        vm.expectEmit(address(medrec));
        emit IGrants.GrantRevoked(patient.addr, id);
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertState(patient.addr, GrantStatus.Revoked, 0, false);
    }

    function test_a_patient_without_ether_revokes_by_signature() public {
        _grant(presented);
        bytes memory signature = _sign(patient, Acts.revocation(patient.addr, id));
        vm.expectEmit(address(medrec));
        emit IGrants.GrantRevoked(patient.addr, id);
        vm.prank(relayer.addr);
        medrec.revokeWithSig(patient.addr, id, signature);
        _assertState(patient.addr, GrantStatus.Revoked, 0, false);
        _assertRevokedAgainSilently(signature);
    }

    function _assertRevokedAgainSilently(bytes memory signature) private silent {
        vm.warp(block.timestamp + 1 days);
        medrec.revokeWithSig(patient.addr, id, signature);
        vm.prank(patient.addr);
        medrec.revoke(id);
    }

    function test_a_suspended_grant_can_be_revoked() public {
        _grant(presented);
        vm.startPrank(patient.addr);
        medrec.suspend(id);
        medrec.revoke(id);
        vm.stopPrank();
        _assertState(patient.addr, GrantStatus.Revoked, 1, false);
    }

    function test_RevocationIsFinal_a_signed_grant_can_be_withdrawn_before_it_reaches_the_chain() public {
        bytes memory signature = _sign(patient, id);
        vm.prank(patient.addr);
        medrec.revoke(id);
        vm.expectRevert(
            abi.encodeWithSelector(IGrants.GrantAlreadyExists.selector, patient.addr, id, GrantStatus.Revoked)
        );
        medrec.grantWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
    }

    function test_what_others_revoke_stands_under_their_own_address_only() public {
        _grant(presented);
        Person[4] memory others = [viewer, provider, registrarAdmin, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            medrec.revoke(id);
            _assertStatus(others[i].addr, id, GrantStatus.Revoked);
        }
        _assertStatus(patient.addr, id, GrantStatus.Active);
        _assertRefused(_chain(presented), _request(viewer), Refusal.Permitted, 0);
    }

    function test_nobody_revokes_in_the_patients_name() public {
        _grant(presented);
        bytes32 asked = Acts.revocation(patient.addr, id);
        bytes memory signature = _sign(stranger, asked);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        medrec.revokeWithSig(patient.addr, id, signature);
    }

    // ------------------------------------------------------------------------------------------------------- Renounce

    function test_the_viewer_gives_the_grant_back_for_good() public {
        _grant(presented);
        vm.expectEmit(address(medrec));
        emit IGrants.GrantRenounced(patient.addr, id);
        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        _assertState(patient.addr, GrantStatus.Renounced, 0, false);
    }

    function test_the_viewer_gives_back_by_signature() public {
        _grant(presented);
        bytes memory signature = _sign(viewer, Acts.renunciation(viewer.addr, id));
        vm.expectEmit(address(medrec));
        emit IGrants.GrantRenounced(patient.addr, id);
        medrec.renounceWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
        _assertState(patient.addr, GrantStatus.Renounced, 0, false);
        _assertRenouncedAgainSilently(signature);
    }

    function _assertRenouncedAgainSilently(bytes memory signature) private silent {
        vm.warp(block.timestamp + 1 days);
        medrec.renounceWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
        vm.startPrank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        vm.stopPrank();
        vm.prank(patient.addr);
        medrec.revoke(id);
    }

    function test_a_viewer_can_refuse_a_grant_before_it_is_made() public {
        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        _assertNotGrantedAgain(GrantStatus.Renounced);
    }

    function test_a_revoked_grant_stays_revoked_when_it_is_given_back() public {
        _grant(presented);
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertRenouncedAgainSilently(_sign(viewer, Acts.renunciation(viewer.addr, id)));
        _assertStatus(patient.addr, id, GrantStatus.Revoked);
    }

    function test_nobody_else_gives_a_grant_back() public {
        _grant(presented);
        Person[4] memory others = [patient, agent, registrarAdmin, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
            bytes32 asked = Acts.renunciation(viewer.addr, id);
            bytes memory signature = _sign(others[i], asked);
            vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, viewer.addr, asked));
            medrec.renounceWithSig(patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature);
        }
        _assertStatus(patient.addr, id, GrantStatus.Active);
    }

    // ------------------------------------------------------------------------------------------------ Suspend, resume

    function test_the_grantor_suspends_and_resumes_as_often_as_needed() public {
        _grant(presented);
        vm.startPrank(patient.addr);
        for (uint32 turn = 0; turn < 6; turn += 2) {
            vm.warp(block.timestamp + 1 days);
            vm.expectEmit(address(medrec));
            emit IGrants.GrantSuspended(patient.addr, id, turn);
            medrec.suspend(id);
            _assertState(patient.addr, GrantStatus.Suspended, turn + 1, false);

            vm.warp(block.timestamp + 1 days);
            vm.expectEmit(address(medrec));
            emit IGrants.GrantResumed(patient.addr, id, turn + 1);
            medrec.resume(id);
            _assertState(patient.addr, GrantStatus.Active, turn + 2, false);
        }
        vm.stopPrank();
    }

    function test_suspending_and_resuming_by_signature_is_good_for_one_turn() public {
        _grant(presented);
        bytes memory suspension = _sign(patient, Acts.suspension(patient.addr, id, 0));
        bytes memory resumption = _sign(patient, Acts.resumption(patient.addr, id, 1));
        vm.expectEmit(address(medrec));
        emit IGrants.GrantSuspended(patient.addr, id, 0);
        medrec.suspendWithSig(patient.addr, id, suspension);
        vm.expectEmit(address(medrec));
        emit IGrants.GrantResumed(patient.addr, id, 1);
        medrec.resumeWithSig(patient.addr, id, resumption);

        bytes32 asked = Acts.suspension(patient.addr, id, 2);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        medrec.suspendWithSig(patient.addr, id, suspension);

        vm.prank(patient.addr);
        medrec.suspend(id);
        asked = Acts.resumption(patient.addr, id, 3);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        medrec.resumeWithSig(patient.addr, id, resumption);
        _assertStatus(patient.addr, id, GrantStatus.Suspended);
    }

    function test_only_an_active_grant_is_suspended_and_only_a_suspended_one_resumed() public {
        vm.startPrank(patient.addr);
        _expectNotActive(GrantStatus.None);
        medrec.suspend(id);
        _expectNotSuspended(GrantStatus.None);
        medrec.resume(id);
        medrec.grant(patient.addr, viewer.addr, BUNDLE, termsHash);
        _expectNotSuspended(GrantStatus.Active);
        medrec.resume(id);
        medrec.suspend(id);
        _expectNotActive(GrantStatus.Suspended);
        medrec.suspend(id);
        medrec.revoke(id);
        _expectNotActive(GrantStatus.Revoked);
        medrec.suspend(id);
        _expectNotSuspended(GrantStatus.Revoked);
        medrec.resume(id);
        vm.stopPrank();
    }

    function _expectNotActive(GrantStatus status) private {
        vm.expectRevert(abi.encodeWithSelector(IGrants.GrantNotActive.selector, patient.addr, id, status));
    }

    function _expectNotSuspended(GrantStatus status) private {
        vm.expectRevert(abi.encodeWithSelector(IGrants.GrantNotSuspended.selector, patient.addr, id, status));
    }

    function test_nobody_else_suspends_or_resumes() public {
        _grant(presented);
        Person[4] memory others = [viewer, agent, registrarAdmin, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            vm.expectRevert(
                abi.encodeWithSelector(IGrants.GrantNotActive.selector, others[i].addr, id, GrantStatus.None)
            );
            medrec.suspend(id);
            bytes32 asked = Acts.suspension(patient.addr, id, 0);
            bytes memory signature = _sign(others[i], asked);
            vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
            medrec.suspendWithSig(patient.addr, id, signature);
        }
        _assertStatus(patient.addr, id, GrantStatus.Active);
    }

    // --------------------------------------------------------------------------------------------------------- Agents

    function test_grantor_and_viewer_each_dismiss_the_agent_and_leave_the_grant() public {
        _grant(presented);
        Person[2] memory actors = [patient, viewer];
        for (uint256 i = 0; i < actors.length; ++i) {
            vm.expectEmit(address(medrec));
            emit IGrants.AgentRevoked(actors[i].addr, id);
            vm.prank(actors[i].addr);
            medrec.revokeAgent(id);
            assertTrue(medrec.grantState(actors[i].addr, id).agentRevoked);
        }
        _assertState(patient.addr, GrantStatus.Active, 0, true);
        _assertState(viewer.addr, GrantStatus.None, 0, true);
    }

    function test_the_agent_is_dismissed_by_signature_once() public {
        _grant(presented);
        bytes memory signature = _sign(viewer, Acts.agentRevocation(viewer.addr, id));
        vm.expectEmit(address(medrec));
        emit IGrants.AgentRevoked(viewer.addr, id);
        medrec.revokeAgentWithSig(viewer.addr, id, signature);
        _assertState(viewer.addr, GrantStatus.None, 0, true);
        _assertAgentRevokedAgainSilently(signature);
    }

    function _assertAgentRevokedAgainSilently(bytes memory signature) private silent {
        vm.warp(block.timestamp + 1 days);
        medrec.revokeAgentWithSig(viewer.addr, id, signature);
        vm.prank(viewer.addr);
        medrec.revokeAgent(id);
    }

    function test_an_agent_dismissed_before_the_grant_is_made_stays_dismissed() public {
        vm.prank(patient.addr);
        medrec.revokeAgent(id);
        _grant(presented);
        _assertState(patient.addr, GrantStatus.Active, 0, true);
    }

    function test_nobody_dismisses_an_agent_in_anothers_name() public {
        bytes32 asked = Acts.agentRevocation(patient.addr, id);
        bytes memory signature = _sign(stranger, asked);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        medrec.revokeAgentWithSig(patient.addr, id, signature);
    }

    // ------------------------------------------------------------------------------------------------------ Multicall

    function test_a_grant_is_replaced_by_a_better_one_in_one_transaction() public {
        _grant(presented);
        Terms memory better = _terms();
        better.salt = keccak256("another salt");
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IGrants.revoke, (id));
        calls[1] = abi.encodeCall(IGrants.grant, (patient.addr, viewer.addr, BUNDLE, Acts.terms(better, STATEMENT)));
        vm.prank(patient.addr);
        medrec.multicall(calls);
        _assertStatus(patient.addr, id, GrantStatus.Revoked);
        _assertRefused(_chain(_root(better)), _request(viewer), Refusal.Permitted, 0);
    }

    function test_several_peoples_signed_acts_go_in_one_transaction() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(
            IGrants.grantWithSig, (patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, _sign(patient, id))
        );
        bytes memory signature = _sign(viewer, Acts.renunciation(viewer.addr, id));
        calls[1] = abi.encodeCall(
            IGrants.renounceWithSig, (patient.addr, patient.addr, viewer.addr, BUNDLE, termsHash, signature)
        );
        vm.prank(relayer.addr);
        medrec.multicall(calls);
        _assertStatus(patient.addr, id, GrantStatus.Renounced);
    }

    function test_one_act_that_fails_undoes_the_others_and_says_why() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IGrants.grant, (patient.addr, viewer.addr, BUNDLE, termsHash));
        calls[1] = calls[0];
        vm.prank(patient.addr);
        vm.expectRevert(
            abi.encodeWithSelector(IGrants.GrantAlreadyExists.selector, patient.addr, id, GrantStatus.Active)
        );
        medrec.multicall(calls);
        _assertStatus(patient.addr, id, GrantStatus.None);
    }

    function test_a_multicall_lends_nobody_anothers_name() public {
        _grant(presented);
        bytes[] memory inner = new bytes[](1);
        inner[0] = abi.encodeCall(IGrants.revoke, (id));
        bytes[] memory outer = new bytes[](1);
        outer[0] = abi.encodeCall(medrec.multicall, (inner));
        vm.prank(stranger.addr);
        medrec.multicall(outer);
        _assertStatus(patient.addr, id, GrantStatus.Active);
        _assertStatus(address(medrec), id, GrantStatus.None);
        _assertStatus(stranger.addr, id, GrantStatus.Revoked);
    }
}
