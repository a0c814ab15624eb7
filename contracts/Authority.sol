// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Authority: who may administer the Registrar, and after which delay
/// @dev OpenZeppelin's AccessManager as it is, under a name of its own so that it is built, shipped and verified with
/// the rest. Its admin, a person, a multisig or a timelock, gives others the roles that the Registrar's functions need.
contract Authority is AccessManager {
    /// @param initialAdmin Who holds the admin role from the start.
    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
