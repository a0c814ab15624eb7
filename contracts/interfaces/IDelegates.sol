// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Delegates: who may withdraw in somebody else's name
/// @dev A parent for a child, a proxy for somebody who can't act. A delegate only ever withdraws: what the subject could
/// revoke, suspend, dismiss or close, a delegate signs in the subject's name, as `Revocation`, `Suspension`,
/// `AgentRevocation` or `Closure`; the signature handed in is then `delegate (20 bytes) ‖ the delegate's signature`. To
/// share in the subject's stead a delegate needs a grant with `delegations`, like anybody else.
interface IDelegates {
    /// @param expiresAt First second at which the delegate may no longer act; 0 when there is none.
    /// @param turn How often the pair's delegation was named or dismissed: what the next signature names.
    struct Delegation {
        uint64 expiresAt;
        uint32 turn;
    }

    /// @notice Somebody may withdraw in the subject's name.
    /// @dev Warning: `expiresAt` is public, and the exact age of majority tells a birthday. Round it.
    /// @param subject In whose name.
    /// @param delegate Who may.
    /// @param expiresAt First second at which they no longer may.
    /// @param turn The pair's from now on.
    event DelegateNamed(address indexed subject, address indexed delegate, uint64 expiresAt, uint32 turn);

    /// @notice A delegate may no longer act, nor be named by what was signed before.
    /// @param subject In whose name.
    /// @param delegate Who no longer may.
    /// @param by Who said so, the subject or the delegate.
    /// @param turn The pair's from now on.
    event DelegateDismissed(address indexed subject, address indexed delegate, address by, uint32 turn);

    /// @notice The delegation would have ended before it began.
    /// @param expiresAt When it would have.
    error DelegationInThePast(uint64 expiresAt);
    /// @notice Only the subject and the delegate can end what is between them.
    /// @param caller Who tried, by call or signature.
    /// @param subject One side.
    /// @param delegate The other.
    error NotOfDelegation(address caller, address subject, address delegate);

    /// @notice Lets somebody withdraw in the caller's name, or changes until when.
    /// @dev Warning: `expiresAt` is public, and the exact age of majority tells a birthday. Round it.
    /// @param delegate Who may.
    /// @param expiresAt First second at which they no longer may.
    function nameDelegate(address delegate, uint64 expiresAt) external;

    /// @notice The same by signature.
    /// @param subject Who signed.
    /// @param delegate Who may.
    /// @param expiresAt First second at which they no longer may.
    /// @param signature Over `Delegation(address subject,address delegate,uint64 expiresAt,uint32 turn)`, `turn` as it
    /// stands. A delegate's does not count here.
    function nameDelegateWithSig(address subject, address delegate, uint64 expiresAt, bytes calldata signature) external;

    /// @notice Ends the delegation; either side may. Without one it still voids what was signed to name the delegate.
    /// @param subject In whose name.
    /// @param delegate Who no longer may.
    function dismissDelegate(address subject, address delegate) external;

    /// @notice The same by signature.
    /// @param subject In whose name.
    /// @param delegate Who no longer may.
    /// @param by Which of the two signed.
    /// @param signature Over `Dismissal(address subject,address delegate,uint32 turn)`, `turn` as it stands. Another
    /// delegate's does not count here.
    function dismissDelegateWithSig(address subject, address delegate, address by, bytes calldata signature) external;

    /// @notice What is between a subject and a delegate, running or not.
    /// @param subject In whose name.
    /// @param delegate Who may.
    /// @return The delegation; zeros when there was never one.
    function delegationOf(address subject, address delegate) external view returns (Delegation memory);

    /// @notice Whether somebody may withdraw in the subject's name now.
    /// @param subject In whose name.
    /// @param delegate Who.
    /// @return Whether they may.
    function isDelegate(address subject, address delegate) external view returns (bool);
}
