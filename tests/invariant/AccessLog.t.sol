// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessLog} from "contracts/interfaces/IAccessLog.sol";
import {ROLE_GATEWAY} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";

import {World} from "./World.sol";

contract AccessLogTest is World {
    bytes32 private constant HEAD = keccak256("the head of a chain of receipts");
    uint64 private constant EPOCH = 20_454;

    function test_an_accredited_gateway_commits_the_head_of_an_epoch() public {
        vm.expectEmit(address(medrec));
        emit IAccessLog.ReceiptsCommitted(gateway.addr, EPOCH, HEAD, 17);
        vm.prank(gateway.addr);
        medrec.commitReceipts(EPOCH, HEAD, 17);
        assertEq(medrec.receiptsHead(gateway.addr, EPOCH), HEAD);
        assertEq(medrec.receiptsHead(gateway.addr, EPOCH + 1), 0);
        assertEq(medrec.receiptsHead(provider.addr, EPOCH), 0);
    }

    function test_what_is_committed_stays() public {
        vm.startPrank(gateway.addr);
        medrec.commitReceipts(EPOCH, HEAD, 17);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.EpochAlreadyCommitted.selector, gateway.addr, EPOCH, HEAD));
        medrec.commitReceipts(EPOCH, ~HEAD, 18);
        medrec.commitReceipts(EPOCH + 1, ~HEAD, 0);
        vm.stopPrank();
        assertEq(medrec.receiptsHead(gateway.addr, EPOCH), HEAD);
    }

    function test_zero_is_not_a_head() public {
        vm.prank(gateway.addr);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.EmptyHead.selector, gateway.addr, EPOCH));
        medrec.commitReceipts(EPOCH, 0, 17);
    }

    function test_only_a_gateway_whose_accreditation_runs_commits() public {
        Person[3] memory others = [provider, stranger, patient];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i].addr);
            vm.expectRevert(abi.encodeWithSelector(IRelationships.NotAccredited.selector, others[i].addr, ROLE_GATEWAY));
            medrec.commitReceipts(EPOCH, HEAD, 17);
        }
        vm.warp(START + 365 days);
        vm.prank(gateway.addr);
        vm.expectRevert(abi.encodeWithSelector(IRelationships.NotAccredited.selector, gateway.addr, ROLE_GATEWAY));
        medrec.commitReceipts(EPOCH, HEAD, 17);
    }
}
