// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessLog} from "../interfaces/IAccessLog.sol";
import {ROLE_GATEWAY} from "../interfaces/IRegistrar.sol";
import {Relationships} from "./Relationships.sol";

/// @title AccessLog
/// @dev See `IAccessLog`, which says what each function promises.
abstract contract AccessLog is Relationships, IAccessLog {
    mapping(address gateway => mapping(uint64 epoch => bytes32)) private _receiptsHeads;

    /// @inheritdoc IAccessLog
    function commitReceipts(uint64 epoch, bytes32 head, uint32 count) external {
        _requireAccredited(msg.sender, ROLE_GATEWAY);
        if (head == 0) revert EmptyHead(msg.sender, epoch);
        bytes32 committed = _receiptsHeads[msg.sender][epoch];
        if (committed != 0) revert EpochAlreadyCommitted(msg.sender, epoch, committed);
        _receiptsHeads[msg.sender][epoch] = head;
        emit ReceiptsCommitted(msg.sender, epoch, head, count);
    }

    /// @inheritdoc IAccessLog
    function receiptsHead(address gateway, uint64 epoch) external view returns (bytes32) {
        return _receiptsHeads[gateway][epoch];
    }
}
