// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {GrantStatus, PresentedGrant, Refusal, Request, Terms} from "../types/Terms.sol";

/// @title Grants: consent as a hash
/// @dev A grant's id is the EIP-712 struct hash of `Grant(address subject,address grantor,address viewer,bytes32
/// bundle,Terms terms)`. State is kept by who acted and by id, so nobody can touch what another said, and a grant can be
/// withdrawn before it ever reaches the chain. A grantor other than the subject is the viewer of the parent grant;
/// that is examined when the grant is used, never when it is made.
interface IGrants {
    /// @param turn How often the grant was suspended or resumed.
    /// @param changedAt Unix time of the last change.
    /// @param agentRevoked Whether this actor dismissed the agent.
    struct GrantState {
        GrantStatus status;
        bool agentRevoked;
        uint32 turn;
        uint64 changedAt;
    }

    /// @notice `grantor` granted `viewer` what the terms behind `termsHash` say about the records of `subject`.
    /// @param bundle Digest of the key bundle that hands over terms and keys.
    event Granted(
        address indexed subject,
        address indexed grantor,
        address indexed viewer,
        bytes32 id,
        bytes32 bundle,
        bytes32 termsHash
    );
    /// @notice `actor`, the grantor or the subject, withdrew the grant for good.
    event GrantRevoked(address indexed actor, bytes32 indexed id);
    /// @notice The viewer gave the grant back for good.
    event GrantRenounced(address indexed grantor, bytes32 indexed id);
    /// @notice The grantor paused the grant.
    event GrantSuspended(address indexed grantor, bytes32 indexed id, uint32 turn);
    /// @notice The grantor ended the pause.
    event GrantResumed(address indexed grantor, bytes32 indexed id, uint32 turn);
    /// @notice `actor`, the grantor or the viewer, dismissed the grant's agent for good.
    event AgentRevoked(address indexed actor, bytes32 indexed id);

    /// @notice The grant stands, or stood, already; give the new one another salt.
    error GrantAlreadyExists(address grantor, bytes32 id, GrantStatus status);
    /// @notice Only an active grant can be suspended.
    error GrantNotActive(address grantor, bytes32 id, GrantStatus status);
    /// @notice Only a suspended grant can be resumed.
    error GrantNotSuspended(address grantor, bytes32 id, GrantStatus status);

    /// @notice Grants; the caller is the grantor.
    /// @param termsHash EIP-712 struct hash of the terms.
    function grant(address subject, address viewer, bytes32 bundle, bytes32 termsHash) external;

    /// @notice The same by the grantor's signature over the whole `Grant`, terms in the clear.
    function grantWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external;

    /// @notice Withdraws a grant for good, or makes sure it never becomes active. Never fails; silent when repeated.
    /// @dev The subject may so withdraw any sub-grant too, as may the grantor of each its own.
    function revoke(bytes32 id) external;

    /// @notice The same by the actor's signature over `Revocation(address actor,bytes32 id)`.
    function revokeWithSig(address actor, bytes32 id, bytes calldata signature) external;

    /// @notice Gives a grant back for good; the caller is the viewer. Silent when repeated.
    function renounce(address subject, address grantor, bytes32 bundle, bytes32 termsHash) external;

    /// @notice The same by the viewer's signature over `Renunciation(address viewer,bytes32 id)`.
    function renounceWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external;

    /// @notice Pauses an active grant; the caller is its grantor.
    function suspend(bytes32 id) external;

    /// @notice The same by signature over `Suspension(address grantor,bytes32 id,uint32 turn)`, `turn` as it stands.
    function suspendWithSig(address grantor, bytes32 id, bytes calldata signature) external;

    /// @notice Ends the pause; the caller is the grantor.
    function resume(bytes32 id) external;

    /// @notice The same by signature over `Resumption(address grantor,bytes32 id,uint32 turn)`, `turn` as it stands.
    function resumeWithSig(address grantor, bytes32 id, bytes calldata signature) external;

    /// @notice Dismisses the agent and leaves the grant; the caller is the grantor or the viewer. Silent when repeated.
    function revokeAgent(bytes32 id) external;

    /// @notice The same by signature over `AgentRevocation(address actor,bytes32 id)`.
    function revokeAgentWithSig(address actor, bytes32 id, bytes calldata signature) external;

    /// @notice Whether the grants presented, from the subject's own down to the viewer's, permit the request now.
    function permits(PresentedGrant[] calldata grants, Request calldata request) external view returns (bool);

    /// @notice The rule that refuses the request, and the position of the grant that breaks it; see `permits`.
    function evaluate(PresentedGrant[] calldata grants, Request calldata request)
        external
        view
        returns (Refusal refusal, uint256 position);

    /// @notice What `actor` last did to the grant.
    function grantState(address actor, bytes32 id) external view returns (GrantState memory);

    /// @notice Id of a grant.
    function grantId(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        external
        pure
        returns (bytes32);

    /// @notice EIP-712 struct hash of terms.
    function hashTerms(Terms calldata terms) external pure returns (bytes32);
}
