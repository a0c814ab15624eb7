// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {ICondition} from "../interfaces/ICondition.sol";
import {IGrants} from "../interfaces/IGrants.sol";
import {IGuardianship} from "../interfaces/IGuardianship.sol";
import {IMedRec} from "../interfaces/IMedRec.sol";
import {SignedActs} from "../libraries/SignedActs.sol";
import {GrantStatus, Request} from "../types/Terms.sol";

/// @title Guardianship
/// @dev See `IGuardianship`, which says what each function promises. A sign of life clears no announcement: it moves
/// `lastSignAt`, and an announcement stands only when it is later than that by more than `silence` seconds.
contract Guardianship is IGuardianship, ICondition, SignedActs {
    bytes32 private constant PLAN_TYPEHASH =
        keccak256("Plan(address owner,bytes32 guardians,uint32 silence,uint32 notice,bytes32 shares,uint32 turn)");
    bytes32 private constant LIFE_SIGN_TYPEHASH = keccak256("LifeSign(address owner,uint32 turn)");
    bytes32 private constant ANNOUNCEMENT_TYPEHASH =
        keccak256("Announcement(address owner,address heir,address guardian,uint32 turn)");

    IMedRec private immutable _MEDREC;

    mapping(address owner => Plan) private _plans;
    mapping(address owner => mapping(address heir => uint64)) private _announcements;

    /// @param medrec_ Whose grants show signs of life.
    constructor(IMedRec medrec_) EIP712("MedRec Guardianship", "1") {
        _MEDREC = medrec_;
    }

    // ----------------------------------------------------------------------------------------------------------- Plan

    /// @inheritdoc IGuardianship
    function setPlan(bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares) external {
        _setPlan(msg.sender, guardians, silence, notice, shares);
    }

    /// @inheritdoc IGuardianship
    function setPlanWithSig(
        address owner,
        bytes32 guardians,
        uint32 silence,
        uint32 notice,
        bytes32 shares,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(PLAN_TYPEHASH, owner, guardians, silence, notice, shares, _plans[owner].turn)
        );
        _requireSignature(owner, structHash, signature);
        _setPlan(owner, guardians, silence, notice, shares);
    }

    // -------------------------------------------------------------------------------------------------- Signs of life

    /// @inheritdoc IGuardianship
    function giveLifeSign() external {
        _giveLifeSign(msg.sender);
    }

    /// @inheritdoc IGuardianship
    function giveLifeSignWithSig(address owner, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(LIFE_SIGN_TYPEHASH, owner, _plans[owner].turn));
        _requireSignature(owner, structHash, signature);
        _giveLifeSign(owner);
    }

    /// @inheritdoc IGuardianship
    function proveLife(address owner, bytes32 id) external {
        Plan storage plan = _plans[owner];
        IGrants.GrantState memory state = _MEDREC.grantState(owner, id);
        bool isOwners = state.status == GrantStatus.Active && !state.agentRevoked;
        if (!isOwners || state.changedAt <= plan.lastSignAt) revert NoSignOfLife(owner, id);

        plan.lastSignAt = state.changedAt;
        // Where an announcement still stands the turn does, or old acts, shown one by one, would void the owner's veto
        // again and again while it is under way.
        if (!_stands(plan, plan.announcedAt)) {
            plan.announcedAt = 0;
            ++plan.turn;
        }
        emit LifeSignGiven(owner, state.changedAt, plan.turn);
    }

    // ----------------------------------------------------------------------------------------------- Announce, release

    /// @inheritdoc IGuardianship
    function announce(
        address owner,
        address heir,
        address guardian,
        bytes32 salt,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external {
        Plan storage plan = _plans[owner];
        _requireGuardian(owner, guardian, salt, proof);
        if (msg.sender != guardian) {
            bytes32 structHash = keccak256(abi.encode(ANNOUNCEMENT_TYPEHASH, owner, heir, guardian, plan.turn));
            _requireSignature(guardian, structHash, signature);
        }
        uint64 time = uint64(block.timestamp);
        if (!_stands(plan, time)) revert TooEarly(owner, plan.lastSignAt + plan.silence + 1);
        uint64 opening = opensAt(owner, heir);
        if (opening != 0) revert AlreadyAnnounced(owner, heir, opening);

        plan.announcedAt = time;
        _announcements[owner][heir] = time;
        emit RecoveryAnnounced(owner, heir, guardian, time + plan.notice);
    }

    /// @inheritdoc IGuardianship
    function release(address owner, address heir, bytes32 salt, bytes32[] calldata proof, bytes32 share) external {
        _requireGuardian(owner, msg.sender, salt, proof);
        if (!isOpen(owner, heir)) revert NotOpen(owner, heir, opensAt(owner, heir));
        emit ShareReleased(owner, heir, msg.sender, share);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IGuardianship
    function planOf(address owner) external view returns (Plan memory) {
        return _plans[owner];
    }

    /// @inheritdoc IGuardianship
    function opensAt(address owner, address heir) public view returns (uint64) {
        uint64 announcedAt = _announcements[owner][heir];
        return _stands(_plans[owner], announcedAt) ? announcedAt + _plans[owner].notice : 0;
    }

    /// @inheritdoc IGuardianship
    function isOpen(address owner, address heir) public view returns (bool) {
        uint64 opening = opensAt(owner, heir);
        return opening != 0 && block.timestamp >= opening;
    }

    /// @inheritdoc ICondition
    function holds(bytes32, Request calldata request) external view returns (bool) {
        return isOpen(request.subject, request.viewer);
    }

    /// @inheritdoc IGuardianship
    function medrec() external view returns (IMedRec) {
        return _MEDREC;
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    function _setPlan(address owner, bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares) private {
        if (guardians != 0 && notice == 0) revert NoNotice(owner);
        uint32 turn = _plans[owner].turn + 1;
        _plans[owner] = Plan(guardians, silence, notice, turn, uint64(block.timestamp), 0);
        emit PlanSet(owner, guardians, silence, notice, shares, turn);
    }

    function _giveLifeSign(address owner) private {
        Plan storage plan = _plans[owner];
        (plan.lastSignAt, plan.announcedAt) = (uint64(block.timestamp), 0);
        emit LifeSignGiven(owner, plan.lastSignAt, ++plan.turn);
    }

    /// @dev Without a plan the root is zero, and no proof leads there.
    function _requireGuardian(address owner, address guardian, bytes32 salt, bytes32[] calldata proof) private view {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(owner, guardian, salt))));
        if (!MerkleProof.verifyCalldata(proof, _plans[owner].guardians, leaf)) revert NotAGuardian(owner, guardian);
    }

    function _stands(Plan storage plan, uint64 announcedAt) private view returns (bool) {
        return announcedAt > plan.lastSignAt + plan.silence;
    }
}
