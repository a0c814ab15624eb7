// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GrantStatus, NO_EXPIRY, NO_LAST_DATE, PresentedGrant, Refusal, Request, Terms} from "contracts/types/Terms.sol";

import {World} from "./World.sol";

/// @notice Each rule that can refuse a request, on the grant itself and on one above it.
contract PermitsTest is World {
    /// @dev Grants `terms` and asks for what `_terms` permit.
    function _assertRootRefused(Terms memory terms, Refusal expected) private {
        PresentedGrant memory root = _root(terms);
        _grant(root);
        _assertRefused(_chain(root), _request(viewer), expected, 0);
    }

    /// @dev Grants and sub-grants, and asks as the sub-viewer.
    function _assertChildRefused(Terms memory above, Terms memory below, Refusal expected, uint256 position) private {
        PresentedGrant memory root = _root(above);
        PresentedGrant memory child = _child(root, below);
        if (medrec.grantState(patient.addr, _id(root)).status == GrantStatus.None) _grant(root);
        _grant(child);
        _assertRefused(_chain(root, child), _request(subViewer), expected, position);
    }

    // ------------------------------------------------------------------------------------------------------ The grant

    function test_a_grant_permits_what_its_terms_say() public {
        _assertRootRefused(_terms(), Refusal.Permitted);
    }

    function test_without_a_grant_nothing_is_permitted() public view {
        _assertRefused(new PresentedGrant[](0), _request(viewer), Refusal.NoGrant, 0);
    }

    function test_a_grant_that_never_reached_the_chain_is_unknown() public view {
        _assertRefused(_chain(_root(_terms())), _request(viewer), Refusal.Unknown, 0);
    }

    function test_terms_other_than_those_granted_are_unknown() public {
        PresentedGrant memory root = _root(_terms());
        _grant(root);
        root.terms.classes = type(uint64).max;
        _assertRefused(_chain(root), _request(viewer), Refusal.Unknown, 0);
        root = _root(_terms());
        root.bundle = ~root.bundle;
        _assertRefused(_chain(root), _request(viewer), Refusal.Unknown, 0);
        root = _root(_terms());
        root.viewer = stranger.addr;
        _assertRefused(_chain(root), _request(stranger), Refusal.Unknown, 0);
    }

    function test_a_strangers_grant_of_the_patients_records_is_worth_nothing() public {
        PresentedGrant memory forged = _root(_terms());
        forged.grantor = stranger.addr;
        _grant(forged);
        _assertRefused(_chain(forged), _request(viewer), Refusal.NotGrantedBySubject, 0);
        // Presented as the patient's it has another id, which the patient never granted.
        forged.grantor = patient.addr;
        _assertRefused(_chain(forged), _request(viewer), Refusal.Unknown, 0);
    }

    function test_one_patients_grant_opens_no_other_patients_records() public {
        PresentedGrant memory root = _root(_terms());
        _grant(root);
        Request memory request = _request(viewer);
        request.subject = secondPatient.addr;
        _assertRefused(_chain(root), request, Refusal.NotGrantedBySubject, 0);
    }

    function test_only_the_viewer_of_the_last_grant_may_ask() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        _grant(child);
        _assertRefused(_chain(root), _request(stranger), Refusal.NotTheViewer, 0);
        _assertRefused(_chain(root), _request(patient), Refusal.NotTheViewer, 0);
        _assertRefused(_chain(root, child), _request(viewer), Refusal.NotTheViewer, 1);
    }

    // --------------------------------------------------------------------------------------------------------- Status

    function test_a_suspended_grant_permits_again_when_resumed() public {
        PresentedGrant memory root = _root(_terms());
        bytes32 id = _grant(root);
        vm.prank(patient.addr);
        medrec.suspend(id);
        _assertRefused(_chain(root), _request(viewer), Refusal.Suspended, 0);
        vm.prank(patient.addr);
        medrec.resume(id);
        _assertRefused(_chain(root), _request(viewer), Refusal.Permitted, 0);
    }

    function test_a_revoked_and_a_renounced_grant_permit_nothing() public {
        PresentedGrant memory root = _root(_terms());
        bytes32 id = _grant(root);
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertRefused(_chain(root), _request(viewer), Refusal.Revoked, 0);

        root.terms.salt = ~root.terms.salt;
        _grant(root);
        bytes32 termsHash = medrec.hashTerms(root.terms);
        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        _assertRefused(_chain(root), _request(viewer), Refusal.Renounced, 0);
    }

    // ----------------------------------------------------------------------------------------------------------- Terms

    function test_a_grant_is_valid_from_its_first_second_to_the_one_before_its_end() public {
        Terms memory terms = _terms();
        terms.startsAt = START + 10;
        terms.expiresAt = START + 20;
        _assertRootRefused(terms, Refusal.NotYetValid);
        vm.warp(START + 9);
        _assertRefused(_chain(_root(terms)), _request(viewer), Refusal.NotYetValid, 0);
        vm.warp(START + 10);
        _assertRefused(_chain(_root(terms)), _request(viewer), Refusal.Permitted, 0);
        vm.warp(START + 19);
        _assertRefused(_chain(_root(terms)), _request(viewer), Refusal.Permitted, 0);
        vm.warp(START + 20);
        _assertRefused(_chain(_root(terms)), _request(viewer), Refusal.Expired, 0);
    }

    function test_a_grant_without_expiry_does_not_expire() public {
        Terms memory terms = _terms();
        terms.expiresAt = NO_EXPIRY;
        _assertRootRefused(terms, Refusal.Permitted);
        vm.warp(NO_EXPIRY - 1);
        _assertRefused(_chain(_root(terms)), _request(viewer), Refusal.Permitted, 0);
    }

    function testFuzz_a_class_is_permitted_when_its_bit_is_set(uint64 classes, uint8 class) public {
        Terms memory terms = _terms();
        terms.classes = classes;
        PresentedGrant memory root = _root(terms);
        _grant(root);
        Request memory request = _request(viewer);
        request.class = class;
        bool set = class < 64 && classes & (uint64(1) << class) != 0;
        _assertRefused(_chain(root), request, set ? Refusal.Permitted : Refusal.Class, 0);
    }

    function testFuzz_a_purpose_is_permitted_when_its_bit_is_set(uint64 purposes, uint8 purpose) public {
        Terms memory terms = _terms();
        terms.purposes = purposes;
        PresentedGrant memory root = _root(terms);
        _grant(root);
        Request memory request = _request(viewer);
        request.purpose = purpose;
        bool set = purpose < 64 && purposes & (uint64(1) << purpose) != 0;
        _assertRefused(_chain(root), request, set ? Refusal.Permitted : Refusal.Purpose, 0);
    }

    function testFuzz_operations_are_permitted_when_all_of_them_are_granted(uint8 operations, uint8 asked) public {
        Terms memory terms = _terms();
        terms.operations = operations;
        PresentedGrant memory root = _root(terms);
        _grant(root);
        Request memory request = _request(viewer);
        request.operation = asked;
        bool granted = asked != 0 && (asked | operations) == operations;
        _assertRefused(_chain(root), request, granted ? Refusal.Permitted : Refusal.Operation, 0);
    }

    function testFuzz_a_record_is_permitted_when_its_date_lies_in_the_window(uint32 from, uint32 until, uint32 date)
        public
    {
        Terms memory terms = _terms();
        (terms.recordsFrom, terms.recordsUntil) = (from, until);
        PresentedGrant memory root = _root(terms);
        _grant(root);
        Request memory request = _request(viewer);
        request.date = date;
        bool inside = date == 0 ? from == 0 && until == NO_LAST_DATE : from <= date && date <= until;
        _assertRefused(_chain(root), request, inside ? Refusal.Permitted : Refusal.RecordDate, 0);
    }

    function test_undated_records_need_a_window_without_bounds() public {
        Request memory request = _request(viewer);
        request.date = 0;
        Terms memory terms = _terms();
        _grant(_root(terms));
        _assertRefused(_chain(_root(terms)), request, Refusal.Permitted, 0);
        terms.recordsFrom = 1;
        _grant(_root(terms));
        _assertRefused(_chain(_root(terms)), request, Refusal.RecordDate, 0);
        terms.recordsFrom = 0;
        terms.recordsUntil = NO_LAST_DATE - 1;
        _grant(_root(terms));
        _assertRefused(_chain(_root(terms)), request, Refusal.RecordDate, 0);
    }

    // ---------------------------------------------------------------------------------------------------------- Agent

    function test_the_agent_named_in_the_terms_acts_for_the_viewer_until_dismissed_by_either() public {
        Person[2] memory dismissers = [patient, viewer];
        for (uint256 i = 0; i < dismissers.length; ++i) {
            Terms memory terms = _terms();
            terms.salt = bytes32(i);
            PresentedGrant memory root = _root(terms);
            bytes32 id = _grant(root);
            Request memory request = _request(viewer);
            request.agent = agent.addr;
            _assertRefused(_chain(root), request, Refusal.Permitted, 0);
            vm.prank(dismissers[i].addr);
            medrec.revokeAgent(id);
            _assertRefused(_chain(root), request, Refusal.AgentRevoked, 0);
            // The viewer's own hand still may.
            _assertRefused(_chain(root), _request(viewer), Refusal.Permitted, 0);
        }
    }

    function test_an_agent_is_dismissed_by_grantor_and_viewer_only() public {
        PresentedGrant memory root = _root(_terms());
        bytes32 id = _grant(root);
        Person[3] memory others = [stranger, agent, provider];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            medrec.revokeAgent(id);
        }
        Request memory request = _request(viewer);
        request.agent = agent.addr;
        _assertRefused(_chain(root), request, Refusal.Permitted, 0);
    }

    function test_no_other_agent_acts() public {
        PresentedGrant memory root = _root(_terms());
        _grant(root);
        Request memory request = _request(viewer);
        request.agent = stranger.addr;
        _assertRefused(_chain(root), request, Refusal.Agent, 0);

        root.terms.agent = address(0);
        _grant(root);
        request.agent = agent.addr;
        _assertRefused(_chain(root), request, Refusal.Agent, 0);
    }

    // ----------------------------------------------------------------------------------------------------- Sub-grants

    function test_a_sub_grant_permits_what_both_say() public {
        _assertChildRefused(_terms(), _terms(), Refusal.Permitted, 1);
    }

    function test_AttenuationOnly_wider_terms_below_do_not_help() public {
        Terms memory all = _terms();
        all.classes = type(uint64).max;
        all.purposes = type(uint64).max;
        all.operations = type(uint8).max;
        all.expiresAt = NO_EXPIRY;
        all.delegations = type(uint8).max;
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, all);
        _grant(root);
        _grant(child);
        PresentedGrant[] memory chain = _chain(root, child);

        Request memory request = _request(subViewer);
        _assertRefused(chain, request, Refusal.Permitted, 1);
        request.class = LABORATORY + 1;
        _assertRefused(chain, request, Refusal.Class, 0);
        request = _request(subViewer);
        request.purpose = TREATMENT + 1;
        _assertRefused(chain, request, Refusal.Purpose, 0);
        request = _request(subViewer);
        request.operation = 16;
        _assertRefused(chain, request, Refusal.Operation, 0);
        vm.warp(START + 30 days);
        _assertRefused(chain, _request(subViewer), Refusal.Expired, 0);
    }

    function test_AttenuationOnly_narrower_terms_below_refuse_at_their_place() public {
        Terms memory narrow = _terms();
        narrow.classes = 0;
        _assertChildRefused(_terms(), narrow, Refusal.Class, 1);
        narrow = _terms();
        narrow.purposes = 0;
        _assertChildRefused(_terms(), narrow, Refusal.Purpose, 1);
        narrow = _terms();
        narrow.operations = QUERY;
        _assertChildRefused(_terms(), narrow, Refusal.Operation, 1);
        narrow = _terms();
        narrow.startsAt = START + 1;
        _assertChildRefused(_terms(), narrow, Refusal.NotYetValid, 1);
        narrow = _terms();
        narrow.expiresAt = START;
        _assertChildRefused(_terms(), narrow, Refusal.Expired, 1);
        narrow = _terms();
        narrow.recordsFrom = A_DATE + 1;
        _assertChildRefused(_terms(), narrow, Refusal.RecordDate, 1);
        narrow = _terms();
        narrow.recordsUntil = A_DATE - 1;
        _assertChildRefused(_terms(), narrow, Refusal.RecordDate, 1);
    }

    function test_AttenuationOnly_a_sub_grant_in_another_vocabulary_is_refused() public {
        Terms memory other = _terms();
        other.vocabulary = keccak256("another table, in which the numbers mean something else");
        _assertChildRefused(_terms(), other, Refusal.BrokenChain, 1);
    }

    function test_a_grant_that_allows_no_delegation_carries_no_sub_grant() public {
        Terms memory last = _terms();
        last.delegations = 0;
        _assertChildRefused(last, _terms(), Refusal.NotDelegable, 0);
    }

    function test_delegations_count_down_over_three_levels() public {
        Terms memory two = _terms();
        two.delegations = 2;
        PresentedGrant[] memory chain = new PresentedGrant[](3);
        chain[0] = _root(two);
        chain[1] = _child(chain[0], _terms());
        Terms memory below = _terms();
        below.parent = _id(chain[1]);
        chain[2] = PresentedGrant(subViewer.addr, stranger.addr, BUNDLE, below);
        for (uint256 i = 0; i < chain.length; ++i) {
            _grant(chain[i]);
        }
        _assertRefused(chain, _request(stranger), Refusal.Permitted, 2);

        // The middle one allows one level only; a fourth would be one too many for it and for the first.
        PresentedGrant[] memory longer = new PresentedGrant[](4);
        (longer[0], longer[1], longer[2]) = (chain[0], chain[1], chain[2]);
        below.parent = _id(chain[2]);
        longer[3] = PresentedGrant(stranger.addr, provider.addr, BUNDLE, below);
        _grant(longer[3]);
        _assertRefused(longer, _request(provider), Refusal.NotDelegable, 0);
    }

    function test_a_chain_with_a_wrong_link_is_broken() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        _grant(child);

        // A sub-grant alone, a root below a root, a sub-grant of another grant, a sub-grant by somebody else.
        _assertRefused(_chain(child), _request(subViewer), Refusal.NotGrantedBySubject, 0);
        PresentedGrant memory detached = PresentedGrant(viewer.addr, subViewer.addr, BUNDLE, _terms());
        _grant(detached);
        _assertRefused(_chain(root, detached), _request(subViewer), Refusal.BrokenChain, 1);
        Terms memory otherTerms = _terms();
        otherTerms.salt = ~otherTerms.salt;
        PresentedGrant memory otherRoot = _root(otherTerms);
        _grant(otherRoot);
        _assertRefused(_chain(otherRoot, child), _request(subViewer), Refusal.BrokenChain, 1);
        child.grantor = stranger.addr;
        _grant(child);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.BrokenChain, 1);
    }

    function test_a_root_grant_that_names_a_parent_is_no_root() public {
        Terms memory terms = _terms();
        terms.parent = keccak256("some grant");
        _assertRootRefused(terms, Refusal.BrokenChain);
    }

    function test_RevocationIsFinal_withdrawing_a_grant_withdraws_what_was_cut_from_it() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        bytes32 id = _grant(root);
        _grant(child);
        vm.prank(patient.addr);
        medrec.suspend(id);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Suspended, 0);
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Revoked, 0);
    }

    function test_a_viewer_who_gives_the_grant_back_takes_the_sub_grants_along() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        _grant(child);
        bytes32 termsHash = medrec.hashTerms(root.terms);
        vm.prank(viewer.addr);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Renounced, 0);
    }

    function test_RevocationIsFinal_the_patient_revokes_a_sub_grant_that_another_made() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        bytes32 childId = _grant(child);
        vm.prank(patient.addr);
        medrec.revoke(childId);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Revoked, 1);
        _assertRefused(_chain(root), _request(viewer), Refusal.Permitted, 0);

        // Its grantor can suspend and resume it, which changes nothing.
        vm.startPrank(viewer.addr);
        medrec.suspend(childId);
        medrec.resume(childId);
        vm.stopPrank();
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Revoked, 1);
    }

    function test_the_grantor_of_a_sub_grant_revokes_it_and_strangers_do_not() public {
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        bytes32 childId = _grant(child);
        vm.prank(stranger.addr);
        medrec.revoke(childId);
        vm.prank(secondPatient.addr);
        medrec.revoke(childId);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Permitted, 1);
        vm.prank(viewer.addr);
        medrec.revoke(childId);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Revoked, 1);
    }

    function test_the_agent_of_a_sub_grant_is_the_one_that_it_names() public {
        Terms memory below = _terms();
        below.agent = stranger.addr;
        PresentedGrant memory root = _root(_terms());
        PresentedGrant memory child = _child(root, below);
        bytes32 id = _grant(root);
        _grant(child);
        Request memory request = _request(subViewer);
        request.agent = stranger.addr;
        _assertRefused(_chain(root, child), request, Refusal.Permitted, 1);
        request.agent = agent.addr;
        _assertRefused(_chain(root, child), request, Refusal.Agent, 1);
        // Dismissing the agent of the grant above says nothing about this one.
        vm.prank(patient.addr);
        medrec.revokeAgent(id);
        request.agent = stranger.addr;
        _assertRefused(_chain(root, child), request, Refusal.Permitted, 1);
    }
}
