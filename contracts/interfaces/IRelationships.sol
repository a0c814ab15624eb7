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

    /// @notice Both agreed.
    /// @param subject Whose records the relationship is about.
    /// @param provider Who may anchor records from now on.
    /// @param number Counts the relationships of this pair, from 1.
    /// @param bundle Digest of the key bundle that the subject sealed to the provider.
    event RelationshipOpened(address indexed subject, address indexed provider, uint32 number, bytes32 bundle);

    /// @notice One of the two ended it.
    /// @param subject One side.
    /// @param provider The other.
    /// @param number Which of the pair's relationships ended.
    /// @param by Who ended it, the subject or the provider.
    event RelationshipClosed(address indexed subject, address indexed provider, uint32 number, address by);

    /// @notice The pair has an open relationship already.
    /// @param subject One side.
    /// @param provider The other.
    /// @param number The relationship that is open.
    error RelationshipAlreadyOpen(address subject, address provider, uint32 number);
    /// @notice The provider's invitation lapsed.
    /// @param expiresAt First second at which it was void.
    error InvitationExpired(uint64 expiresAt);
    /// @notice Only the subject and the provider can end their relationship.
    /// @param caller Who tried, by call or signature.
    /// @param subject One side.
    /// @param provider The other.
    error NotAParty(address caller, address subject, address provider);
    /// @notice No running accreditation of `participant` covers `roles`.
    /// @param participant Who lacks it.
    /// @param roles What it would have to cover, as in `IRegistrar.accredit`.
    error NotAccredited(address participant, uint64 roles);

    /// @notice Opens the relationship that both signed, in one transaction; the caller's own signature may be empty.
    /// @param subject Whose records it is about.
    /// @param provider Who invited; needs a running accreditation as a provider.
    /// @param invitationExpiresAt First second at which the invitation is void.
    /// @param bundle Digest of the key bundle for the provider.
    /// @param invitation The provider's over `Invitation(address provider,address subject,uint32 number,uint64
    /// expiresAt)`, `number` being one more than the pair's latest.
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
    /// @param subject One side.
    /// @param provider The other.
    function close(address subject, address provider) external;

    /// @notice The same by signature.
    /// @param subject One side.
    /// @param provider The other.
    /// @param by Which of the two signed.
    /// @param signature Over `Closure(address subject,address provider,uint32 number)`, `number` as it stands; that of a
    /// delegate of `by` counts, see `IDelegates`.
    function closeWithSig(address subject, address provider, address by, bytes calldata signature) external;

    /// @notice The latest relationship of the pair.
    /// @param subject One side.
    /// @param provider The other.
    /// @return The relationship, open or closed; zeros when there was never one.
    function relationshipOf(address subject, address provider) external view returns (Relationship memory);

    /// @notice Whether the pair has an open relationship.
    /// @param subject One side.
    /// @param provider The other.
    /// @return Whether it has.
    function isOpen(address subject, address provider) external view returns (bool);
}
