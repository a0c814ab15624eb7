// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICondition} from "contracts/interfaces/ICondition.sol";
import {Request} from "contracts/types/Terms.sol";

/// @notice Holds for one grant and one request, and so shows what it was told.
contract ExactCondition is ICondition {
    bytes32 private immutable _EXPECTED;

    constructor(bytes32 expected) {
        _EXPECTED = expected;
    }

    function holds(bytes32 id, Request calldata request) external view returns (bool) {
        return keccak256(abi.encode(id, request)) == _EXPECTED;
    }
}

/// @notice Answers with any word, any number of times, after burning any amount of gas; or reverts with it.
contract RawCondition {
    uint256 private immutable _WORD;
    uint256 private immutable _LENGTH;
    bool private immutable _REVERTS;

    constructor(uint256 word, uint256 length, bool reverts) {
        _WORD = word;
        _LENGTH = length;
        _REVERTS = reverts;
    }

    fallback() external {
        (uint256 word, uint256 length, bool reverts) = (_WORD, _LENGTH, _REVERTS);
        assembly {
            mstore(0, word)
            if reverts { revert(0, length) }
            return(0, length)
        }
    }
}

/// @notice Burns all gas that it is given.
contract BurningCondition {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @notice Tries to withdraw consent while it is asked.
contract MeddlingCondition {
    address private immutable _MEDREC;
    bytes private _act;

    constructor(address medrec, bytes memory act) {
        _MEDREC = medrec;
        _act = act;
    }

    fallback() external {
        (bool success,) = _MEDREC.call(_act);
        require(success, "the static call forbids it");
        assembly {
            mstore(0, 1)
            return(0, 32)
        }
    }
}
