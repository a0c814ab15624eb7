// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Request} from "../types/Terms.sol";

/// @title ICondition: a fact on chain that a grant depends on
interface ICondition {
    /// @notice Whether the fact holds now. A call that reverts, or answers anything but one word of value 1, does not hold.
    /// @param id The grant that names this condition.
    function holds(bytes32 id, Request calldata request) external view returns (bool);
}
