// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Test} from "forge-std/Test.sol";

import {MedRec} from "contracts/MedRec.sol";
import {Registrar} from "contracts/Registrar.sol";
import {ICondition} from "contracts/interfaces/ICondition.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {GrantStatus, PresentedGrant, Request, Terms} from "contracts/types/Terms.sol";

import {Acts} from "../Acts.sol";

/// @notice Proofs for halmos, over every state and every call at once. Storage is symbolic, so that each proof about a
/// call is the inductive step: from any state whatever, reachable or not, by any one call of anybody. What no step does
/// no sequence of steps does, nor does a multicall, which is a sequence by one caller. `ecrecover` is an uninterpreted
/// function to halmos: a signature is whatever recovers to an address.
contract ProofsTest is Test {
    SymbolicCheats private constant SVM = SymbolicCheats(address(uint160(uint256(keccak256("svm cheat code")))));

    MedRec private medrec;
    address private condition;

    function setUp() public {
        Registrar registrar = new Registrar(address(this));
        medrec = new MedRec(registrar);
        SVM.enableSymbolicStorage(address(registrar));
        SVM.enableSymbolicStorage(address(medrec));
        condition = address(new AnyCondition());
        SVM.enableSymbolicStorage(condition);
    }

    function _status(address actor, bytes32 id) private view returns (GrantStatus) {
        return medrec.grantState(actor, id).status;
    }

    /// @dev Any function that changes anything, with any arguments, called by anybody.
    function _anyCall(address caller) private returns (bytes4 selector) {
        bytes memory data = SVM.createCalldata("IMedRec");
        assembly {
            selector := mload(add(data, 32))
        }
        vm.assume(selector != Multicall.multicall.selector && selector != IERC5267.eip712Domain.selector);
        vm.prank(caller);
        (bool success,) = address(medrec).call(data);
        vm.assume(success);
    }

    function _recover(bytes32 structHash, bytes calldata signature) private view returns (address) {
        bytes32 digest = Acts.digest("MedRec", address(medrec), block.chainid, structHash);
        return ecrecover(digest, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
    }

    // ----------------------------------------------------------------------------------------------- OnlySubjectGrants

    /// @notice No call of anybody else makes somebody's grant active, unless it brings their signature (see below).
    function check_OnlySubjectGrants_not_by_a_call_of_another(address grantor, bytes32 id, address caller) public {
        vm.assume(caller != grantor);
        vm.assume(_status(grantor, id) != GrantStatus.Active);
        bytes4 selector = _anyCall(caller);
        vm.assume(selector != IGrants.grantWithSig.selector && selector != IGrants.resumeWithSig.selector);
        assert(_status(grantor, id) != GrantStatus.Active);
    }

    /// @notice What a signature makes active is the grant that was signed, by the one who signed, and nothing else.
    function check_OnlySubjectGrants_a_signature_grants_what_it_signs(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature,
        address otherGrantor,
        bytes32 otherId
    ) public {
        vm.assume(grantor.code.length == 0);
        vm.assume(_status(otherGrantor, otherId) != GrantStatus.Active);
        medrec.grantWithSig(subject, grantor, viewer, bundle, termsHash, signature);
        bytes32 id = Acts.grant(subject, grantor, viewer, bundle, termsHash);
        assert(grantor != address(0) && _recover(id, signature) == grantor);
        assert(_status(grantor, id) == GrantStatus.Active);
        if (otherGrantor != grantor || otherId != id) {
            assert(_status(otherGrantor, otherId) != GrantStatus.Active);
        }
    }

    /// @notice Resuming by signature needs the grantor's, and that the grant had been suspended, hence granted.
    function check_OnlySubjectGrants_a_signature_resumes_what_was_granted(
        address grantor,
        bytes32 id,
        bytes calldata signature
    ) public {
        vm.assume(grantor.code.length == 0);
        IGrants.GrantState memory before = medrec.grantState(grantor, id);
        medrec.resumeWithSig(grantor, id, signature);
        assert(before.status == GrantStatus.Suspended);
        assert(_recover(Acts.resumption(grantor, id, before.turn), signature) == grantor);
    }

    /// @notice The grantor's own call makes active what its arguments say, and nothing else.
    function check_OnlySubjectGrants_a_call_grants_what_it_says(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        address otherGrantor,
        bytes32 otherId
    ) public {
        vm.assume(_status(otherGrantor, otherId) != GrantStatus.Active);
        vm.prank(grantor);
        medrec.grant(subject, viewer, bundle, termsHash);
        bytes32 id = Acts.grant(subject, grantor, viewer, bundle, termsHash);
        assert(_status(grantor, id) == GrantStatus.Active);
        if (otherGrantor != grantor || otherId != id) {
            assert(_status(otherGrantor, otherId) != GrantStatus.Active);
        }
    }

    // ----------------------------------------------------------------------------------------------- RevocationIsFinal

    /// @notice After the grantor's revocation nothing makes the status another one.
    function check_RevocationIsFinal_the_status_stays(address actor, bytes32 id, address caller) public {
        vm.assume(_status(actor, id) == GrantStatus.Revoked);
        _anyCall(caller);
        assert(_status(actor, id) == GrantStatus.Revoked);
    }

    /// @notice The same of a grant given back.
    function check_RevocationIsFinal_what_was_given_back_stays_so(address actor, bytes32 id, address caller) public {
        vm.assume(_status(actor, id) == GrantStatus.Renounced);
        _anyCall(caller);
        assert(_status(actor, id) == GrantStatus.Renounced);
    }

    /// @notice Revoking never fails, and leaves the grant in a state that stays.
    function check_RevocationIsFinal_revoking_always_works(address actor, bytes32 id) public {
        _status(actor, id); // leaves out storage that holds no status at all, which no contract ever wrote
        vm.prank(actor);
        (bool success,) = address(medrec).call(abi.encodeCall(IGrants.revoke, (id)));
        assert(success);
        GrantStatus status = _status(actor, id);
        assert(status == GrantStatus.Revoked || status == GrantStatus.Renounced);
    }

    /// @notice Where something is permitted, neither its grantor nor the subject revoked any grant on the way: a revoked
    /// grant permits nothing, nor does what was cut from it.
    function check_RevocationIsFinal_a_revoked_link_permits_nothing(
        PresentedGrant calldata root,
        PresentedGrant calldata child,
        Request calldata request
    ) public view {
        _assumeCondition(root.terms.condition);
        _assumeCondition(child.terms.condition);
        PresentedGrant[] memory grants = new PresentedGrant[](2);
        (grants[0], grants[1]) = (root, child);
        vm.assume(medrec.permits(grants, request));
        for (uint256 i = 0; i < grants.length; ++i) {
            bytes32 termsHash = medrec.hashTerms(grants[i].terms);
            (address grantor, address viewer, bytes32 bundle) = (grants[i].grantor, grants[i].viewer, grants[i].bundle);
            bytes32 id = medrec.grantId(request.subject, grantor, viewer, bundle, termsHash);
            assert(_status(grantor, id) == GrantStatus.Active);
            assert(_status(request.subject, id) != GrantStatus.Revoked);
        }
    }

    // ------------------------------------------------------------------------------------------------- AttenuationOnly

    /// @notice What a chain of two permits its last viewer, the first grant alone permits its own.
    function check_AttenuationOnly_two_links(
        PresentedGrant calldata root,
        PresentedGrant calldata child,
        Request calldata request
    ) public view {
        _assumeCondition(root.terms.condition);
        _assumeCondition(child.terms.condition);
        PresentedGrant[] memory above = new PresentedGrant[](1);
        PresentedGrant[] memory grants = new PresentedGrant[](2);
        above[0] = root;
        (grants[0], grants[1]) = (root, child);
        vm.assume(medrec.permits(grants, request));

        Request memory asked = request;
        (asked.viewer, asked.agent) = (root.viewer, address(0));
        assert(medrec.permits(above, asked));
        assert(child.grantor == root.viewer);
    }

    /// @dev None, or one that answers each question in whichever way it likes; what is no such contract never holds.
    function _assumeCondition(address named) private view {
        vm.assume(named == address(0) || named == condition);
    }
}

/// @notice Answers every question in one way, but in whichever it likes.
contract AnyCondition is ICondition {
    mapping(bytes32 question => bool) private _answers;

    function holds(bytes32 id, Request calldata request) external view returns (bool) {
        return _answers[keccak256(abi.encode(id, request))];
    }
}

/// @notice The cheat codes of halmos that are used here.
interface SymbolicCheats {
    function enableSymbolicStorage(address account) external;

    function createCalldata(string memory contractName) external returns (bytes memory);
}
