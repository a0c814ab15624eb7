// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICondition} from "../interfaces/ICondition.sol";
import {IRegistrar} from "../interfaces/IRegistrar.sol";
import {Request} from "../types/Terms.sol";

/// @title WhileAccredited: a grant that permits nothing unless its viewer's accreditation runs
/// @dev The sub-grants below it go with it; what their own viewers need is for their own conditions to say.
contract WhileAccredited is ICondition {
    IRegistrar private immutable _REGISTRAR;
    uint64 private immutable _ROLES;

    /// @param registrar_ Who accredits.
    /// @param roles_ The roles that the accreditation must cover, as in `IRegistrar.accredit`; 0 for any.
    constructor(IRegistrar registrar_, uint64 roles_) {
        _REGISTRAR = registrar_;
        _ROLES = roles_;
    }

    /// @inheritdoc ICondition
    function holds(bytes32, Request calldata request) external view returns (bool) {
        return _REGISTRAR.isAccredited(request.viewer, _ROLES);
    }

    /// @notice Who accredits.
    /// @return The Registrar that is asked.
    function registrar() external view returns (IRegistrar) {
        return _REGISTRAR;
    }

    /// @notice The roles that the accreditation must cover, all of them.
    /// @return Bit set, as in `IRegistrar.accredit`; 0 for any running accreditation.
    function roles() external view returns (uint64) {
        return _ROLES;
    }
}
