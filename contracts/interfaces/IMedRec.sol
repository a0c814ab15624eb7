// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessLog} from "./IAccessLog.sol";
import {IDelegates} from "./IDelegates.sol";
import {IGrants} from "./IGrants.sol";
import {IRecords} from "./IRecords.sol";
import {IRegistrar} from "./IRegistrar.sol";
import {IRelationships} from "./IRelationships.sol";

/// @title MedRec: relationships, records, grants and the access log of patients who own their records
interface IMedRec is IDelegates, IRelationships, IRecords, IGrants, IAccessLog {
    /// @notice Who accredits the participants.
    /// @return The Registrar that this deployment reads, for good.
    function registrar() external view returns (IRegistrar);
}
