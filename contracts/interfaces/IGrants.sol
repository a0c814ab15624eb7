// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {GrantStatus, PresentedGrant, Refusal, Request, Terms} from "../types/Terms.sol";

/// @title Grants: consent as a hash
/// @dev A grant's id is the EIP-712 struct hash of `Grant(address subject,address grantor,address viewer,bytes32
/// bundle,Terms terms)`. State is kept by who acted and by id, so nobody can touch what another said, and a grant can
/// be withdrawn before it ever reaches the chain. A grantor other than the subject is the viewer of the parent grant;
/// that is examined when the grant is used, never when it is made.
interface IGrants {
    /// @param status What the actor's acts have left the grant in.
    /// @param turn How often the grant was suspended or resumed.
    /// @param changedAt Unix time of the last change.
    /// @param agentRevoked Whether this actor dismissed the agent.
    struct GrantState {
        GrantStatus status;
        bool agentRevoked;
        uint32 turn;
        uint64 changedAt;
    }

    /// @notice A grant became active.
    /// @dev Warning: anybody can grant what they do not have. A grant whose grantor is not the subject means nothing
    /// without the chain of grants that `evaluate` asks for.
    /// @param subject Whose records it is about.
    /// @param grantor Who granted: the subject, or the viewer of another grant.
    /// @param viewer To whom.
    /// @param id The grant's.
    /// @param bundle Digest of the key bundle that hands over terms and keys.
    /// @param termsHash EIP-712 struct hash of the terms.
    event Granted(
        address indexed subject,
        address indexed grantor,
        address indexed viewer,
        bytes32 id,
        bytes32 bundle,
        bytes32 termsHash
    );
    /// @notice A grant was withdrawn for good, perhaps before it was made.
    /// @param actor Who withdrew it: it matters when this is the grantor or the subject.
    /// @param id The grant's.
    event GrantRevoked(address indexed actor, bytes32 indexed id);
    /// @notice The viewer gave the grant back for good.
    /// @param grantor Whose grant.
    /// @param id The grant's.
    event GrantRenounced(address indexed grantor, bytes32 indexed id);
    /// @notice The grantor paused the grant.
    /// @param grantor Who.
    /// @param id The grant's.
    /// @param turn How often the grant had been suspended or resumed before.
    event GrantSuspended(address indexed grantor, bytes32 indexed id, uint32 turn);
    /// @notice The grantor ended the pause.
    /// @param grantor Who.
    /// @param id The grant's.
    /// @param turn How often the grant had been suspended or resumed before.
    event GrantResumed(address indexed grantor, bytes32 indexed id, uint32 turn);
    /// @notice A grant's agent was dismissed for good.
    /// @param actor Who dismissed it: it matters when this is the grantor or the viewer.
    /// @param id The grant's.
    event AgentRevoked(address indexed actor, bytes32 indexed id);

    /// @notice The grant stands, or stood, already; give the new one another salt.
    /// @param grantor Whose grant.
    /// @param id The grant's.
    /// @param status What it is in.
    error GrantAlreadyExists(address grantor, bytes32 id, GrantStatus status);
    /// @notice Only an active grant can be suspended.
    /// @param grantor Whose grant.
    /// @param id The grant's.
    /// @param status What it is in.
    error GrantNotActive(address grantor, bytes32 id, GrantStatus status);
    /// @notice Only a suspended grant can be resumed.
    /// @param grantor Whose grant.
    /// @param id The grant's.
    /// @param status What it is in.
    error GrantNotSuspended(address grantor, bytes32 id, GrantStatus status);

    /// @notice Grants; the caller is the grantor.
    /// @param subject Whose records it is about.
    /// @param viewer To whom.
    /// @param bundle Digest of the key bundle that hands over terms and keys.
    /// @param termsHash EIP-712 struct hash of the terms.
    function grant(address subject, address viewer, bytes32 bundle, bytes32 termsHash) external;

    /// @notice The same by signature.
    /// @param subject Whose records it is about.
    /// @param grantor Who signed.
    /// @param viewer To whom.
    /// @param bundle Digest of the key bundle that hands over terms and keys.
    /// @param termsHash EIP-712 struct hash of the terms.
    /// @param signature Over the whole `Grant`, terms in the clear.
    function grantWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external;

    /// @notice Withdraws a grant for good, or makes sure it never becomes active. Never fails; silent when repeated.
    /// @dev The subject may so withdraw any sub-grant too, as may the grantor of each its own. Silent also for anybody
    /// else: what they say stands under their own address and counts for nothing.
    /// @param id The grant's.
    function revoke(bytes32 id) external;

