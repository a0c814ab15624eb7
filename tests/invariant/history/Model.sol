// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GrantStatus, NO_LAST_DATE, PresentedGrant, Request, Terms} from "contracts/types/Terms.sol";

/// @notice The protocol once more, as plainly as it can be said, without a thought for gas: what the contracts should
/// allow, and what should be true after it. The handler tells it what was done.
contract Model {
    struct Accreditation {
        uint64 roles;
        uint64 expiresAt;
    }

    struct Relationship {
        uint32 number;
        bool open;
    }

    /// @dev A grant that somebody made, or tried to; `parent` is a position in `known`.
    struct Known {
        address subject;
        PresentedGrant presented;
        bytes32 id;
        bool isRoot;
        uint256 parent;
    }

    uint64 private constant PROVIDER = 1;

    address private immutable _WHILE_ACCREDITED;
    address private immutable _WHILE_RELATED;

    Known[] private known;

    mapping(address => bool) public registered;
    mapping(address => Accreditation) private accreditations;
    mapping(address => mapping(address => Relationship)) private relationships;
    mapping(address => mapping(bytes32 => bool)) public batches;
    mapping(address => mapping(uint64 => bool)) public epochs;
    mapping(address => mapping(address => uint64)) public delegatedUntil;
    mapping(address => mapping(address => uint32)) public delegationTurns;
    mapping(address => mapping(bytes32 => GrantStatus)) public statuses;
    mapping(address => mapping(bytes32 => uint32)) public turns;
    mapping(address => mapping(bytes32 => bool)) public agentDismissed;
    /// @dev The grantor called, or signed, for exactly this grant.
    mapping(address => mapping(bytes32 => bool)) public consented;
    /// @dev The actor revoked, at some time.
    mapping(address => mapping(bytes32 => bool)) public revokedBy;

    constructor(address whileAccredited, address whileRelated) {
        (_WHILE_ACCREDITED, _WHILE_RELATED) = (whileAccredited, whileRelated);
    }

    // ------------------------------------------------------------------------------------------------ What was done

    function register(address participant) external {
        registered[participant] = true;
    }

    function accredit(address participant, uint64 roles, uint64 expiresAt) external {
        accreditations[participant] = Accreditation(roles, expiresAt);
    }

    function withdraw(address participant) external {
        delete accreditations[participant];
    }

    function open(address subject, address provider) external {
        relationships[subject][provider].number++;
        relationships[subject][provider].open = true;
    }

    function close(address subject, address provider) external {
        relationships[subject][provider].open = false;
    }

    function anchorBatch(address author, bytes32 root) external {
        batches[author][root] = true;
    }

    function commit(address gateway, uint64 epoch) external {
        epochs[gateway][epoch] = true;
    }

    function nameDelegate(address subject, address delegate, uint64 expiresAt) external {
        delegatedUntil[subject][delegate] = expiresAt;
        delegationTurns[subject][delegate]++;
    }

    function dismissDelegate(address subject, address delegate) external {
        delegatedUntil[subject][delegate] = 0;
        delegationTurns[subject][delegate]++;
    }

    function learn(Known calldata grant_) external {
        known.push(grant_);
    }

    function consent(address grantor, bytes32 id) external {
        consented[grantor][id] = true;
    }

    function grant(address grantor, bytes32 id) external {
        statuses[grantor][id] = GrantStatus.Active;
    }

    function revoke(address actor, bytes32 id) external {
        revokedBy[actor][id] = true;
        if (!_isTerminal(actor, id)) statuses[actor][id] = GrantStatus.Revoked;
    }

    function renounce(address grantor, bytes32 id) external {
        if (!_isTerminal(grantor, id)) statuses[grantor][id] = GrantStatus.Renounced;
    }

    function suspend(address grantor, bytes32 id) external {
        statuses[grantor][id] = GrantStatus.Suspended;
        turns[grantor][id]++;
    }

    function resume(address grantor, bytes32 id) external {
        statuses[grantor][id] = GrantStatus.Active;
        turns[grantor][id]++;
    }

    function dismissAgent(address actor, bytes32 id) external {
        agentDismissed[actor][id] = true;
    }

    // -------------------------------------------------------------------------------------------- What should be true

    function count() external view returns (uint256) {
        return known.length;
    }

    function knownAt(uint256 position) external view returns (Known memory) {
        return known[position];
    }

    function numberOf(address subject, address provider) external view returns (uint32) {
        return relationships[subject][provider].number;
    }

    function isOpen(address subject, address provider) public view returns (bool) {
        return relationships[subject][provider].open;
    }

    function isAccredited(address participant, uint64 roles) public view returns (bool) {
        Accreditation memory found = accreditations[participant];
        return found.expiresAt > block.timestamp && (found.roles | roles) == found.roles;
    }

    function isDelegate(address subject, address delegate) external view returns (bool) {
        return delegatedUntil[subject][delegate] > block.timestamp;
    }

    function mayWrite(address subject, address author) external view returns (bool) {
        return author == subject || (isOpen(subject, author) && isAccredited(author, PROVIDER));
    }

    /// @dev The grants to present for the one at `position`, the subject's own first.
    function chainOf(uint256 position) external view returns (PresentedGrant[] memory chain) {
        uint256 depth = 1;
        for (uint256 i = position; !known[i].isRoot; i = known[i].parent) {
            ++depth;
        }
        chain = new PresentedGrant[](depth);
        for (uint256 i = position; depth > 0; i = known[i].parent) {
            chain[--depth] = known[i].presented;
        }
    }

    /// @dev Whether a revocation by a grantor or by the subject lies anywhere on the way.
    function isWithdrawn(uint256 position) external view returns (bool) {
        for (uint256 i = position;; i = known[i].parent) {
            Known storage link = known[i];
            if (revokedBy[link.presented.grantor][link.id] || revokedBy[link.subject][link.id]) return true;
            if (link.isRoot) return false;
        }
        return false;
    }

    /// @dev Whether everybody on the way consented to their part, the subject to the first.
    function isConsented(uint256 position) external view returns (bool) {
        for (uint256 i = position;; i = known[i].parent) {
            Known storage link = known[i];
            if (!consented[link.presented.grantor][link.id]) return false;
            if (link.isRoot) return link.presented.grantor == link.subject;
        }
        return false;
    }

    function permits(uint256 position, Request calldata request) external view returns (bool) {
        Known storage asked = known[position];
        if (request.subject != asked.subject || request.viewer != asked.presented.viewer) return false;
        if (request.agent != address(0)) {
            if (request.agent != asked.presented.terms.agent) return false;
            if (agentDismissed[asked.presented.grantor][asked.id]) return false;
            if (agentDismissed[asked.presented.viewer][asked.id]) return false;
        }
        uint256 below = 0;
        for (uint256 i = position;; i = known[i].parent) {
            Known storage link = known[i];
            if (statuses[link.presented.grantor][link.id] != GrantStatus.Active) return false;
            if (revokedBy[link.subject][link.id]) return false;
            if (link.presented.terms.delegations < below) return false;
            if (link.presented.terms.vocabulary != asked.presented.terms.vocabulary) return false;
            if (!_covers(link.presented.terms, request) || !_conditionHolds(link)) return false;
            if (link.isRoot) return link.presented.grantor == link.subject;
            if (link.presented.grantor != known[link.parent].presented.viewer) return false;
            ++below;
        }
        return false;
    }

    function _covers(Terms storage terms, Request calldata request) private view returns (bool) {
        if (block.timestamp < terms.startsAt || block.timestamp >= terms.expiresAt) return false;
        if (request.class > 63 || terms.classes & (uint64(1) << request.class) == 0) return false;
        if (request.purpose > 63 || terms.purposes & (uint64(1) << request.purpose) == 0) return false;
        if (request.operation == 0 || (request.operation | terms.operations) != terms.operations) return false;
        if (request.date == 0) return terms.recordsFrom == 0 && terms.recordsUntil == NO_LAST_DATE;
        return terms.recordsFrom <= request.date && request.date <= terms.recordsUntil;
    }

    function _conditionHolds(Known storage link) private view returns (bool) {
        address condition = link.presented.terms.condition;
        if (condition == _WHILE_ACCREDITED) return isAccredited(link.presented.viewer, PROVIDER);
        if (condition == _WHILE_RELATED) return isOpen(link.subject, link.presented.viewer);
        return condition == address(0);
    }

    function _isTerminal(address actor, bytes32 id) private view returns (bool) {
        return statuses[actor][id] == GrantStatus.Revoked || statuses[actor][id] == GrantStatus.Renounced;
    }
}
