// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Relationships: the standing link between a subject and a provider, opened by both
interface IRelationships {
    /// @param number Counts the relationships of this pair; 0 when there was never one.
    /// @param openedAt Unix time; 0 when there was never one.
    /// @param closedAt Unix time; 0 while it is open.
    struct Relationship {
        uint32 number;
        uint64 openedAt;
        uint64 closedAt;
    }

    /// @notice Both agreed. `bundle` is the digest of the key bundle that the subject sealed to the provider.
    event RelationshipOpened(address indexed subject, address indexed provider, uint32 number, bytes32 bundle);

    /// @notice One of the two, `by`, ended it.
    event RelationshipClosed(address indexed subject, address indexed provider, uint32 number, address by);

    /// @notice The pair has an open relationship already.
    error RelationshipAlreadyOpen(address subject, address provider, uint32 number);
    /// @notice The provider's invitation lapsed.
    error InvitationExpired(uint64 expiresAt);
    /// @notice `caller` is neither the subject nor the provider.
    error NotAParty(address caller, address subject, address provider);
    /// @notice No running accreditation of `participant` covers `roles`.
    error NotAccredited(address participant, uint64 roles);

    /// @notice Opens the relationship that both signed, in one transaction; the caller's own signature may be empty.
    /// @param invitationExpiresAt First second at which the invitation is void.
    /// @param bundle Digest of the key bundle for the provider.
    /// @param invitation The provider's over `Invitation(address provider,address subject,uint32 number,uint64 expiresAt)`.
    /// @param acceptance The subject's over `Acceptance(address subject,address provider,uint32 number,uint64
    /// expiresAt,bytes32 bundle)`, where `expiresAt` is the invitation's: a consent never used lapses with it.
    function open(
        address subject,
        address provider,
        uint64 invitationExpiresAt,
        bytes32 bundle,
        bytes calldata invitation,
        bytes calldata acceptance
    ) external;

    /// @notice Ends the open relationship; either side may. Silent when none is open.
    function close(address subject, address provider) external;

    /// @notice The same by the signature of `by`, one of the two, over `Closure(address subject,address provider,uint32 number)`.
    function closeWithSig(address subject, address provider, address by, bytes calldata signature) external;

    /// @notice The latest relationship of the pair.
    function relationshipOf(address subject, address provider) external view returns (Relationship memory);

    /// @notice Whether the pair's latest relationship is open.
    function isOpen(address subject, address provider) external view returns (bool);
}
