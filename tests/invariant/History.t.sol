// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {CustodyHandler} from "./history/CustodyHandler.sol";

/// @notice The invariants are worth what the histories are worth that they are examined after.
contract HistoryTest is Test {
    uint256 private constant HISTORIES = 90;
    uint256 private constant LENGTH = 100;
    uint256 private constant ENOUGH = 5;

    mapping(string verb => uint256) private done;
    mapping(string verb => uint256) private refused;

    function setUp() public {
        vm.pauseGasMetering(); // ninety histories are more than a block holds
        for (uint256 i = 0; i < HISTORIES; ++i) {
            CustodyHandler handler = new CustodyHandler();
            handler.setUp();
            string[] memory verbs = handler.verbs();
            for (uint256 j = 0; j < LENGTH; ++j) {
                uint256 dice = uint256(keccak256(abi.encode(i, j)));
                string memory verb = string.concat(verbs[dice % verbs.length], "(uint256)");
                (bool success,) = address(handler).call(abi.encodeWithSignature(verb, dice));
                assertTrue(success, verb);
            }
            for (uint256 j = 0; j < verbs.length; ++j) {
                if (j > 0 && keccak256(bytes(verbs[j])) == keccak256(bytes(verbs[j - 1]))) continue;
                done[verbs[j]] += handler.done(verbs[j]);
                refused[verbs[j]] += handler.refused(verbs[j]);
            }
            done["ask through a sub-grant"] += handler.done("ask through a sub-grant");
        }
    }

    function test_every_verb_happens_and_is_refused_often_enough() public {
        string[] memory verbs = new CustodyHandler().verbs();
        for (uint256 i = 0; i < verbs.length; ++i) {
            assertGe(done[verbs[i]], ENOUGH, verbs[i]);
            if (keccak256(bytes(verbs[i])) == keccak256("wait")) continue; // cannot fail
            assertGe(refused[verbs[i]], ENOUGH, verbs[i]);
        }
        assertGe(done["ask through a sub-grant"], ENOUGH, "ask through a sub-grant");
    }
}
