// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Vm} from "forge-std/Vm.sol";

import {MedRec} from "contracts/MedRec.sol";
import {Registrar} from "contracts/Registrar.sol";
import {IAccessLog} from "contracts/interfaces/IAccessLog.sol";
import {IDelegates} from "contracts/interfaces/IDelegates.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {IRecords} from "contracts/interfaces/IRecords.sol";
import {IRegistrar} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {GrantStatus} from "contracts/types/Terms.sol";

import {Model} from "./Model.sol";

/// @notice The whole state, rebuilt from nothing but events and the times of their blocks, as an index does it.
contract Rebuilt {
    struct Entry {
        uint256 kind;
        address author;
        uint256 time;
        bytes32 digest;
        bytes32 detail;
    }

    /// @dev Something whose state an event touched: a pair of people, a grant, a batch, an epoch.
    struct Pair {
        address first;
        address second;
    }

    struct Item {
        address actor;
        bytes32 id;
    }

    MedRec private immutable _MEDREC;
    Registrar private immutable _REGISTRAR;
    Model private immutable _MODEL;

    /// @notice Entries written by somebody who had no right to, at that time.
    uint256 public trespasses;
    /// @notice Grants made without the grantor's call or signature.
    uint256 public impositions;

    mapping(address => mapping(address => IRelationships.Relationship)) private relationships;
    mapping(address => mapping(address => IDelegates.Delegation)) private delegations;
    mapping(address => Entry[]) private ledgers;
    mapping(address => bytes32) private batchHeads;
    mapping(address => mapping(bytes32 => uint64)) private batchTimes;
    mapping(address => mapping(bytes32 => IGrants.GrantState)) private states;
    mapping(address => mapping(uint64 => bytes32)) private receiptsHeads;
    mapping(address => bytes32) private registrations;
    mapping(address => uint64[2]) private accreditations;
    mapping(bytes32 => bool) private seen;
    Pair[] private pairs;
    Pair[] private delegates;
    Item[] private grants;
    Item[] private batches;
    Item[] private epochs;
    address[] private subjects;
    address[] private participants;

    constructor(MedRec medrec, Registrar registrar, Model model) {
        (_MEDREC, _REGISTRAR, _MODEL) = (medrec, registrar, model);
    }

    // -------------------------------------------------------------------------------------------------------- Replay

    function replay(Vm.Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(_MEDREC)) _replay(logs[i]);
            if (logs[i].emitter == address(_REGISTRAR)) _replayRegistrar(logs[i]);
        }
    }

    function _replay(Vm.Log calldata log) private {
        bytes32 kind = log.topics[0];
        address first = _address(log.topics[1]);
        if (kind == IRelationships.RelationshipOpened.selector) {
            return _opened(first, _address(log.topics[2]), log.data);
        }
        if (kind == IRelationships.RelationshipClosed.selector) return _closed(first, _address(log.topics[2]));
        if (kind == IRecords.Anchored.selector) return _anchored(first, _address(log.topics[2]), log.data);
        if (kind == IRecords.ParcelAnchored.selector) {
            (uint64 time, bytes32 digest, bytes16 locator) = abi.decode(log.data, (uint64, bytes32, bytes16));
            return _enter(first, Entry(0, _address(log.topics[2]), time, digest, locator));
        }
        if (kind == IRecords.Retracted.selector) {
            return _retracted(first, _address(log.topics[2]), log.topics[3], log.data);
        }
        if (kind == IRecords.BatchAnchored.selector) return _batchAnchored(first, log.data);
        if (kind == IAccessLog.ReceiptsCommitted.selector) return _committed(first, log.topics[2], log.data);
        if (kind == IDelegates.DelegateNamed.selector) {
            (uint64 expiresAt, uint32 turn) = abi.decode(log.data, (uint64, uint32));
            return _delegated(first, _address(log.topics[2]), IDelegates.Delegation(expiresAt, turn));
        }
        if (kind == IDelegates.DelegateDismissed.selector) {
            (, uint32 turn) = abi.decode(log.data, (address, uint32));
            return _delegated(first, _address(log.topics[2]), IDelegates.Delegation(0, turn));
        }
        if (kind == IGrants.Granted.selector) return _granted(_address(log.topics[2]), log.data);
        _changed(kind, first, log.topics[2], log.data);
    }

    function _replayRegistrar(Vm.Log calldata log) private {
        if (log.topics[0] == IAccessManaged.AuthorityUpdated.selector) return; // at its creation
        address participant = _address(log.topics[1]);
        if (_isNew(keccak256(abi.encode("participant", participant)))) participants.push(participant);
        if (log.topics[0] == IRegistrar.Registered.selector) {
            (bytes32 previous, bytes memory key, bytes32 descriptor) = abi.decode(log.data, (bytes32, bytes, bytes32));
            registrations[participant] = keccak256(abi.encode(previous, keccak256(key), descriptor));
        }
        if (log.topics[0] == IRegistrar.Accredited.selector) {
            (uint64 roles, uint64 expiresAt,) = abi.decode(log.data, (uint64, uint64, bytes32));
            accreditations[participant] = [roles, expiresAt];
        }
        if (log.topics[0] == IRegistrar.AccreditationWithdrawn.selector) delete accreditations[participant];
    }

    function _delegated(address subject, address delegate, IDelegates.Delegation memory delegation) private {
        delegations[subject][delegate] = delegation;
        if (_isNew(keccak256(abi.encode("delegation", subject, delegate)))) delegates.push(Pair(subject, delegate));
    }

    function _opened(address subject, address provider, bytes calldata data) private {
        (uint32 number,) = abi.decode(data, (uint32, bytes32));
        relationships[subject][provider] = IRelationships.Relationship(number, uint64(block.timestamp), 0);
        if (_isNew(keccak256(abi.encode("pair", subject, provider)))) pairs.push(Pair(subject, provider));
    }

    function _closed(address subject, address provider) private {
        relationships[subject][provider].closedAt = uint64(block.timestamp);
    }

    function _anchored(address subject, address author, bytes calldata data) private {
        (uint64 time, bytes32[] memory digests, bytes memory locators) = abi.decode(data, (uint64, bytes32[], bytes));
        for (uint256 i = 0; i < digests.length; ++i) {
            bytes32 locator = 0;
            for (uint256 j = 0; j < 16; ++j) {
                locator |= bytes32(locators[i * 16 + j]) >> (8 * j);
            }
            _enter(subject, Entry(0, author, time, digests[i], locator));
        }
    }

    function _retracted(address subject, address author, bytes32 digest, bytes calldata data) private {
        (uint64 time, bytes32 replacement) = abi.decode(data, (uint64, bytes32));
        _enter(subject, Entry(1, author, time, digest, replacement));
    }

    function _enter(address subject, Entry memory entry) private {
        if (!_MODEL.mayWrite(subject, entry.author)) ++trespasses;
        if (_isNew(keccak256(abi.encode("subject", subject)))) subjects.push(subject);
        ledgers[subject].push(entry);
    }

    function _batchAnchored(address author, bytes calldata data) private {
        (uint64 time, bytes32 root, bytes32 manifest, uint32 count) =
            abi.decode(data, (uint64, bytes32, bytes32, uint32));
        bytes32 list = keccak256(abi.encode(manifest, count));
        batchHeads[author] = _fold(batchHeads[author], Entry(2, author, time, root, list));
        batchTimes[author][root] = time;
        batches.push(Item(author, root));
        if (!_MODEL.isAccredited(author, 1)) ++trespasses;
    }

    function _committed(address gateway, bytes32 epoch, bytes calldata data) private {
        (bytes32 head,) = abi.decode(data, (bytes32, uint32));
        receiptsHeads[gateway][uint64(uint256(epoch))] = head;
        epochs.push(Item(gateway, epoch));
    }

    function _granted(address grantor, bytes calldata data) private {
        (bytes32 id,,) = abi.decode(data, (bytes32, bytes32, bytes32));
        if (!_MODEL.consented(grantor, id)) ++impositions;
        _state(grantor, id).status = GrantStatus.Active;
    }

    function _changed(bytes32 kind, address actor, bytes32 id, bytes calldata data) private {
        IGrants.GrantState storage state = _state(actor, id);
        if (kind == IGrants.GrantRevoked.selector) state.status = GrantStatus.Revoked;
        if (kind == IGrants.GrantRenounced.selector) state.status = GrantStatus.Renounced;
        if (kind == IGrants.AgentRevoked.selector) state.agentRevoked = true;
        if (kind == IGrants.GrantSuspended.selector || kind == IGrants.GrantResumed.selector) {
            bool suspended = kind == IGrants.GrantSuspended.selector;
            state.status = suspended ? GrantStatus.Suspended : GrantStatus.Active;
            state.turn = abi.decode(data, (uint32)) + 1;
        }
    }

    function _state(address actor, bytes32 id) private returns (IGrants.GrantState storage state) {
        if (_isNew(keccak256(abi.encode("grant", actor, id)))) grants.push(Item(actor, id));
        state = states[actor][id];
        state.changedAt = uint64(block.timestamp);
    }

    function _isNew(bytes32 key) private returns (bool isNew) {
        isNew = !seen[key];
        seen[key] = true;
    }

    function _address(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }

    // ------------------------------------------------------------------------------------------------------- Compare

    /// @notice What differs from the chain; empty when nothing does.
    function difference() external view returns (string memory) {
        for (uint256 i = 0; i < pairs.length; ++i) {
            (address subject, address provider) = (pairs[i].first, pairs[i].second);
            bytes32 onChain = keccak256(abi.encode(_MEDREC.relationshipOf(subject, provider)));
            if (keccak256(abi.encode(relationships[subject][provider])) != onChain) return "a relationship";
        }
        for (uint256 i = 0; i < delegates.length; ++i) {
            (address subject, address delegate) = (delegates[i].first, delegates[i].second);
            bytes32 onChain = keccak256(abi.encode(_MEDREC.delegationOf(subject, delegate)));
            if (keccak256(abi.encode(delegations[subject][delegate])) != onChain) return "a delegation";
        }
        for (uint256 i = 0; i < grants.length; ++i) {
            (address actor, bytes32 id) = (grants[i].actor, grants[i].id);
            bytes32 onChain = keccak256(abi.encode(_MEDREC.grantState(actor, id)));
            if (keccak256(abi.encode(states[actor][id])) != onChain) return "a grant";
        }
        for (uint256 i = 0; i < batches.length; ++i) {
            (address author, bytes32 root) = (batches[i].actor, batches[i].id);
            if (batchTimes[author][root] != _MEDREC.batchAnchoredAt(author, root)) return "the time of a batch";
            if (batchHeads[author] != _MEDREC.batchHead(author)) return "the head of the batches";
        }
        for (uint256 i = 0; i < epochs.length; ++i) {
            (address gateway, uint64 epoch) = (epochs[i].actor, uint64(uint256(epochs[i].id)));
            if (receiptsHeads[gateway][epoch] != _MEDREC.receiptsHead(gateway, epoch)) return "a head of receipts";
        }
        for (uint256 i = 0; i < participants.length; ++i) {
            if (registrations[participants[i]] != _REGISTRAR.registrationOf(participants[i])) return "a registration";
            (uint64 roles, uint64 expiresAt) = _REGISTRAR.accreditationOf(participants[i]);
            uint64[2] memory rebuilt = accreditations[participants[i]];
            if (rebuilt[0] != roles || rebuilt[1] != expiresAt) return "an accreditation";
        }
        return "";
    }

    function writtenSubjects() external view returns (address[] memory) {
        return subjects;
    }

    function ledgerOf(address subject) external view returns (Entry[] memory) {
        return ledgers[subject];
    }

    function _fold(bytes32 head, Entry memory entry) private pure returns (bytes32) {
        return keccak256(abi.encode(head, entry.kind, entry.author, entry.time, entry.digest, entry.detail));
    }
}
