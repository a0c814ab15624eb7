// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

import {ICondition} from "../interfaces/ICondition.sol";
import {NO_LAST_DATE, Refusal, Request, Terms} from "../types/Terms.sol";

/// @title TermsRules: what the terms of one grant say about a request, whoever signed them
library TermsRules {
    bytes32 private constant TERMS_TYPEHASH = keccak256(
        "Terms(address agent,uint64 classes,uint64 purposes,uint8 operations,uint64 startsAt,uint64 expiresAt,"
        "uint32 recordsFrom,uint32 recordsUntil,uint8 delegations,bytes32 parent,address condition,"
        "bytes32 vocabulary,string statement,bytes32 salt)"
    );

    /// @dev EIP-712 struct hash.
    function hash(Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(TERMS_TYPEHASH, terms));
    }

    /// @dev The first of the terms that refuses; the condition is left out, see `holds`.
    function evaluate(Terms calldata terms, Request calldata request) internal view returns (Refusal) {
        if (block.timestamp < terms.startsAt) return Refusal.NotYetValid;
        if (block.timestamp >= terms.expiresAt) return Refusal.Expired;
        if ((terms.classes >> request.class) & 1 == 0) return Refusal.Class;
        if ((terms.purposes >> request.purpose) & 1 == 0) return Refusal.Purpose;
        uint8 operation = request.operation;
        if (operation == 0 || operation & terms.operations != operation) return Refusal.Operation;
        if (request.date < terms.recordsFrom || request.date > terms.recordsUntil) return Refusal.RecordDate;
        if (request.date == 0 && terms.recordsUntil != NO_LAST_DATE) return Refusal.RecordDate;
        return Refusal.Permitted;
    }

    /// @dev Asks a condition by a low-level call that looks at one word only, so that one without code, one that
    /// reverts and one that answers nonsense, however long, all refuse instead of making the evaluation fail.
    function holds(address condition, bytes32 id, Request memory request) internal view returns (bool) {
        (bool success, bytes32 answer,) =
            LowLevelCall.staticcallReturn64Bytes(condition, abi.encodeCall(ICondition.holds, (id, request)));
        return success && LowLevelCall.returnDataSize() == 32 && uint256(answer) == 1;
    }
}
