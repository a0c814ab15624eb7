// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ICondition} from "../interfaces/ICondition.sol";
import {IEmergency} from "../interfaces/IEmergency.sol";
import {IMedRec} from "../interfaces/IMedRec.sol";
import {IRegistrar, ROLE_EMERGENCY} from "../interfaces/IRegistrar.sol";
import {IRelationships} from "../interfaces/IRelationships.sol";
import {SignedActs} from "../libraries/SignedActs.sol";
import {GrantStatus, NO_LAST_DATE, Request, Terms} from "../types/Terms.sol";

/// @title Emergency
/// @dev See `IEmergency`, which says what each function promises.
contract Emergency is IEmergency, ICondition, SignedActs {
    bytes32 private constant EMERGENCY_PLAN_TYPEHASH =
        keccak256("EmergencyPlan(address subject,bytes32 grant,bytes32 custody,uint32 turn)");
    uint64 private constant MAX_DURATION = 72 hours;
    /// @dev Operation bit READ, as in `Terms.operations`.
    uint8 private constant READ = 1;

    IMedRec private immutable _MEDREC;
    IRegistrar private immutable _REGISTRAR;
    bytes32 private immutable _VOCABULARY;
    uint8 private immutable _PURPOSE;

    mapping(address subject => Preparation) private _preparations;
    mapping(address subject => mapping(bytes32 id => Declaration)) private _declarations;

    /// @param medrec_ Where the grants are made; its Registrar accredits.
    /// @param vocabulary_ Hash of the table that numbers classes and purposes in the sub-grants.
    /// @param purpose_ Number of emergency treatment in it.
    constructor(IMedRec medrec_, bytes32 vocabulary_, uint8 purpose_) EIP712("MedRec Emergency", "1") {
        _MEDREC = medrec_;
        _REGISTRAR = medrec_.registrar();
        _VOCABULARY = vocabulary_;
        _PURPOSE = purpose_;
    }

    // -------------------------------------------------------------------------------------------------------- Prepare

    /// @inheritdoc IEmergency
    function prepare(bytes32 grant, bytes32 custody) external {
        _prepare(msg.sender, grant, custody);
    }

    /// @inheritdoc IEmergency
    function prepareWithSig(address subject, bytes32 grant, bytes32 custody, bytes calldata signature) external {
        uint32 turn = _preparations[subject].turn;
        bytes32 structHash = keccak256(abi.encode(EMERGENCY_PLAN_TYPEHASH, subject, grant, custody, turn));
        _requireSignature(subject, structHash, signature);
        _prepare(subject, grant, custody);
    }

    // ------------------------------------------------------------------------------------------------ Declare, release

    /// @inheritdoc IEmergency
    function declare(
        address subject,
        uint64 startsAt,
        uint64 expiresAt,
        bytes32 statementHash,
        bytes32 salt,
        bytes32 bundle,
        bytes32 reason
    ) external returns (bytes32 id) {
        if (!_REGISTRAR.isAccredited(msg.sender, ROLE_EMERGENCY)) {
            revert IRelationships.NotAccredited(msg.sender, ROLE_EMERGENCY);
        }
        bool isNow = startsAt <= block.timestamp && block.timestamp < expiresAt;
        if (!isNow || expiresAt > block.timestamp + MAX_DURATION) revert InvalidPeriod(startsAt, expiresAt);
        bytes32 parent = _preparations[subject].grant;
        if (!_isActive(subject, parent)) revert NotPrepared(subject);

        bytes32 termsHash = _MEDREC.hashTerms(_terms(parent, startsAt, expiresAt, statementHash, salt));
        id = _MEDREC.grantId(subject, address(this), msg.sender, bundle, termsHash);
        _declarations[subject][id] = Declaration(msg.sender, expiresAt, _preparations[subject].turn);
        emit EmergencyDeclared(subject, msg.sender, id, startsAt, expiresAt, reason);
        _MEDREC.grant(subject, msg.sender, bundle, termsHash);
    }

    /// @inheritdoc IEmergency
    function release(address subject, address provider, bytes32 id, bytes32 share) external {
        Declaration memory declaration = _declarations[subject][id];
        if (declaration.provider != provider || !_stands(subject, id, declaration)) {
            revert NotDeclared(subject, provider, id);
        }
        emit KeyReleased(subject, provider, msg.sender, id, share);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IEmergency
    function preparedOf(address subject) external view returns (Preparation memory) {
        return _preparations[subject];
    }

    /// @inheritdoc IEmergency
    function declarationOf(address subject, bytes32 id) external view returns (Declaration memory) {
        return _declarations[subject][id];
    }

    /// @inheritdoc IEmergency
    function isDeclared(address subject, bytes32 id) external view returns (bool) {
        return _stands(subject, id, _declarations[subject][id]);
    }

    /// @inheritdoc ICondition
    function holds(bytes32, Request calldata request) external view returns (bool) {
        return _REGISTRAR.isAccredited(request.viewer, ROLE_EMERGENCY);
    }

    /// @inheritdoc IEmergency
    function medrec() external view returns (IMedRec) {
        return _MEDREC;
    }

    /// @inheritdoc IEmergency
    function vocabulary() external view returns (bytes32) {
        return _VOCABULARY;
    }

    /// @inheritdoc IEmergency
    function purpose() external view returns (uint8) {
        return _PURPOSE;
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    function _prepare(address subject, bytes32 grant, bytes32 custody) private {
        uint32 turn = _preparations[subject].turn + 1;
        _preparations[subject] = Preparation(grant, turn);
        emit EmergencyPrepared(subject, grant, custody, turn);
    }

    /// @dev Everything that the prepared grant leaves: what it does not permit, no chain through it does.
    function _terms(bytes32 parent, uint64 startsAt, uint64 expiresAt, bytes32 statementHash, bytes32 salt)
        private
        view
        returns (Terms memory)
    {
        return Terms({
            agent: address(0),
            classes: type(uint64).max,
            purposes: uint64(1) << _PURPOSE,
            operations: READ,
            startsAt: startsAt,
            expiresAt: expiresAt,
            recordsFrom: 0,
            recordsUntil: NO_LAST_DATE,
            delegations: 0,
            parent: parent,
            condition: address(this),
            vocabulary: _VOCABULARY,
            statementHash: statementHash,
            salt: salt
        });
    }

    function _stands(address subject, bytes32 id, Declaration memory declaration) private view returns (bool) {
        Preparation memory preparation = _preparations[subject];
        return block.timestamp < declaration.expiresAt && declaration.turn == preparation.turn
            && _REGISTRAR.isAccredited(declaration.provider, ROLE_EMERGENCY) && _isActive(subject, preparation.grant)
            && _MEDREC.grantState(subject, id).status != GrantStatus.Revoked;
    }

    function _isActive(address grantor, bytes32 id) private view returns (bool) {
        return _MEDREC.grantState(grantor, id).status == GrantStatus.Active;
    }
}
