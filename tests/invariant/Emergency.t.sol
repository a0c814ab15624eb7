// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEmergency} from "contracts/interfaces/IEmergency.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {ROLE_EMERGENCY, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {GrantStatus, PresentedGrant, Refusal, Request, Terms} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

contract EmergencyTest is World {
    bytes32 private constant CUSTODY = keccak256("the sealed shares of the emergency key");
    bytes32 private constant REASON = keccak256("why, sealed");
    bytes32 private constant SHARE = keccak256("a share, sealed to the clinician");
    bytes32 private constant SALT = keccak256("salt");
    uint64 private constant EXPIRES_AT = START + 24 hours;

    PresentedGrant private root;
    PresentedGrant private child;

    function setUp() public override {
        super.setUp();
        root = _emergencyRoot();
        child = _emergencyChild(clinician, START, EXPIRES_AT);
        _grant(root);
        vm.prank(patient.addr);
        emergency.prepare(_id(root), CUSTODY);
    }

    function _declare(Person memory by, uint64 startsAt, uint64 expiresAt) private returns (bytes32) {
        vm.prank(by.addr);
        return emergency.declare(patient.addr, startsAt, expiresAt, keccak256(bytes(STATEMENT)), SALT, BUNDLE, REASON);
    }

    function _declare() private returns (bytes32) {
        return _declare(clinician, START, EXPIRES_AT);
    }

    function _expectNotDeclared(bytes32 id) private {
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotDeclared.selector, patient.addr, clinician.addr, id));
    }

    function _release(bytes32 id) private {
        vm.prank(guardian.addr);
        emergency.release(patient.addr, clinician.addr, id, SHARE);
    }

    // -------------------------------------------------------------------------------------------------------- Prepare

    function test_preparing_is_an_event_and_counts_the_turn() public {
        vm.expectEmit(address(emergency));
        emit IEmergency.EmergencyPrepared(patient.addr, BUNDLE, CUSTODY, 2);
        vm.prank(patient.addr);
        emergency.prepare(BUNDLE, CUSTODY);
        IEmergency.Preparation memory preparation = emergency.preparedOf(patient.addr);
        assertEq(preparation.grant, BUNDLE);
        assertEq(preparation.turn, 2);
        assertEq(address(emergency.medrec()), address(medrec));
        assertEq(emergency.vocabulary(), VOCABULARY);
        assertEq(emergency.purpose(), TREATMENT);
    }

    // -------------------------------------------------------------------------------------------------------- Declare

    function test_a_declaration_makes_an_ordinary_sub_grant() public {
        bytes32 id = _id(child);
        vm.expectEmit(address(emergency));
        emit IEmergency.EmergencyDeclared(patient.addr, clinician.addr, id, START, EXPIRES_AT, REASON);
        vm.expectEmit(address(medrec));
        emit IGrants.Granted(
            patient.addr, address(emergency), clinician.addr, id, BUNDLE, Acts.terms(child.terms, STATEMENT)
        );
        assertEq(_declare(), id);
        IEmergency.Declaration memory declaration = emergency.declarationOf(patient.addr, id);
        assertEq(abi.encode(declaration), abi.encode(IEmergency.Declaration(clinician.addr, EXPIRES_AT, 1)));
        assertTrue(emergency.isDeclared(patient.addr, id));
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Permitted, 1);
        vm.warp(EXPIRES_AT);
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Expired, 1);
        assertFalse(emergency.isDeclared(patient.addr, id));
    }

    function test_EmergencyIsAccredited_only_such_a_clinician_declares() public {
        Person[3] memory others = [provider, stranger, patient];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IRelationships.NotAccredited.selector, others[i].addr, ROLE_EMERGENCY)
            );
            this.declare(others[i], START, EXPIRES_AT);
        }
        _accredit(provider, ROLE_PROVIDER | ROLE_EMERGENCY);
        _declare(provider, START, EXPIRES_AT);
    }

    function test_an_emergency_is_now_and_lasts_three_days_at_most() public {
        vm.warp(START + 10 days);
        uint64 time = START + 10 days;
        uint64[2][4] memory wrong =
            [[time + 1, time + 2], [time - 1, time], [time, time + 72 hours + 1], [time - 2, time - 1]];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEmergency.InvalidPeriod.selector, wrong[i][0], wrong[i][1]));
            this.declare(clinician, wrong[i][0], wrong[i][1]);
        }
        _declare(clinician, time, time + 72 hours);
        _declare(clinician, time - 1, time + 1);
    }

    function test_nothing_can_be_declared_that_was_not_prepared() public {
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotPrepared.selector, secondPatient.addr));
        vm.prank(clinician.addr);
        emergency.declare(secondPatient.addr, START, EXPIRES_AT, 0, SALT, BUNDLE, REASON);

        uint256 before = NEWER.snapshotState();
        vm.prank(patient.addr);
        emergency.prepare(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotPrepared.selector, patient.addr));
        this.declare(clinician, START, EXPIRES_AT);
        NEWER.revertToState(before);

        before = NEWER.snapshotState();
        vm.prank(patient.addr);
        medrec.suspend(_id(root));
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotPrepared.selector, patient.addr));
        this.declare(clinician, START, EXPIRES_AT);
        NEWER.revertToState(before);

        vm.prank(patient.addr);
        medrec.revoke(_id(root));
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotPrepared.selector, patient.addr));
        this.declare(clinician, START, EXPIRES_AT);
    }

    function test_AttenuationOnly_an_emergency_gives_no_more_than_was_prepared() public {
        _declare();
        Request memory request = _request(clinician);
        request.class = LABORATORY + 1;
        _assertRefused(_chain(root, child), request, Refusal.Class, 0);
        request = _request(clinician);
        request.purpose = TREATMENT + 1;
        _assertRefused(_chain(root, child), request, Refusal.Purpose, 0);
        request = _request(clinician);
        request.operation = QUERY;
        _assertRefused(_chain(root, child), request, Refusal.Operation, 1);
        request = _request(viewer);
        _assertRefused(_chain(root, child), request, Refusal.NotTheViewer, 1);
    }

    function test_a_clinician_who_loses_the_accreditation_is_shut_out_at_once() public {
        bytes32 id = _declare();
        vm.prank(registrarAdmin.addr);
        registrar.withdrawAccreditation(clinician.addr);
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Condition, 1);
        _expectNotDeclared(id);
        this.release(id);
    }

    function test_the_patient_ends_an_emergency_by_revoking_either_grant() public {
        bytes32 id = _declare();
        uint256 before = NEWER.snapshotState();
        vm.prank(patient.addr);
        medrec.revoke(id);
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Revoked, 1);
        _expectNotDeclared(id);
        this.release(id);
        NEWER.revertToState(before);

        vm.prank(patient.addr);
        medrec.revoke(_id(root));
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Revoked, 0);
        _expectNotDeclared(id);
        this.release(id);
    }

    // -------------------------------------------------------------------------------------------------------- Release

    function test_a_share_is_released_while_the_declaration_stands() public {
        bytes32 id = _id(child);
        _expectNotDeclared(id);
        this.release(id);
        _declare();
        vm.expectEmit(address(emergency));
        emit IEmergency.KeyReleased(patient.addr, clinician.addr, guardian.addr, id, SHARE);
        _release(id);
        vm.warp(EXPIRES_AT - 1);
        _release(id);
        vm.warp(EXPIRES_AT);
        _expectNotDeclared(id);
        this.release(id);
    }

    function test_a_share_is_released_to_nobody_but_who_declared() public {
        bytes32 id = _declare();
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotDeclared.selector, patient.addr, stranger.addr, id));
        emergency.release(patient.addr, stranger.addr, id, SHARE);
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotDeclared.selector, secondPatient.addr, clinician.addr, id));
        emergency.release(secondPatient.addr, clinician.addr, id, SHARE);
        vm.expectRevert(abi.encodeWithSelector(IEmergency.NotDeclared.selector, patient.addr, address(0), CUSTODY));
        emergency.release(patient.addr, address(0), CUSTODY, SHARE);
    }

    function test_a_new_preparation_ends_the_release_of_keys_for_what_was_declared_before() public {
        bytes32 id = _declare();
        vm.prank(patient.addr);
        emergency.prepare(_id(root), CUSTODY);
        _expectNotDeclared(id);
        this.release(id);
        _assertRefused(_chain(root, child), _request(clinician), Refusal.Permitted, 1);
    }

    function test_the_same_declaration_is_made_once() public {
        bytes32 id = _declare();
        vm.expectRevert(
            abi.encodeWithSelector(IGrants.GrantAlreadyExists.selector, address(emergency), id, GrantStatus.Active)
        );
        this.declare(clinician, START, EXPIRES_AT);
    }

    // ------------------------------------------------------------------------------------------------------ Condition

    function test_the_condition_holds_while_the_viewer_is_accredited_for_emergencies() public {
        Terms memory terms = _terms();
        terms.condition = address(emergency);
        PresentedGrant memory direct = PresentedGrant(patient.addr, provider.addr, BUNDLE, terms);
        _grant(direct);
        _assertRefused(_chain(direct), _request(provider), Refusal.Condition, 0);
        _accredit(provider, ROLE_EMERGENCY);
        _assertRefused(_chain(direct), _request(provider), Refusal.Permitted, 0);
        vm.prank(registrarAdmin.addr);
        registrar.accredit(provider.addr, ROLE_EMERGENCY, START + 1 days, CREDENTIAL);
        vm.warp(START + 1 days);
        _assertRefused(_chain(direct), _request(provider), Refusal.Condition, 0);
    }

    /// @dev Seen from outside, so that what is refused can be expected.
    function declare(Person memory by, uint64 startsAt, uint64 expiresAt) external {
        _declare(by, startsAt, expiresAt);
    }

    function release(bytes32 id) external {
        _release(id);
    }
}
