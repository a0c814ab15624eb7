// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title AccessLog: a gateway's commitment to the receipts of an epoch
/// @dev An access is no event, since a public timeline of who looks when is itself a leak. The gateway chains its
/// receipts and commits the head; it can't drop or add one afterwards, and whoever holds one can prove its place.
interface IAccessLog {
    /// @notice `gateway` committed the head of the hash chain over the `count` receipts of `epoch`.
    event ReceiptsCommitted(address indexed gateway, uint64 indexed epoch, bytes32 head, uint32 count);

    /// @notice The gateway has committed this epoch already.
    error EpochAlreadyCommitted(address gateway, uint64 epoch, bytes32 head);
    /// @notice Zero is not a head.
    error EmptyHead(address gateway, uint64 epoch);

    /// @notice Commits the head for an epoch, once; the caller is an accredited gateway.
    function commitReceipts(uint64 epoch, bytes32 head, uint32 count) external;

    /// @notice The committed head; zero when there is none.
    function receiptsHead(address gateway, uint64 epoch) external view returns (bytes32);
}
