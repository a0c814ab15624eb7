// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {IRegistrar, ROLE_GATEWAY, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

contract RegistrarTest is World {
    uint64 private constant UNTIL = START + 30 days;
    uint64 private constant REGISTRAR_ROLE = 7;

    function _keyOf(uint8 filling) private pure returns (bytes memory key) {
        key = _publicKey();
        key[0] = bytes1(filling);
    }

    function _registered(bytes32 previous, bytes memory key) private pure returns (bytes32) {
        return keccak256(abi.encode(previous, keccak256(key), DESCRIPTOR));
    }

    // ------------------------------------------------------------------------------------------------------- Register

    function test_anybody_registers_a_key_for_themselves() public {
        vm.expectEmit(address(registrar));
        emit IRegistrar.Registered(stranger.addr, 0, _keyOf(1), DESCRIPTOR);
        vm.prank(stranger.addr);
        registrar.register(_keyOf(1), DESCRIPTOR);
        assertEq(registrar.registrationOf(stranger.addr), _registered(0, _keyOf(1)));
    }

    function test_a_new_key_is_chained_to_the_one_before() public {
        bytes32 first = _registered(0, _keyOf(1));
        vm.startPrank(stranger.addr);
        registrar.register(_keyOf(1), DESCRIPTOR);
        vm.expectEmit(address(registrar));
        emit IRegistrar.Registered(stranger.addr, first, _keyOf(2), DESCRIPTOR);
        registrar.register(_keyOf(2), DESCRIPTOR);
        vm.stopPrank();
        assertEq(registrar.registrationOf(stranger.addr), _registered(first, _keyOf(2)));
    }

    function test_a_relayer_registers_with_the_participants_signature() public {
        bytes memory signature = _signRegistration(stranger, Acts.registration(stranger.addr, 0, _keyOf(1), DESCRIPTOR));
        vm.expectEmit(address(registrar));
        emit IRegistrar.Registered(stranger.addr, 0, _keyOf(1), DESCRIPTOR);
        vm.prank(relayer.addr);
        registrar.registerWithSig(stranger.addr, _keyOf(1), DESCRIPTOR, signature);
        assertEq(registrar.registrationOf(stranger.addr), _registered(0, _keyOf(1)));
    }

    function test_an_old_registration_cannot_be_played_again() public {
        bytes memory first = _signRegistration(stranger, Acts.registration(stranger.addr, 0, _keyOf(1), DESCRIPTOR));
        registrar.registerWithSig(stranger.addr, _keyOf(1), DESCRIPTOR, first);
        vm.prank(stranger.addr);
        registrar.register(_keyOf(2), DESCRIPTOR);

        bytes32 previous = registrar.registrationOf(stranger.addr);
        bytes32 asked = Acts.registration(stranger.addr, previous, _keyOf(1), DESCRIPTOR);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, stranger.addr, asked));
        registrar.registerWithSig(stranger.addr, _keyOf(1), DESCRIPTOR, first);

        // Not even when the first key returns: the chain does not come back to an earlier link.
        vm.prank(stranger.addr);
        registrar.register(_keyOf(1), DESCRIPTOR);
        vm.expectRevert();
        registrar.registerWithSig(stranger.addr, _keyOf(1), DESCRIPTOR, first);
    }

    function test_nobody_registers_a_key_for_another() public {
        bytes32 asked = Acts.registration(patient.addr, 0, _keyOf(1), DESCRIPTOR);
        bytes memory signature = _signRegistration(stranger, asked);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, patient.addr, asked));
        registrar.registerWithSig(patient.addr, _keyOf(1), DESCRIPTOR, signature);
    }

    function test_a_key_of_any_other_length_is_refused() public {
        uint16[4] memory lengths = [0, 32, 1215, 1217];
        for (uint256 i = 0; i < lengths.length; ++i) {
            bytes memory key = new bytes(lengths[i]);
            vm.expectRevert(abi.encodeWithSelector(IRegistrar.InvalidPublicKey.selector, lengths[i]));
            vm.prank(stranger.addr);
            registrar.register(key, DESCRIPTOR);
            bytes memory signature = _signRegistration(stranger, Acts.registration(stranger.addr, 0, key, DESCRIPTOR));
            vm.expectRevert(abi.encodeWithSelector(IRegistrar.InvalidPublicKey.selector, lengths[i]));
            registrar.registerWithSig(stranger.addr, key, DESCRIPTOR, signature);
        }
    }

    // ------------------------------------------------------------------------------------------------------- Accredit

    function test_the_registrar_accredits_and_the_last_word_counts() public {
        vm.startPrank(registrarAdmin.addr);
        vm.expectEmit(address(registrar));
        emit IRegistrar.Accredited(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY, UNTIL, CREDENTIAL);
        registrar.accredit(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY, UNTIL, CREDENTIAL);
        (uint64 roles, uint64 expiresAt) = registrar.accreditationOf(provider.addr);
        assertEq(roles, ROLE_PROVIDER | ROLE_GATEWAY);
        assertEq(expiresAt, UNTIL);
        assertTrue(registrar.isAccredited(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY));

        registrar.accredit(provider.addr, ROLE_GATEWAY, UNTIL + 1, CREDENTIAL);
        vm.stopPrank();
        (roles, expiresAt) = registrar.accreditationOf(provider.addr);
        assertEq(roles, ROLE_GATEWAY);
        assertEq(expiresAt, UNTIL + 1);
    }

    function test_an_accreditation_covers_its_roles_until_it_expires() public {
        assertTrue(registrar.isAccredited(provider.addr, ROLE_PROVIDER));
        assertTrue(registrar.isAccredited(provider.addr, 0));
        assertFalse(registrar.isAccredited(provider.addr, ROLE_GATEWAY));
        assertFalse(registrar.isAccredited(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY));
        assertFalse(registrar.isAccredited(stranger.addr, 0));

        vm.warp(START + 365 days - 1);
        assertTrue(registrar.isAccredited(provider.addr, ROLE_PROVIDER));
        vm.warp(START + 365 days);
        assertFalse(registrar.isAccredited(provider.addr, ROLE_PROVIDER));
        assertFalse(registrar.isAccredited(provider.addr, 0));
        (, uint64 expiresAt) = registrar.accreditationOf(provider.addr);
        assertEq(expiresAt, START + 365 days);
    }

    function test_only_the_registered_are_accredited() public {
        vm.prank(registrarAdmin.addr);
        vm.expectRevert(abi.encodeWithSelector(IRegistrar.NotRegistered.selector, stranger.addr));
        registrar.accredit(stranger.addr, ROLE_PROVIDER, UNTIL, CREDENTIAL);
    }

    function test_an_accreditation_that_ends_before_it_begins_is_refused() public {
        vm.startPrank(registrarAdmin.addr);
        vm.expectRevert(abi.encodeWithSelector(IRegistrar.AccreditationInThePast.selector, START));
        registrar.accredit(provider.addr, ROLE_PROVIDER, START, CREDENTIAL);
        registrar.accredit(provider.addr, ROLE_PROVIDER, START + 1, CREDENTIAL);
        vm.stopPrank();
    }

    function test_withdrawing_ends_an_accreditation_at_once_and_only_once() public {
        vm.startPrank(registrarAdmin.addr);
        vm.expectEmit(address(registrar));
        emit IRegistrar.AccreditationWithdrawn(provider.addr);
        registrar.withdrawAccreditation(provider.addr);
        assertFalse(registrar.isAccredited(provider.addr, ROLE_PROVIDER));
        (uint64 roles, uint64 expiresAt) = registrar.accreditationOf(provider.addr);
        assertEq(roles + expiresAt, 0);

        vm.recordLogs();
        registrar.withdrawAccreditation(provider.addr);
        registrar.withdrawAccreditation(stranger.addr);
        vm.stopPrank();
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_a_vocabulary_is_published_once() public {
        assertFalse(registrar.isVocabulary(VOCABULARY));
        vm.startPrank(registrarAdmin.addr);
        vm.expectEmit(address(registrar));
        emit IRegistrar.VocabularyPublished(VOCABULARY);
        registrar.publishVocabulary(VOCABULARY);
        assertTrue(registrar.isVocabulary(VOCABULARY));
        vm.expectRevert(abi.encodeWithSelector(IRegistrar.VocabularyAlreadyPublished.selector, VOCABULARY));
        registrar.publishVocabulary(VOCABULARY);
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------------------ Authority

    function test_nobody_but_the_registrar_administers() public {
        Person[4] memory others = [stranger, provider, patient, gateway];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refusal =
                abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i].addr);
            vm.startPrank(others[i].addr);
            vm.expectRevert(refusal);
            registrar.accredit(provider.addr, ROLE_PROVIDER, UNTIL, CREDENTIAL);
            vm.expectRevert(refusal);
            registrar.withdrawAccreditation(provider.addr);
            vm.expectRevert(refusal);
            registrar.publishVocabulary(VOCABULARY);
            vm.expectRevert(refusal);
            registrar.setAuthority(address(this));
            vm.stopPrank();
        }
    }

    function test_a_registrar_with_a_delay_announces_waits_and_acts() public {
        bytes4[] memory selectors = new bytes4[](2);
        selectors[0] = IRegistrar.accredit.selector;
        selectors[1] = IRegistrar.withdrawAccreditation.selector;
        Person memory board = _person("the board of accreditation");
        vm.startPrank(registrarAdmin.addr);
        authority.setTargetFunctionRole(address(registrar), selectors, REGISTRAR_ROLE);
        authority.grantRole(REGISTRAR_ROLE, board.addr, 2 days);
        vm.stopPrank();

        bytes memory act =
            abi.encodeCall(IRegistrar.accredit, (provider.addr, ROLE_PROVIDER | ROLE_GATEWAY, UNTIL, CREDENTIAL));
        bytes32 operation = authority.hashOperation(board.addr, address(registrar), act);
        vm.startPrank(board.addr);
        // Unannounced, it is refused.
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        registrar.accredit(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY, UNTIL, CREDENTIAL);

        authority.schedule(address(registrar), act, 0);
        vm.warp(START + 2 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operation));
        authority.execute(address(registrar), act);
        assertFalse(registrar.isAccredited(provider.addr, ROLE_GATEWAY));

        vm.warp(START + 2 days);
        vm.expectEmit(address(registrar));
        emit IRegistrar.Accredited(provider.addr, ROLE_PROVIDER | ROLE_GATEWAY, UNTIL, CREDENTIAL);
        authority.execute(address(registrar), act);
        assertTrue(registrar.isAccredited(provider.addr, ROLE_GATEWAY));

        // An announcement is good for one act.
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        authority.execute(address(registrar), act);
        vm.stopPrank();
    }

    function test_an_announced_act_may_be_called_directly_and_can_be_cancelled() public {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IRegistrar.withdrawAccreditation.selector;
        Person memory board = _person("the board of accreditation");
        vm.startPrank(registrarAdmin.addr);
        authority.setTargetFunctionRole(address(registrar), selectors, REGISTRAR_ROLE);
        authority.grantRole(REGISTRAR_ROLE, board.addr, 1 days);
        vm.stopPrank();

        bytes memory act = abi.encodeCall(IRegistrar.withdrawAccreditation, (provider.addr));
        bytes32 operation = authority.hashOperation(board.addr, address(registrar), act);
        vm.prank(board.addr);
        authority.schedule(address(registrar), act, 0);
        vm.prank(registrarAdmin.addr);
        authority.cancel(board.addr, address(registrar), act);
        vm.warp(START + 1 days);
        vm.startPrank(board.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        registrar.withdrawAccreditation(provider.addr);

        authority.schedule(address(registrar), act, 0);
        vm.warp(START + 2 days);
        registrar.withdrawAccreditation(provider.addr);
        vm.stopPrank();
        assertFalse(registrar.isAccredited(provider.addr, ROLE_PROVIDER));
    }
}
