// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title SignedActs: an act signed off chain counts as the signer's own call
/// @dev There are no nonces. Every act names the one thing it changes, and each thing changes that way once, so a
/// signature that comes a second time finds nothing left to do.
abstract contract SignedActs is EIP712 {
    /// @notice The signature is not the signer's, or is one over something else.
    /// @param signer Who should have signed.
    /// @param structHash EIP-712 struct hash of what should have been signed.
    error InvalidSignature(address signer, bytes32 structHash);

    function _requireSignature(address signer, bytes32 structHash, bytes calldata signature) internal view {
        if (!_isSignature(signer, structHash, signature)) revert InvalidSignature(signer, structHash);
    }

    /// @dev The account's own key comes first: an EIP-7702 account has code and still signs with its key. Whatever has
    /// code may also answer by ERC-1271.
    function _isSignature(address signer, bytes32 structHash, bytes calldata signature) internal view returns (bool) {
        bytes32 digest = _hashTypedDataV4(structHash);
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return signer.code.length != 0 && SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }
}
