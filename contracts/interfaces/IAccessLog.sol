// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title AccessLog: a gateway's commitment to the receipts of an epoch
/// @dev An access is no event, since a public timeline of who looks when is itself a leak. The gateway chains its
/// receipts and commits the head; it can't drop or add one afterwards, and whoever holds one can prove its place.
interface IAccessLog {
    /// @notice A gateway committed the head of the hash chain over its receipts.
    /// @param gateway Who committed.
    /// @param epoch Which stretch of time, as the gateway counts them.
    /// @param head Head of the hash chain.
    /// @param count Number of receipts in it; the head, not this, is what binds.
    event ReceiptsCommitted(address indexed gateway, uint64 indexed epoch, bytes32 head, uint32 count);

    /// @notice The gateway has committed this epoch already.
    /// @param gateway Who tried.
    /// @param epoch Which epoch.
    /// @param head What stands committed.
    error EpochAlreadyCommitted(address gateway, uint64 epoch, bytes32 head);
    /// @notice Zero is not a head.
    /// @param gateway Who tried.
    /// @param epoch For which epoch.
    error EmptyHead(address gateway, uint64 epoch);

    /// @notice Commits the head for an epoch, once; the caller is an accredited gateway.
    /// @param epoch Which epoch.
    /// @param head Head of the hash chain over its receipts.
    /// @param count Number of receipts.
    function commitReceipts(uint64 epoch, bytes32 head, uint32 count) external;

    /// @notice What a gateway committed.
    /// @param gateway Whose.
    /// @param epoch Which epoch.
    /// @return The head; zero when there is none.
    function receiptsHead(address gateway, uint64 epoch) external view returns (bytes32);
}
