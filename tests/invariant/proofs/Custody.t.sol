// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Test} from "forge-std/Test.sol";

import {MedRec} from "contracts/MedRec.sol";
import {Registrar} from "contracts/Registrar.sol";
import {Emergency} from "contracts/custody/Emergency.sol";
import {Guardianship} from "contracts/custody/Guardianship.sol";
import {IDelegates} from "contracts/interfaces/IDelegates.sol";
import {IEmergency} from "contracts/interfaces/IEmergency.sol";
import {IGuardianship} from "contracts/interfaces/IGuardianship.sol";
import {ROLE_EMERGENCY} from "contracts/interfaces/IRegistrar.sol";
import {GrantStatus, PresentedGrant, Request} from "contracts/types/Terms.sol";

import {Acts} from "../Acts.sol";
import {SymbolicCheats} from "./Proofs.t.sol";

/// @notice Proofs about those who act for somebody else, made like those of `Proofs.t.sol`: from any state whatever, by
/// any one call of anybody.
contract CustodyProofsTest is Test {
    SymbolicCheats private constant SVM = SymbolicCheats(address(uint160(uint256(keccak256("svm cheat code")))));

    /// @dev Of the mapping in `Guardianship`, behind two strings of EIP712 and the plans.
    uint256 private constant ANNOUNCEMENTS_SLOT = 3;

    Registrar private registrar;
    MedRec private medrec;
    Guardianship private guardianship;
    Emergency private emergency;

    function setUp() public {
        registrar = new Registrar(address(this));
        medrec = new MedRec(registrar);
        guardianship = new Guardianship(medrec);
        emergency = new Emergency(medrec, keccak256("vocabulary"), 1);
        SVM.enableSymbolicStorage(address(registrar));
        SVM.enableSymbolicStorage(address(medrec));
        SVM.enableSymbolicStorage(address(guardianship));
        SVM.enableSymbolicStorage(address(emergency));
    }

    function _recover(string memory name, address deployment, bytes32 structHash, bytes memory signature)
        private
        view
        returns (address)
    {
        bytes32 digest = Acts.digest(name, deployment, block.chainid, structHash);
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        return ecrecover(digest, v, r, s);
    }

    function _split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }

    function _anyCall(address target, string memory interfaceName, address caller) private returns (bytes4 selector) {
        bytes memory data = SVM.createCalldata(interfaceName);
        assembly {
            selector := mload(add(data, 32))
        }
        vm.assume(selector != Multicall.multicall.selector && selector != IERC5267.eip712Domain.selector);
        vm.prank(caller);
        (bool success,) = target.call(data);
        vm.assume(success);
    }

    // -------------------------------------------------------------------------------------------- DelegateOnlyWithdraws

    /// @notice Whoever's signature revokes in somebody's name is that person or, at that moment, a delegate of theirs.
    /// That nobody's call makes a grant active but by the grantor's own signature is `OnlySubjectGrants`.
    function check_DelegateOnlyWithdraws_only_who_was_named_revokes(
        address actor,
        bytes32 id,
        address delegate,
        bytes32 r,
        bytes32 s,
        uint8 v
    ) public {
        vm.assume(delegate.code.length == 0 && actor.code.length == 0);
        vm.assume(medrec.grantState(actor, id).status == GrantStatus.Active);
        bytes memory own = abi.encodePacked(r, s, v);
        medrec.revokeWithSig(actor, id, bytes.concat(bytes20(delegate), own));
        assert(medrec.grantState(actor, id).status == GrantStatus.Revoked);
        assert(medrec.isDelegate(actor, delegate));
        assert(_recover("MedRec", address(medrec), Acts.revocation(actor, id), own) == delegate);
    }

    /// @notice Nobody becomes anybody's delegate but by the subject's own call or signature: no delegate's names another.
    function check_DelegateOnlyWithdraws_nobody_else_names(address subject, address delegate, address caller) public {
        vm.assume(caller != subject);
        vm.assume(!medrec.isDelegate(subject, delegate));
        bytes4 selector = _anyCall(address(medrec), "IMedRec", caller);
        vm.assume(selector != IDelegates.nameDelegateWithSig.selector);
        assert(!medrec.isDelegate(subject, delegate));
    }

    function check_DelegateOnlyWithdraws_naming_takes_the_subjects_signature(
        address subject,
        address delegate,
        uint64 expiresAt,
        bytes calldata signature
    ) public {
        vm.assume(subject.code.length == 0);
        uint32 turn = medrec.delegationOf(subject, delegate).turn;
        medrec.nameDelegateWithSig(subject, delegate, expiresAt, signature);
        bytes32 act = Acts.delegation(subject, delegate, expiresAt, turn);
        assert(_recover("MedRec", address(medrec), act, signature) == subject);
    }

    // --------------------------------------------------------------------------------------------- OnlyGuardiansAnnounce

    /// @notice Nothing but an announcement makes a plan open, or about to open, to anybody.
    function check_OnlyGuardiansAnnounce_no_other_call_opens(address owner, address heir, address caller) public {
        vm.assume(guardianship.opensAt(owner, heir) == 0);
        vm.assume(_isPast(owner, heir));
        bytes4 selector = _anyCall(address(guardianship), "IGuardianship", caller);
        vm.assume(selector != IGuardianship.announce.selector);
        assert(guardianship.opensAt(owner, heir) == 0);
    }

    /// @notice An announcement is by a leaf of the tree that the owner chose, and by its call or signature.
    function check_OnlyGuardiansAnnounce_an_announcement_is_a_guardians(
        address owner,
        address heir,
        address guardian,
        bytes32 salt,
        bytes32 sibling,
        bytes calldata signature,
        address caller
    ) public {
        vm.assume(guardian.code.length == 0);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        IGuardianship.Plan memory plan = guardianship.planOf(owner);
        vm.prank(caller);
        guardianship.announce(owner, heir, guardian, salt, proof, signature);
        assert(Acts.merklePair(Acts.guardianLeaf(owner, guardian, salt), sibling) == plan.guardians);
        assert(block.timestamp > plan.lastSignAt + plan.silence);
        if (caller == guardian) return;
        bytes32 act = Acts.announcement(owner, heir, guardian, plan.turn);
        assert(_recover("MedRec Guardianship", address(guardianship), act, signature) == guardian);
    }

    /// @dev Announcements are made now or were, never later: the contract writes no other time.
    function _isPast(address owner, address heir) private view returns (bool) {
        bytes32 slot = keccak256(abi.encode(heir, keccak256(abi.encode(owner, ANNOUNCEMENTS_SLOT))));
        return uint256(vm.load(address(guardianship), slot)) <= block.timestamp;
    }

    // ------------------------------------------------------------------------------------------------- LifeSignCloses

    /// @notice After the owner's sign of life nothing that was announced stands, whatever it was, now or at any time.
    function check_LifeSignCloses_whatever_was_announced(address owner, address heir, uint64 later) public {
        vm.assume(_isPast(owner, heir));
        vm.prank(owner);
        guardianship.giveLifeSign();
        assert(guardianship.opensAt(owner, heir) == 0);
        vm.assume(later >= block.timestamp);
        vm.warp(later);
        assert(guardianship.opensAt(owner, heir) == 0);
        assert(!guardianship.isOpen(owner, heir));
    }

    /// @notice A sign of life never fails, so that nothing can keep the owner from the veto.
    function check_LifeSignCloses_it_always_works(address owner) public {
        vm.assume(guardianship.planOf(owner).turn != type(uint32).max);
        vm.prank(owner);
        (bool success,) = address(guardianship).call(abi.encodeCall(IGuardianship.giveLifeSign, ()));
        assert(success);
    }

    // -------------------------------------------------------------------------------------------- EmergencyIsAccredited

    /// @notice Nobody without a running accreditation for emergencies declares one, nor anybody anything that was not
    /// prepared by an active grant.
    function check_EmergencyIsAccredited_who_declares(
        address subject,
        uint64 startsAt,
        uint64 expiresAt,
        bytes32 statementHash,
        bytes32 salt,
        bytes32 bundle,
        address caller
    ) public {
        bytes32 parent = emergency.preparedOf(subject).grant;
        vm.prank(caller);
        bytes32 id = emergency.declare(subject, startsAt, expiresAt, statementHash, salt, bundle, 0);
        assert(registrar.isAccredited(caller, ROLE_EMERGENCY));
        assert(medrec.grantState(subject, parent).status == GrantStatus.Active);
        assert(emergency.declarationOf(subject, id).provider == caller);
        assert(expiresAt <= block.timestamp + 72 hours);
    }

    /// @notice Nothing else that anybody does with the contract makes it grant.
    function check_EmergencyIsAccredited_nothing_else_grants(bytes32 id, address caller) public {
        vm.assume(medrec.grantState(address(emergency), id).status != GrantStatus.Active);
        bytes4 selector = _anyCall(address(emergency), "IEmergency", caller);
        vm.assume(selector != IEmergency.declare.selector);
        assert(medrec.grantState(address(emergency), id).status != GrantStatus.Active);
    }

    /// @notice Through a grant under this condition nothing is permitted to a viewer whose accreditation for
    /// emergencies does not run, nor what the prepared grant does not permit.
    function check_EmergencyIsAccredited_without_it_nothing_is_permitted(
        PresentedGrant calldata root,
        PresentedGrant calldata child,
        Request calldata request
    ) public view {
        vm.assume(root.terms.condition == address(0) && child.terms.condition == address(emergency));
        PresentedGrant[] memory above = new PresentedGrant[](1);
        PresentedGrant[] memory grants = new PresentedGrant[](2);
        above[0] = root;
        (grants[0], grants[1]) = (root, child);
        vm.assume(medrec.permits(grants, request));
        assert(registrar.isAccredited(request.viewer, ROLE_EMERGENCY));
        Request memory asked = request;
        (asked.viewer, asked.agent) = (root.viewer, address(0));
        assert(medrec.permits(above, asked));
    }
}
