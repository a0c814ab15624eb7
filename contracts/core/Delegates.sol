// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDelegates} from "../interfaces/IDelegates.sol";
import {SignedActs} from "../libraries/SignedActs.sol";

/// @title Delegates
/// @dev See `IDelegates`, which says what each function promises.
abstract contract Delegates is SignedActs, IDelegates {
    bytes32 private constant DELEGATION_TYPEHASH =
        keccak256("Delegation(address subject,address delegate,uint64 expiresAt,uint32 turn)");
    bytes32 private constant DISMISSAL_TYPEHASH = keccak256("Dismissal(address subject,address delegate,uint32 turn)");

    mapping(address subject => mapping(address delegate => Delegation)) private _delegations;

    // -------------------------------------------------------------------------------------------------- Name, dismiss

    /// @inheritdoc IDelegates
    function nameDelegate(address delegate, uint64 expiresAt) external {
        _nameDelegate(msg.sender, delegate, expiresAt);
    }

    /// @inheritdoc IDelegates
    function nameDelegateWithSig(address subject, address delegate, uint64 expiresAt, bytes calldata signature)
        external
    {
        uint32 turn = _delegations[subject][delegate].turn;
        bytes32 structHash = keccak256(abi.encode(DELEGATION_TYPEHASH, subject, delegate, expiresAt, turn));
        _requireSignature(subject, structHash, signature);
        _nameDelegate(subject, delegate, expiresAt);
    }

    /// @inheritdoc IDelegates
    function dismissDelegate(address subject, address delegate) external {
        _dismissDelegate(subject, delegate, msg.sender);
    }

    /// @inheritdoc IDelegates
    function dismissDelegateWithSig(address subject, address delegate, address by, bytes calldata signature) external {
        uint32 turn = _delegations[subject][delegate].turn;
        _requireSignature(by, keccak256(abi.encode(DISMISSAL_TYPEHASH, subject, delegate, turn)), signature);
        _dismissDelegate(subject, delegate, by);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IDelegates
    function delegationOf(address subject, address delegate) external view returns (Delegation memory) {
        return _delegations[subject][delegate];
    }

    /// @inheritdoc IDelegates
    function isDelegate(address subject, address delegate) public view returns (bool) {
        return block.timestamp < _delegations[subject][delegate].expiresAt;
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    /// @dev For acts that withdraw, and for no others: the actor's own signature, or `delegate ‖ signature`. The actor's
    /// comes first, so that whoever acts for themselves pays for no look at a delegation.
    function _requireSignatureOrDelegate(address actor, bytes32 structHash, bytes calldata signature) internal view {
        if (_isSignature(actor, structHash, signature)) return;
        if (signature.length > 20) {
            // The first 20 bytes say who; what follows is the signature.
            // forge-lint: disable-next-line(unsafe-typecast)
            address delegate = address(bytes20(signature));
            if (isDelegate(actor, delegate) && _isSignature(delegate, structHash, signature[20:])) return;
        }
        revert InvalidSignature(actor, structHash);
    }

    function _nameDelegate(address subject, address delegate, uint64 expiresAt) private {
        if (expiresAt <= block.timestamp) revert DelegationInThePast(expiresAt);
        uint32 turn = _delegations[subject][delegate].turn + 1;
        _delegations[subject][delegate] = Delegation(expiresAt, turn);
        emit DelegateNamed(subject, delegate, expiresAt, turn);
    }

    function _dismissDelegate(address subject, address delegate, address by) private {
        if (by != subject && by != delegate) revert NotOfDelegation(by, subject, delegate);
        uint32 turn = _delegations[subject][delegate].turn + 1;
        _delegations[subject][delegate] = Delegation(0, turn);
        emit DelegateDismissed(subject, delegate, by, turn);
    }
}
