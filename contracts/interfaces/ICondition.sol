// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Request} from "../types/Terms.sol";

/// @title ICondition: a fact on chain that a grant depends on
interface ICondition {
    /// @notice Whether the fact holds now. What reverts, or answers anything but one word of value 1, does not hold.
    /// @param id The grant that names this condition.
    /// @param request What is asked, as seen from that grant: `viewer` is its own viewer, also when the one who asks
    /// holds a sub-grant of it; `agent` is zero then.
    /// @return Whether it holds.
    function holds(bytes32 id, Request calldata request) external view returns (bool);
}
