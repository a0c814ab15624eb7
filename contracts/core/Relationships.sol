// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistrar, ROLE_PROVIDER} from "../interfaces/IRegistrar.sol";
import {IRelationships} from "../interfaces/IRelationships.sol";
import {Delegates} from "./Delegates.sol";

/// @title Relationships
/// @dev See `IRelationships`, which says what each function promises.
abstract contract Relationships is Delegates, IRelationships {
    bytes32 private constant INVITATION_TYPEHASH =
        keccak256("Invitation(address provider,address subject,uint32 number,uint64 expiresAt)");
    bytes32 private constant ACCEPTANCE_TYPEHASH =
        keccak256("Acceptance(address subject,address provider,uint32 number,uint64 expiresAt,bytes32 bundle)");
    bytes32 private constant CLOSURE_TYPEHASH = keccak256("Closure(address subject,address provider,uint32 number)");

    IRegistrar internal immutable _REGISTRAR;

    mapping(address subject => mapping(address provider => Relationship)) private _relationships;

    constructor(IRegistrar registrar_) {
        _REGISTRAR = registrar_;
    }

    // ---------------------------------------------------------------------------------------------------- Open, close

    /// @inheritdoc IRelationships
    function open(
        address subject,
        address provider,
        uint64 invitationExpiresAt,
        bytes32 bundle,
        bytes calldata invitation,
        bytes calldata acceptance
    ) external {
        Relationship storage relationship = _relationships[subject][provider];
        uint32 number = relationship.number;
        if (_isOpen(relationship)) revert RelationshipAlreadyOpen(subject, provider, number);
        if (block.timestamp >= invitationExpiresAt) revert InvitationExpired(invitationExpiresAt);
        _requireAccredited(provider, ROLE_PROVIDER);

        ++number;
        if (msg.sender != provider) {
            bytes32 invite = keccak256(abi.encode(INVITATION_TYPEHASH, provider, subject, number, invitationExpiresAt));
            _requireSignature(provider, invite, invitation);
        }
        if (msg.sender != subject) {
            bytes32 accept =
                keccak256(abi.encode(ACCEPTANCE_TYPEHASH, subject, provider, number, invitationExpiresAt, bundle));
            _requireSignature(subject, accept, acceptance);
        }

        _relationships[subject][provider] = Relationship(number, uint64(block.timestamp), 0);
        emit RelationshipOpened(subject, provider, number, bundle);
    }

    /// @inheritdoc IRelationships
    function close(address subject, address provider) external {
        _close(subject, provider, msg.sender);
    }

    /// @inheritdoc IRelationships
    function closeWithSig(address subject, address provider, address by, bytes calldata signature) external {
        uint32 number = _relationships[subject][provider].number;
        _requireSignatureOrDelegate(by, keccak256(abi.encode(CLOSURE_TYPEHASH, subject, provider, number)), signature);
        _close(subject, provider, by);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IRelationships
    function relationshipOf(address subject, address provider) external view returns (Relationship memory) {
        return _relationships[subject][provider];
    }

    /// @inheritdoc IRelationships
    function isOpen(address subject, address provider) public view returns (bool) {
        return _isOpen(_relationships[subject][provider]);
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    function _close(address subject, address provider, address by) private {
        if (by != subject && by != provider) revert NotAParty(by, subject, provider);
        Relationship storage relationship = _relationships[subject][provider];
        if (!_isOpen(relationship)) return;
        relationship.closedAt = uint64(block.timestamp);
        emit RelationshipClosed(subject, provider, relationship.number, by);
    }

    function _relationship(address subject, address provider) internal view returns (Relationship storage) {
        return _relationships[subject][provider];
    }

    function _requireAccredited(address participant, uint64 roles) internal view {
        if (!_REGISTRAR.isAccredited(participant, roles)) revert NotAccredited(participant, roles);
    }

    function _isOpen(Relationship storage relationship) private view returns (bool) {
        (uint64 openedAt, uint64 closedAt) = (relationship.openedAt, relationship.closedAt); // one slot, read once
        return openedAt != 0 && closedAt == 0;
    }
}
