// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Registrar: who takes part, with which key, and who vouches for them
interface IRegistrar {
    /// @notice A participant published a key, or replaced the one before.
    /// @param participant Whose key.
    /// @param previous The registration that this one replaces; zero for the first.
    /// @param publicKey X-Wing public key (1,216 bytes), to which others seal what they share.
    /// @param descriptor sha2-256 digest of a public document about the participant (name, endpoints), kept in IPFS.
    event Registered(address indexed participant, bytes32 previous, bytes publicKey, bytes32 descriptor);

    /// @notice The registrar vouches for a participant; what it said of it before no longer holds.
    /// @param participant For whom.
    /// @param roles Bit set, as in `accredit`.
    /// @param expiresAt First second at which it no longer does.
    /// @param credential Digest of the evidence.
    event Accredited(address indexed participant, uint64 roles, uint64 expiresAt, bytes32 credential);

    /// @notice The registrar no longer vouches for a participant.
    /// @param participant For whom.
    event AccreditationWithdrawn(address indexed participant);

    /// @notice A table of classes and purposes was published; grants name the table whose numbers they use.
    /// @param vocabulary Hash of the table.
    event VocabularyPublished(bytes32 indexed vocabulary);

    /// @notice The key has not the 1,216 bytes of an X-Wing public key.
    /// @param length How many it has.
    error InvalidPublicKey(uint256 length);
    /// @notice Nobody with this address has registered a key.
    /// @param participant The address.
    error NotRegistered(address participant);
    /// @notice The accreditation would have ended before it began.
    /// @param expiresAt When it would have.
    error AccreditationInThePast(uint64 expiresAt);
    /// @notice The vocabulary stands already.
    /// @param vocabulary Hash of the table.
    error VocabularyAlreadyPublished(bytes32 vocabulary);

    /// @notice Publishes or replaces the caller's key.
    /// @param publicKey X-Wing public key, 1,216 bytes.
    /// @param descriptor sha2-256 digest of the public document about the caller.
    function register(bytes calldata publicKey, bytes32 descriptor) external;

    /// @notice The same by signature.
    /// @param participant Who signed.
    /// @param publicKey X-Wing public key, 1,216 bytes.
    /// @param descriptor sha2-256 digest of the public document about the participant.
    /// @param signature Over `Registration(address participant,bytes32 previous,bytes publicKey,bytes32 descriptor)`,
    /// where `previous` is the registration that stands: an old signature finds another one and fails.
    function registerWithSig(
        address participant,
        bytes calldata publicKey,
        bytes32 descriptor,
        bytes calldata signature
    ) external;

    /// @notice Vouches for a registered participant; replaces the accreditation that stands.
    /// @param participant For whom.
    /// @param roles Bit set: provider 1, gateway 2, emergency 4; further bits belong to later capabilities.
    /// @param expiresAt First second at which it no longer holds.
    /// @param credential Digest of the evidence, a document that the registrar keeps.
    function accredit(address participant, uint64 roles, uint64 expiresAt, bytes32 credential) external;

    /// @notice Ends an accreditation at once. Silent when there is none.
    /// @param participant Whose.
    function withdrawAccreditation(address participant) external;

    /// @notice Publishes the hash of a table of classes and purposes.
    /// @param vocabulary Hash of the table.
    function publishVocabulary(bytes32 vocabulary) external;

    /// @notice Hash chain over all registrations of a participant.
    /// @param participant Whose.
    /// @return `keccak256(abi.encode(previous, keccak256(publicKey), descriptor))`; zero when there is none.
    function registrationOf(address participant) external view returns (bytes32);

    /// @notice The accreditation that stands, running or not; zeros when there is none.
    /// @param participant Whose.
    /// @return roles Bit set, as in `accredit`.
    /// @return expiresAt First second at which it no longer holds.
    function accreditationOf(address participant) external view returns (uint64 roles, uint64 expiresAt);

    /// @notice Whether a running accreditation covers all of `roles`.
    /// @param participant Whose.
    /// @param roles Bit set, as in `accredit`; 0 asks for any running accreditation.
    /// @return Whether it does.
    function isAccredited(address participant, uint64 roles) external view returns (bool);

    /// @notice Whether this table of classes and purposes was published.
    /// @param vocabulary Hash of the table.
    /// @return Whether it was.
    function isVocabulary(bytes32 vocabulary) external view returns (bool);
}

/// @dev Role of those who may open relationships and anchor records.
uint64 constant ROLE_PROVIDER = 1;
/// @dev Role of those who may commit heads of access receipts.
uint64 constant ROLE_GATEWAY = 2;
/// @dev Role of those who may declare an emergency.
uint64 constant ROLE_EMERGENCY = 4;
