// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IRegistrar} from "./interfaces/IRegistrar.sol";
import {SignedActs} from "./libraries/SignedActs.sol";

/// @title Registrar
/// @dev See `IRegistrar`, which says what each function promises.
contract Registrar is IRegistrar, AccessManaged, SignedActs {
    struct Accreditation {
        uint64 roles;
        uint64 expiresAt;
    }

    bytes32 private constant REGISTRATION_TYPEHASH =
        keccak256("Registration(address participant,bytes32 previous,bytes publicKey,bytes32 descriptor)");
    /// @dev Bytes of an X-Wing public key: ML-KEM-768 (1,184) and X25519 (32), draft-connolly-cfrg-xwing-kem.
    uint256 private constant PUBLIC_KEY_LENGTH = 1216;

    mapping(address participant => bytes32) private _registrations;
    mapping(address participant => Accreditation) private _accreditations;
    mapping(bytes32 vocabulary => bool) private _vocabularies;

    constructor(address authority_) AccessManaged(authority_) EIP712("MedRec Registrar", "1") {}

    // ------------------------------------------------------------------------------------------------------- Register

    /// @inheritdoc IRegistrar
    function register(bytes calldata publicKey, bytes32 descriptor) external {
        _register(msg.sender, _registrations[msg.sender], publicKey, descriptor);
    }

    /// @inheritdoc IRegistrar
    function registerWithSig(
        address participant,
        bytes calldata publicKey,
        bytes32 descriptor,
        bytes calldata signature
    ) external {
        bytes32 previous = _registrations[participant];
        bytes32 structHash =
            keccak256(abi.encode(REGISTRATION_TYPEHASH, participant, previous, keccak256(publicKey), descriptor));
        _requireSignature(participant, structHash, signature);
        _register(participant, previous, publicKey, descriptor);
    }

    // ------------------------------------------------------------------------------------------------------- Accredit

    /// @inheritdoc IRegistrar
    function accredit(address participant, uint64 roles, uint64 expiresAt, bytes32 credential) external restricted {
        if (_registrations[participant] == 0) revert NotRegistered(participant);
        if (expiresAt <= block.timestamp) revert AccreditationInThePast(expiresAt);
        _accreditations[participant] = Accreditation(roles, expiresAt);
        emit Accredited(participant, roles, expiresAt, credential);
    }

    /// @inheritdoc IRegistrar
    function withdrawAccreditation(address participant) external restricted {
        if (_accreditations[participant].expiresAt == 0) return;
        delete _accreditations[participant];
        emit AccreditationWithdrawn(participant);
    }

    // ----------------------------------------------------------------------------------------------------- Vocabulary

    /// @inheritdoc IRegistrar
    function publishVocabulary(bytes32 vocabulary) external restricted {
        if (_vocabularies[vocabulary]) revert VocabularyAlreadyPublished(vocabulary);
        _vocabularies[vocabulary] = true;
        emit VocabularyPublished(vocabulary);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IRegistrar
    function registrationOf(address participant) external view returns (bytes32) {
        return _registrations[participant];
    }

    /// @inheritdoc IRegistrar
    function accreditationOf(address participant) external view returns (uint64 roles, uint64 expiresAt) {
        Accreditation memory accreditation = _accreditations[participant];
        return (accreditation.roles, accreditation.expiresAt);
    }

    /// @inheritdoc IRegistrar
    function isAccredited(address participant, uint64 roles) external view returns (bool) {
        Accreditation memory accreditation = _accreditations[participant];
        return block.timestamp < accreditation.expiresAt && accreditation.roles & roles == roles;
    }

    /// @inheritdoc IRegistrar
    function isVocabulary(bytes32 vocabulary) external view returns (bool) {
        return _vocabularies[vocabulary];
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    function _register(address participant, bytes32 previous, bytes calldata publicKey, bytes32 descriptor) private {
        if (publicKey.length != PUBLIC_KEY_LENGTH) revert InvalidPublicKey(publicKey.length);
        _registrations[participant] = keccak256(abi.encode(previous, keccak256(publicKey), descriptor));
        emit Registered(participant, previous, publicKey, descriptor);
    }
}
