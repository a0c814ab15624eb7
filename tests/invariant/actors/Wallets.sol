// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {MedRec} from "contracts/MedRec.sol";

/// @notice An ERC-1271 account of one owner; also what an EIP-7702 account can delegate to, since it uses no storage.
contract Wallet is IERC1271 {
    address private immutable _OWNER;

    constructor(address owner) {
        _OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(digest, signature) == _OWNER ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice Says yes to everything, and tries to act while it is asked.
contract ReentrantWallet is IERC1271 {
    MedRec private immutable _MEDREC;

    constructor(MedRec medrec) {
        _MEDREC = medrec;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        // The interface says view and the compiler believes it; the call that comes is a static one and forbids this.
        (bool success,) = address(_MEDREC).staticcall(abi.encodeCall(_MEDREC.revoke, (digest)));
        require(success, "a static call can't revoke");
        return IERC1271.isValidSignature.selector;
    }
}

/// @notice Answers a question about a signature in one of many wrong ways.
contract WrongWallet {
    enum Answer {
        Reverts,
        Nothing,
        AnotherValue,
        TwoBytesOfIt,
        Everything
    }

    Answer private immutable _ANSWER;

    constructor(Answer answer) {
        _ANSWER = answer;
    }

    fallback() external {
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector);
        if (_ANSWER == Answer.Reverts) revert("no");
        if (_ANSWER == Answer.AnotherValue) _answer(~magic, 32);
        if (_ANSWER == Answer.TwoBytesOfIt) _answer(magic, 2);
        if (_ANSWER == Answer.Everything) _answer(bytes32(type(uint256).max), 100_000);
    }

    function _answer(bytes32 word, uint256 length) private pure {
        assembly {
            mstore(0, word)
            return(0, length)
        }
    }
}
