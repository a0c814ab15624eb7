// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICondition} from "../interfaces/ICondition.sol";
import {IRelationships} from "../interfaces/IRelationships.sol";
import {Request} from "../types/Terms.sol";

/// @title WhileRelated: a grant that permits nothing unless its viewer has an open relationship with the subject
/// @dev The sub-grants below it go with it; what their own viewers need is for their own conditions to say.
contract WhileRelated is ICondition {
    IRelationships private immutable _RELATIONSHIPS;

    /// @param relationships_ Who knows the relationships: the MedRec that the grant stands in.
    constructor(IRelationships relationships_) {
        _RELATIONSHIPS = relationships_;
    }

    /// @inheritdoc ICondition
    function holds(bytes32, Request calldata request) external view returns (bool) {
        return _RELATIONSHIPS.isOpen(request.subject, request.viewer);
    }

    /// @notice Who knows the relationships.
    /// @return The MedRec that is asked.
    function relationships() external view returns (IRelationships) {
        return _RELATIONSHIPS;
    }
}
