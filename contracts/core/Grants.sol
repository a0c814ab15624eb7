// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IGrants} from "../interfaces/IGrants.sol";
import {TermsRules} from "../libraries/TermsRules.sol";
import {GrantStatus, PresentedGrant, Refusal, Request, Terms} from "../types/Terms.sol";
import {Delegates} from "./Delegates.sol";

/// @title Grants
/// @dev See `IGrants`, which says what each function promises.
abstract contract Grants is Delegates, IGrants {
    using TermsRules for Terms;

    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "Grant(address subject,address grantor,address viewer,bytes32 bundle,Terms terms)"
        "Terms(address agent,uint64 classes,uint64 purposes,uint8 operations,uint64 startsAt,uint64 expiresAt,"
        "uint32 recordsFrom,uint32 recordsUntil,uint8 delegations,bytes32 parent,address condition,"
        "bytes32 vocabulary,string statement,bytes32 salt)"
    );
    bytes32 private constant REVOCATION_TYPEHASH = keccak256("Revocation(address actor,bytes32 id)");
    bytes32 private constant RENUNCIATION_TYPEHASH = keccak256("Renunciation(address viewer,bytes32 id)");
    bytes32 private constant SUSPENSION_TYPEHASH = keccak256("Suspension(address grantor,bytes32 id,uint32 turn)");
    bytes32 private constant RESUMPTION_TYPEHASH = keccak256("Resumption(address grantor,bytes32 id,uint32 turn)");
    bytes32 private constant AGENT_REVOCATION_TYPEHASH = keccak256("AgentRevocation(address actor,bytes32 id)");

    mapping(address actor => mapping(bytes32 id => GrantState)) private _states;

    // ---------------------------------------------------------------------------------------------------------- Grant

    /// @inheritdoc IGrants
    function grant(address subject, address viewer, bytes32 bundle, bytes32 termsHash) external {
        bytes32 id = _grantId(subject, msg.sender, viewer, bundle, termsHash);
        _grant(id, subject, msg.sender, viewer, bundle, termsHash);
    }

    /// @inheritdoc IGrants
    function grantWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external {
        bytes32 id = _grantId(subject, grantor, viewer, bundle, termsHash);
        _requireSignature(grantor, id, signature);
        _grant(id, subject, grantor, viewer, bundle, termsHash);
    }

    // ------------------------------------------------------------------------------------------------------- Withdraw

    /// @inheritdoc IGrants
    function revoke(bytes32 id) external {
        _revoke(msg.sender, id);
    }

    /// @inheritdoc IGrants
    function revokeWithSig(address actor, bytes32 id, bytes calldata signature) external {
        _requireSignatureOrDelegate(actor, keccak256(abi.encode(REVOCATION_TYPEHASH, actor, id)), signature);
        _revoke(actor, id);
    }

    /// @inheritdoc IGrants
    function renounce(address subject, address grantor, bytes32 bundle, bytes32 termsHash) external {
        _renounce(grantor, _grantId(subject, grantor, msg.sender, bundle, termsHash));
    }

    /// @inheritdoc IGrants
    function renounceWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external {
        bytes32 id = _grantId(subject, grantor, viewer, bundle, termsHash);
        _requireSignature(viewer, keccak256(abi.encode(RENUNCIATION_TYPEHASH, viewer, id)), signature);
        _renounce(grantor, id);
    }

    // ------------------------------------------------------------------------------------------------ Suspend, resume

    /// @inheritdoc IGrants
    function suspend(bytes32 id) external {
        _suspend(msg.sender, id);
    }

    /// @inheritdoc IGrants
    function suspendWithSig(address grantor, bytes32 id, bytes calldata signature) external {
        uint32 turn = _states[grantor][id].turn;
        _requireSignatureOrDelegate(grantor, keccak256(abi.encode(SUSPENSION_TYPEHASH, grantor, id, turn)), signature);
        _suspend(grantor, id);
    }

    /// @inheritdoc IGrants
    function resume(bytes32 id) external {
        _resume(msg.sender, id);
    }

    /// @inheritdoc IGrants
    function resumeWithSig(address grantor, bytes32 id, bytes calldata signature) external {
        uint32 turn = _states[grantor][id].turn;
        _requireSignature(grantor, keccak256(abi.encode(RESUMPTION_TYPEHASH, grantor, id, turn)), signature);
        _resume(grantor, id);
    }

    // --------------------------------------------------------------------------------------------------------- Agents

    /// @inheritdoc IGrants
    function revokeAgent(bytes32 id) external {
        _revokeAgent(msg.sender, id);
    }

    /// @inheritdoc IGrants
    function revokeAgentWithSig(address actor, bytes32 id, bytes calldata signature) external {
        _requireSignatureOrDelegate(actor, keccak256(abi.encode(AGENT_REVOCATION_TYPEHASH, actor, id)), signature);
        _revokeAgent(actor, id);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IGrants
    function permits(PresentedGrant[] calldata grants, Request calldata request) external view returns (bool) {
        (Refusal refusal,) = evaluate(grants, request);
        return refusal == Refusal.Permitted;
    }

    /// @inheritdoc IGrants
    function evaluate(PresentedGrant[] calldata grants, Request calldata request)
        public
        view
        returns (Refusal refusal, uint256 position)
    {
        if (grants.length == 0) return (Refusal.NoGrant, 0);

        // Every grant of the chain is asked the same question: a sub-grant so never permits what its parent does not.
        address grantor = request.subject;
        bytes32 id;
        uint256 last = grants.length - 1;
        for (; position <= last; ++position) {
            PresentedGrant calldata presented = grants[position];
            if (presented.grantor != grantor) {
                return (position == 0 ? Refusal.NotGrantedBySubject : Refusal.BrokenChain, position);
            }
            // One vocabulary all along, or a sub-grant could widen the classes by giving their numbers another meaning.
            if (presented.terms.parent != id || presented.terms.vocabulary != grants[0].terms.vocabulary) {
                return (Refusal.BrokenChain, position);
            }
            if (presented.terms.delegations < last - position) return (Refusal.NotDelegable, position);

            id = _grantId(request.subject, grantor, presented.viewer, presented.bundle, presented.terms.hash());
            refusal = _evaluateStatus(request.subject, grantor, id);
            if (refusal == Refusal.Permitted) refusal = presented.terms.evaluate(request);
            if (refusal == Refusal.Permitted) refusal = _evaluateCondition(presented, id, request, position == last);
            if (refusal != Refusal.Permitted) return (refusal, position);
            grantor = presented.viewer;
        }
        return (_evaluateViewer(grants[last], id, request), last);
    }

    /// @inheritdoc IGrants
    function grantState(address actor, bytes32 id) external view returns (GrantState memory) {
        return _states[actor][id];
    }

    /// @inheritdoc IGrants
    function grantId(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        external
        pure
        returns (bytes32)
    {
        return _grantId(subject, grantor, viewer, bundle, termsHash);
    }

    /// @inheritdoc IGrants
    function hashTerms(Terms calldata terms) external pure returns (bytes32) {
        return terms.hash();
    }

    // ----------------------------------------------------------------------------------------------- Internals: acts

    function _grant(bytes32 id, address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        private
    {
        GrantState storage state = _states[grantor][id];
        if (state.status != GrantStatus.None) revert GrantAlreadyExists(grantor, id, state.status);
        _change(state, GrantStatus.Active);
        emit Granted(subject, grantor, viewer, id, bundle, termsHash);
    }

    function _revoke(address actor, bytes32 id) private {
        GrantState storage state = _states[actor][id];
        if (_isTerminal(state.status)) return;
        _change(state, GrantStatus.Revoked);
        emit GrantRevoked(actor, id);
    }

    function _renounce(address grantor, bytes32 id) private {
        GrantState storage state = _states[grantor][id];
        if (_isTerminal(state.status)) return;
        _change(state, GrantStatus.Renounced);
        emit GrantRenounced(grantor, id);
    }

    function _suspend(address grantor, bytes32 id) private {
        GrantState storage state = _states[grantor][id];
        if (state.status != GrantStatus.Active) revert GrantNotActive(grantor, id, state.status);
        _change(state, GrantStatus.Suspended);
        emit GrantSuspended(grantor, id, state.turn++);
    }

    function _resume(address grantor, bytes32 id) private {
        GrantState storage state = _states[grantor][id];
        if (state.status != GrantStatus.Suspended) revert GrantNotSuspended(grantor, id, state.status);
        _change(state, GrantStatus.Active);
        emit GrantResumed(grantor, id, state.turn++);
    }

    function _revokeAgent(address actor, bytes32 id) private {
        GrantState storage state = _states[actor][id];
        if (state.agentRevoked) return;
        state.agentRevoked = true;
        state.changedAt = uint64(block.timestamp);
        emit AgentRevoked(actor, id);
    }

    function _change(GrantState storage state, GrantStatus status) private {
        state.status = status;
        state.changedAt = uint64(block.timestamp);
    }

    function _isTerminal(GrantStatus status) private pure returns (bool) {
        return status == GrantStatus.Revoked || status == GrantStatus.Renounced;
    }

    function _grantId(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(GRANT_TYPEHASH, subject, grantor, viewer, bundle, termsHash));
    }

    // ----------------------------------------------------------------------------------------- Internals: evaluation

    function _evaluateStatus(address subject, address grantor, bytes32 id) private view returns (Refusal) {
        GrantStatus status = _states[grantor][id].status;
        if (status == GrantStatus.Active) {
            bool overruled = grantor != subject && _states[subject][id].status == GrantStatus.Revoked;
            return overruled ? Refusal.Revoked : Refusal.Permitted;
        }
        if (status == GrantStatus.Suspended) return Refusal.Suspended;
        if (status == GrantStatus.Revoked) return Refusal.Revoked;
        if (status == GrantStatus.Renounced) return Refusal.Renounced;
        return Refusal.Unknown;
    }

    /// @dev A condition is asked about the viewer of the grant that names it, in a sub-grant's chain as well: asked
    /// about the last viewer, it could hold for a sub-grant when it does not for the grant that this was cut from.
    function _evaluateCondition(PresentedGrant calldata presented, bytes32 id, Request calldata request, bool isLast)
        private
        view
        returns (Refusal)
    {
        address condition = presented.terms.condition;
        if (condition == address(0)) return Refusal.Permitted;
        Request memory asked = request;
        asked.viewer = presented.viewer;
        if (!isLast) asked.agent = address(0);
        return TermsRules.holds(condition, id, asked) ? Refusal.Permitted : Refusal.Condition;
    }

    function _evaluateViewer(PresentedGrant calldata presented, bytes32 id, Request calldata request)
        private
        view
        returns (Refusal)
    {
        if (request.viewer != presented.viewer) return Refusal.NotTheViewer;
        if (request.agent == address(0)) return Refusal.Permitted;
        if (request.agent != presented.terms.agent) return Refusal.Agent;
        if (_states[presented.grantor][id].agentRevoked) return Refusal.AgentRevoked;
        if (_states[presented.viewer][id].agentRevoked) return Refusal.AgentRevoked;
        return Refusal.Permitted;
    }
}
