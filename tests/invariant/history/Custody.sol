// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MedRec} from "contracts/MedRec.sol";
import {Guardianship} from "contracts/custody/Guardianship.sol";

import {Model} from "./Model.sol";

/// @notice Guardianship once more, as a story and not as a clock: each sign of life crosses out what was announced.
contract Custody {
    struct Plan {
        bytes32 guardians;
        uint64 silence;
        uint64 notice;
        uint32 turn;
        uint64 lastSignAt;
    }

    MedRec private immutable _MEDREC;
    Guardianship private immutable _GUARDIANSHIP;
    Model private immutable _MODEL;
    address[] private people;

    mapping(address owner => Plan) public plans;
    mapping(address owner => mapping(address heir => uint64)) public announcedAt;

    constructor(MedRec medrec, Guardianship guardianship, Model model, address[] memory people_) {
        (_MEDREC, _GUARDIANSHIP, _MODEL, people) = (medrec, guardianship, model, people_);
    }

    // ------------------------------------------------------------------------------------------------ What was done

    function setPlan(address owner, bytes32 guardians, uint32 silence, uint32 notice) external {
        plans[owner] = Plan(guardians, silence, notice, plans[owner].turn + 1, uint64(block.timestamp));
        _crossOut(owner, type(uint64).max);
    }

    function giveLifeSign(address owner) external {
        plans[owner].lastSignAt = uint64(block.timestamp);
        plans[owner].turn++;
        _crossOut(owner, type(uint64).max);
    }

    /// @dev An act of `time` crosses out what was announced before the owner had been silent for long enough since.
    function proveLife(address owner, uint64 time) external {
        plans[owner].lastSignAt = time;
        bool any = _crossOut(owner, time + plans[owner].silence);
        if (!any) plans[owner].turn++;
    }

    function announce(address owner, address heir) external {
        announcedAt[owner][heir] = uint64(block.timestamp);
    }

    /// @dev Whether anything still stands.
    function _crossOut(address owner, uint64 until) private returns (bool any) {
        for (uint256 i = 0; i < people.length; ++i) {
            if (announcedAt[owner][people[i]] <= until) announcedAt[owner][people[i]] = 0;
            any = any || announcedAt[owner][people[i]] != 0;
        }
    }

    // -------------------------------------------------------------------------------------------- What should be true

    function isOpen(address owner, address heir) public view returns (bool) {
        uint64 since = announcedAt[owner][heir];
        return since != 0 && since + plans[owner].notice <= block.timestamp;
    }

    function wrongDelegate() external view returns (string memory) {
        for (uint256 i = 0; i < people.length; ++i) {
            for (uint256 j = 0; j < people.length; ++j) {
                bool named = _MODEL.isDelegate(people[i], people[j]);
                if (_MEDREC.isDelegate(people[i], people[j]) != named) return "a delegate";
            }
        }
        return "";
    }

    function wrongHeir() external view returns (string memory) {
        for (uint256 i = 0; i < people.length; ++i) {
            for (uint256 j = 0; j < people.length; ++j) {
                bool open = isOpen(people[i], people[j]);
                if (_GUARDIANSHIP.isOpen(people[i], people[j]) != open) return "an heir";
            }
        }
        return "";
    }

    function standsInSpiteOfLife() external view returns (string memory) {
        for (uint256 i = 0; i < people.length; ++i) {
            Plan memory plan = plans[people[i]];
            if (_GUARDIANSHIP.planOf(people[i]).turn != plan.turn) return "a turn";
            if (_GUARDIANSHIP.planOf(people[i]).lastSignAt != plan.lastSignAt) return "a sign of life";
            for (uint256 j = 0; j < people.length; ++j) {
                bool stands = announcedAt[people[i]][people[j]] != 0;
                if ((_GUARDIANSHIP.opensAt(people[i], people[j]) != 0) != stands) return "an announcement";
            }
        }
        return "";
    }
}
