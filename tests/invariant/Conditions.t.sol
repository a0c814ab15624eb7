// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {WhileAccredited} from "contracts/conditions/WhileAccredited.sol";
import {WhileRelated} from "contracts/conditions/WhileRelated.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {ROLE_GATEWAY, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {GrantStatus, PresentedGrant, Refusal, Request, Terms} from "contracts/types/Terms.sol";

import {World} from "./World.sol";
import {BurningCondition, ExactCondition, MeddlingCondition, RawCondition} from "./actors/Conditions.sol";

contract ConditionsTest is World {
    PresentedGrant private root;

    /// @dev A root grant to `to` under the condition.
    function _grantUnder(address condition, Person memory to) private returns (bytes32) {
        Terms memory terms = _terms();
        terms.condition = condition;
        root = PresentedGrant(patient.addr, to.addr, BUNDLE, terms);
        return _grant(root);
    }

    function _assertCondition(address condition, bool holds) private {
        _grantUnder(condition, viewer);
        _assertRefused(_chain(root), _request(viewer), holds ? Refusal.Permitted : Refusal.Condition, 0);
    }

    // ------------------------------------------------------------------------------------------------ WhileAccredited

    function test_a_grant_while_accredited_ends_with_the_viewers_accreditation() public {
        WhileAccredited condition = new WhileAccredited(registrar, ROLE_PROVIDER);
        assertEq(address(condition.registrar()), address(registrar));
        assertEq(condition.roles(), ROLE_PROVIDER);
        _grantUnder(address(condition), secondProvider);
        _assertRefused(_chain(root), _request(secondProvider), Refusal.Permitted, 0);
        vm.prank(registrarAdmin.addr);
        registrar.withdrawAccreditation(secondProvider.addr);
        _assertRefused(_chain(root), _request(secondProvider), Refusal.Condition, 0);
    }

    function test_a_grant_while_accredited_needs_the_role_that_it_names() public {
        WhileAccredited condition = new WhileAccredited(registrar, ROLE_GATEWAY);
        _grantUnder(address(condition), secondProvider);
        _assertRefused(_chain(root), _request(secondProvider), Refusal.Condition, 0);
        _accredit(secondProvider, ROLE_PROVIDER | ROLE_GATEWAY);
        _assertRefused(_chain(root), _request(secondProvider), Refusal.Permitted, 0);
    }

    function test_AttenuationOnly_a_condition_of_the_grant_above_is_about_its_own_viewer() public {
        _grantUnder(address(new WhileAccredited(registrar, ROLE_PROVIDER)), secondProvider);
        PresentedGrant memory child = PresentedGrant(secondProvider.addr, provider.addr, BUNDLE, _terms());
        child.terms.parent = _id(root);
        _grant(child);
        _assertRefused(_chain(root, child), _request(provider), Refusal.Permitted, 1);
        // The sub-viewer is accredited still, but what it was given hangs on somebody who is not.
        vm.prank(registrarAdmin.addr);
        registrar.withdrawAccreditation(secondProvider.addr);
        _assertRefused(_chain(root, child), _request(provider), Refusal.Condition, 0);
    }

    function test_a_sub_grant_asks_for_more_by_a_condition_of_its_own() public {
        root = _root(_terms());
        _grant(root);
        Terms memory below = _terms();
        below.condition = address(new WhileAccredited(registrar, ROLE_PROVIDER));
        PresentedGrant memory child = _child(root, below);
        _grant(child);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Condition, 1);
        _accredit(subViewer, ROLE_PROVIDER);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Permitted, 1);
    }

    // --------------------------------------------------------------------------------------------------- WhileRelated

    function test_a_grant_while_related_lives_with_the_relationship() public {
        WhileRelated condition = new WhileRelated(medrec);
        assertEq(address(condition.relationships()), address(medrec));
        _grantUnder(address(condition), provider);
        _assertRefused(_chain(root), _request(provider), Refusal.Condition, 0);
        _open(patient, provider);
        _assertRefused(_chain(root), _request(provider), Refusal.Permitted, 0);
        vm.prank(provider.addr);
        medrec.close(patient.addr, provider.addr);
        _assertRefused(_chain(root), _request(provider), Refusal.Condition, 0);
        _open(patient, provider);
        _assertRefused(_chain(root), _request(provider), Refusal.Permitted, 0);
    }

    function test_a_relationship_with_another_patient_does_not_count() public {
        _open(secondPatient, provider);
        _grantUnder(address(new WhileRelated(medrec)), provider);
        _assertRefused(_chain(root), _request(provider), Refusal.Condition, 0);
    }

    // ------------------------------------------------------------------------------------------------- Any condition

    function test_a_condition_is_told_the_grant_that_names_it_and_the_whole_request() public {
        // The id depends on the condition's address, so the condition is made after it, where it will stand.
        Terms memory terms = _terms();
        terms.condition = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        root = _root(terms);
        Request memory request = _request(viewer);
        request.agent = agent.addr;
        ExactCondition condition = new ExactCondition(keccak256(abi.encode(_id(root), request)));
        assertEq(address(condition), terms.condition);
        _grant(root);
        _assertRefused(_chain(root), request, Refusal.Permitted, 0);
        _assertRefused(_chain(root), _request(viewer), Refusal.Condition, 0);
    }

    function test_a_condition_above_is_told_of_its_own_viewer_and_of_no_agent() public {
        Terms memory terms = _terms();
        terms.condition = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        root = _root(terms);
        new ExactCondition(keccak256(abi.encode(_id(root), _request(viewer))));
        PresentedGrant memory child = _child(root, _terms());
        _grant(root);
        _grant(child);
        Request memory request = _request(subViewer);
        request.agent = agent.addr;
        _assertRefused(_chain(root, child), request, Refusal.Permitted, 1);
    }

    function test_the_condition_of_a_sub_grant_counts_beside_its_parents() public {
        root = _root(_terms());
        _grant(root);
        Terms memory below = _terms();
        below.condition = address(new RawCondition(0, 32, false));
        PresentedGrant memory child = _child(root, below);
        _grant(child);
        _assertRefused(_chain(root, child), _request(subViewer), Refusal.Condition, 1);
    }

    function test_only_one_word_of_value_one_holds() public {
        _assertCondition(address(new RawCondition(1, 32, false)), true);
        _assertCondition(address(new RawCondition(0, 32, false)), false);
        _assertCondition(address(new RawCondition(2, 32, false)), false);
        _assertCondition(address(new RawCondition(type(uint256).max, 32, false)), false);
        _assertCondition(address(new RawCondition(1, 64, false)), false);
        _assertCondition(address(new RawCondition(1, 31, false)), false);
        _assertCondition(address(new RawCondition(1, 0, false)), false);
    }

    function test_a_condition_that_reverts_refuses_even_when_its_reason_is_a_one() public {
        _assertCondition(address(new RawCondition(1, 32, true)), false);
        _assertCondition(address(new RawCondition(1, 0, true)), false);
    }

    function test_a_condition_without_code_refuses() public {
        _assertCondition(stranger.addr, false);
        // Nor do the contracts that every chain has at low addresses answer by accident.
        for (uint160 i = 1; i <= 17; ++i) {
            _grantUnder(address(i), viewer);
            (Refusal refusal,) = medrec.evaluate{gas: 5_000_000}(_chain(root), _request(viewer));
            assertEq(uint256(refusal), uint256(Refusal.Condition));
        }
    }

    function test_a_condition_that_answers_with_a_megabyte_refuses_at_no_cost_of_memory() public {
        _grantUnder(address(new RawCondition(1, 1_000_000, false)), viewer);
        (Refusal refusal,) = medrec.evaluate{gas: 5_000_000}(_chain(root), _request(viewer));
        assertEq(uint256(refusal), uint256(Refusal.Condition));
    }

    function test_a_condition_that_burns_its_gas_refuses() public {
        _grantUnder(address(new BurningCondition()), viewer);
        (Refusal refusal,) = medrec.evaluate{gas: 5_000_000}(_chain(root), _request(viewer));
        assertEq(uint256(refusal), uint256(Refusal.Condition));
    }

    function test_a_condition_can_change_nothing_while_it_is_asked() public {
        bytes memory act = abi.encodeCall(IGrants.revoke, (keccak256("any grant")));
        MeddlingCondition condition = new MeddlingCondition(address(medrec), act);
        _grantUnder(address(condition), viewer);
        (Refusal refusal,) = medrec.evaluate{gas: 5_000_000}(_chain(root), _request(viewer));
        assertEq(uint256(refusal), uint256(Refusal.Condition));
        _assertStatus(address(condition), keccak256("any grant"), GrantStatus.None);
    }
}
