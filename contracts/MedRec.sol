// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {AccessLog} from "./core/AccessLog.sol";
import {Grants} from "./core/Grants.sol";
import {Records} from "./core/Records.sol";
import {Relationships} from "./core/Relationships.sol";
import {IMedRec} from "./interfaces/IMedRec.sol";
import {IRegistrar} from "./interfaces/IRegistrar.sol";

/// @title MedRec
/// @dev See `IMedRec`, which says what each function promises.
contract MedRec is Records, Grants, AccessLog, Multicall, IMedRec {
    constructor(IRegistrar registrar_) EIP712("MedRec", "1") Relationships(registrar_) {}

    /// @inheritdoc IMedRec
    function registrar() external view returns (IRegistrar) {
        return _REGISTRAR;
    }
}