    /// @notice The same by signature.
    /// @param actor Who signed.
    /// @param id The grant's.
    /// @param signature Over `Revocation(address actor,bytes32 id)`; a delegate's counts, see `IDelegates`.
    function revokeWithSig(address actor, bytes32 id, bytes calldata signature) external;

    /// @notice Gives a grant back for good; the caller is the viewer. Silent when repeated.
    /// @dev Takes what the id is made of, not the id: that is how the contract knows that the caller is its viewer.
    /// @param subject The grant's.
    /// @param grantor The grant's.
    /// @param bundle The grant's.
    /// @param termsHash The grant's.
    function renounce(address subject, address grantor, bytes32 bundle, bytes32 termsHash) external;

    /// @notice The same by signature.
    /// @param subject The grant's.
    /// @param grantor The grant's.
    /// @param viewer The grant's, who signed.
    /// @param bundle The grant's.
    /// @param termsHash The grant's.
    /// @param signature Over `Renunciation(address viewer,bytes32 id)`.
    function renounceWithSig(
        address subject,
        address grantor,
        address viewer,
        bytes32 bundle,
        bytes32 termsHash,
        bytes calldata signature
    ) external;

    /// @notice Pauses an active grant; the caller is its grantor.
    /// @param id The grant's.
    function suspend(bytes32 id) external;

    /// @notice The same by signature.
    /// @param grantor Who signed.
    /// @param id The grant's.
    /// @param signature Over `Suspension(address grantor,bytes32 id,uint32 turn)`, `turn` as it stands; a delegate's
    /// counts, see `IDelegates`.
    function suspendWithSig(address grantor, bytes32 id, bytes calldata signature) external;

    /// @notice Ends the pause; the caller is the grantor.
    /// @param id The grant's.
    function resume(bytes32 id) external;

    /// @notice The same by signature.
    /// @param grantor Who signed.
    /// @param id The grant's.
    /// @param signature Over `Resumption(address grantor,bytes32 id,uint32 turn)`, `turn` as it stands.
    function resumeWithSig(address grantor, bytes32 id, bytes calldata signature) external;

    /// @notice Dismisses the agent and leaves the grant; the caller is the grantor or the viewer. Silent when repeated.
    /// @param id The grant's.
    function revokeAgent(bytes32 id) external;

    /// @notice The same by signature.
    /// @param actor Who signed.
    /// @param id The grant's.
    /// @param signature Over `AgentRevocation(address actor,bytes32 id)`; a delegate's counts, see `IDelegates`.
    function revokeAgentWithSig(address actor, bytes32 id, bytes calldata signature) external;

    /// @notice Whether the grants presented permit the request now.
    /// @param grants From the subject's own down to the viewer's.
    /// @param request What is asked, in the numbers of the vocabulary that all those grants name.
    /// @return Whether no rule refuses.
    function permits(PresentedGrant[] calldata grants, Request calldata request) external view returns (bool);

    /// @notice The rule that refuses the request, and the grant that it belongs to; see `permits`.
    /// @param grants From the subject's own down to the viewer's.
    /// @param request What is asked, in the numbers of the vocabulary that all those grants name.
    /// @return refusal The first rule that refuses; `Permitted` when none does.
    /// @return position The position in `grants` of the grant that refuses; the last one when none does.
    function evaluate(PresentedGrant[] calldata grants, Request calldata request)
        external
        view
        returns (Refusal refusal, uint256 position);

    /// @notice What an actor's acts have left a grant in.
    /// @dev A renunciation stands under the grantor, not the viewer.
    /// @param actor Whose acts.
    /// @param id The grant's.
    /// @return The state; zeros when the actor has done nothing to it.
    function grantState(address actor, bytes32 id) external view returns (GrantState memory);

    /// @notice Id of a grant.
    /// @param subject Whose records it is about.
    /// @param grantor Who grants.
    /// @param viewer To whom.
    /// @param bundle Digest of the key bundle that hands over terms and keys.
    /// @param termsHash EIP-712 struct hash of the terms.
    /// @return EIP-712 struct hash of the grant.
    function grantId(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        external
        pure
        returns (bytes32);

    /// @notice EIP-712 struct hash of terms.
    /// @param terms The terms.
    /// @return The hash.
    function hashTerms(Terms calldata terms) external pure returns (bytes32);
}
