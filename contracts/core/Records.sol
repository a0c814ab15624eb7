// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {ROLE_PROVIDER} from "../interfaces/IRegistrar.sol";
import {Entry, IRecords} from "../interfaces/IRecords.sol";
import {Relationships} from "./Relationships.sol";

/// @title Records
/// @dev See `IRecords`, which says what each function promises.
abstract contract Records is Relationships, IRecords {
    bytes32 private constant ANCHOR_TYPEHASH =
        keccak256("Anchor(address subject,address author,bytes32 head,bytes32[] digests,bytes locators)");
    bytes32 private constant RETRACTION_TYPEHASH =
        keccak256("Retraction(address subject,address author,bytes32 head,bytes32 digest,bytes32 replacement)");

    mapping(address subject => bytes32) private _ledgerHeads;
    mapping(address author => bytes32) private _batchHeads;
    mapping(address author => mapping(bytes32 root => uint64)) private _batchTimes;

    // --------------------------------------------------------------------------------------------------------- Anchor

    /// @inheritdoc IRecords
    function anchorParcel(address subject, bytes32 digest, bytes16 locator) external {
        _requireAuthor(subject, msg.sender);
        uint64 time = uint64(block.timestamp);
        _ledgerHeads[subject] = _fold(_ledgerHeads[subject], Entry.Anchor, msg.sender, time, digest, locator);
        emit ParcelAnchored(subject, msg.sender, time, digest, locator);
    }

    /// @inheritdoc IRecords
    function anchor(address subject, bytes32[] calldata digests, bytes calldata locators) external {
        _anchor(subject, msg.sender, digests, locators);
    }

    /// @inheritdoc IRecords
    function anchorWithSig(
        address subject,
        address author,
        bytes32[] calldata digests,
        bytes calldata locators,
        bytes calldata signature
    ) external {
        bytes32 digestsHash = keccak256(abi.encodePacked(digests));
        bytes32 head = _ledgerHeads[subject];
        bytes32 structHash =
            keccak256(abi.encode(ANCHOR_TYPEHASH, subject, author, head, digestsHash, keccak256(locators)));
        _requireSignature(author, structHash, signature);
        _anchor(subject, author, digests, locators);
    }

    // -------------------------------------------------------------------------------------------------------- Retract

    /// @inheritdoc IRecords
    function retract(address subject, bytes32 digest, bytes32 replacement) external {
        _retract(subject, msg.sender, digest, replacement);
    }

    /// @inheritdoc IRecords
    function retractWithSig(
        address subject,
        address author,
        bytes32 digest,
        bytes32 replacement,
        bytes calldata signature
    ) external {
        bytes32 head = _ledgerHeads[subject];
        bytes32 structHash = keccak256(abi.encode(RETRACTION_TYPEHASH, subject, author, head, digest, replacement));
        _requireSignature(author, structHash, signature);
        _retract(subject, author, digest, replacement);
    }

    // -------------------------------------------------------------------------------------------------- Many subjects

    /// @inheritdoc IRecords
    function anchorBatch(bytes32 root, bytes32 manifest, uint32 count) external {
        if (count == 0) revert NothingToAnchor();
        _requireAccredited(msg.sender, ROLE_PROVIDER);
        if (_batchTimes[msg.sender][root] != 0) revert BatchAlreadyAnchored(msg.sender, root);

        uint64 time = uint64(block.timestamp);
        bytes32 list = keccak256(abi.encode(manifest, count));
        _batchTimes[msg.sender][root] = time;
        _batchHeads[msg.sender] = _fold(_batchHeads[msg.sender], Entry.Batch, msg.sender, time, root, list);
        emit BatchAnchored(msg.sender, time, root, manifest, count);
    }

    // ---------------------------------------------------------------------------------------------------------- Views

    /// @inheritdoc IRecords
    function ledgerHead(address subject) external view returns (bytes32) {
        return _ledgerHeads[subject];
    }

    /// @inheritdoc IRecords
    function batchHead(address author) external view returns (bytes32) {
        return _batchHeads[author];
    }

    /// @inheritdoc IRecords
    function batchAnchoredAt(address author, bytes32 root) external view returns (uint64) {
        return _batchTimes[author][root];
    }

    /// @inheritdoc IRecords
    function isInBatch(
        address subject,
        address author,
        bytes32 digest,
        bytes16 locator,
        bytes32 blind,
        bytes32 root,
        bytes32[] calldata proof
    ) external view returns (bool) {
        uint64 time = _batchTimes[author][root];
        Relationship storage relationship = _relationship(subject, author);
        bool related = relationship.openedAt != 0 && relationship.openedAt <= time
            && (relationship.closedAt == 0 || time < relationship.closedAt);
        if (time == 0 || !related) return false;

        bytes32 leaf = keccak256(abi.encode(subject, relationship.number, digest, locator, blind));
        return MerkleProof.verifyCalldata(proof, root, keccak256(bytes.concat(leaf)));
    }

    // ------------------------------------------------------------------------------------------------------ Internals

    function _anchor(address subject, address author, bytes32[] calldata digests, bytes calldata locators) private {
        if (digests.length == 0) revert NothingToAnchor();
        if (locators.length != digests.length * 16) revert LocatorsMismatch(digests.length, locators.length);
        _requireAuthor(subject, author);

        uint64 time = uint64(block.timestamp);
        bytes32 head = _ledgerHeads[subject];
        for (uint256 i = 0; i < digests.length; ++i) {
            bytes16 locator = bytes16(locators[i * 16:]);
            head = _fold(head, Entry.Anchor, author, time, digests[i], locator);
        }
        _ledgerHeads[subject] = head;
        emit Anchored(subject, author, time, digests, locators);
    }

    function _retract(address subject, address author, bytes32 digest, bytes32 replacement) private {
        _requireAuthor(subject, author);
        uint64 time = uint64(block.timestamp);
        _ledgerHeads[subject] = _fold(_ledgerHeads[subject], Entry.Retract, author, time, digest, replacement);
        emit Retracted(subject, author, time, digest, replacement);
    }

    function _requireAuthor(address subject, address author) private view {
        if (author == subject) return;
        if (!isOpen(subject, author) || !_REGISTRAR.isAccredited(author, ROLE_PROVIDER)) {
            revert NotAnAuthor(subject, author);
        }
    }

    /// @dev `keccak256(abi.encode(head, entry, author, time, digest, detail))` in memory that the next entry reuses:
    /// `abi.encode` would take fresh memory for each of a hundred parcels, at several times the gas.
    function _fold(bytes32 head, Entry entry, address author, uint64 time, bytes32 digest, bytes32 detail)
        private
        pure
        returns (bytes32 next)
    {
        // Widening clears the upper bits, which assembly would otherwise have to distrust.
        (uint256 entryWord, uint256 authorWord, uint256 timeWord) = (uint256(entry), uint160(author), time);
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, head)
            mstore(add(words, 0x20), entryWord)
            mstore(add(words, 0x40), authorWord)
            mstore(add(words, 0x60), timeWord)
            mstore(add(words, 0x80), digest)
            mstore(add(words, 0xa0), detail)
            next := keccak256(words, 0xc0)
        }
    }
}
