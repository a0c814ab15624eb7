// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Records: a commitment to each sealed parcel, and per subject a ledger that no index can bend
/// @dev The ledger is a hash chain whose head is state: an index that hides, adds, reorders or alters an entry does not
/// reach it. Anchoring folds in, for each parcel, `keccak256(abi.encode(head, ANCHOR, author, time, digest, locator))`;
/// retracting `keccak256(abi.encode(head, RETRACT, author, time, digest, replacement))`.
interface IRecords {
    /// @notice Parcels were added to a ledger, in this order.
    /// @param subject Whose ledger.
    /// @param author Who added them.
    /// @param time Unix time of the block, as folded into the ledger.
    /// @param digests sha2-256 digests of the CIDs of the sealed parcels.
    /// @param locators 16 bytes for each parcel, by which the holder of its key finds it.
    event Anchored(address indexed subject, address indexed author, uint64 time, bytes32[] digests, bytes locators);

    /// @notice A single parcel was added to a ledger: what `Anchored` says of several, at less gas.
    /// @param subject Whose ledger.
    /// @param author Who anchored it.
    /// @param time Unix time of the block, as folded into the ledger.
    /// @param digest sha2-256 digest of the CID of the sealed parcel.
    /// @param locator By which the holder of its key finds it.
    event ParcelAnchored(address indexed subject, address indexed author, uint64 time, bytes32 digest, bytes16 locator);

    /// @notice A parcel was declared entered in error.
    /// @param subject In whose ledger.
    /// @param author Who declared it; readers heed only the author of the parcel.
    /// @param time Unix time of the block, as folded into the ledger.
    /// @param digest The parcel's.
    /// @param replacement Digest of the parcel that supersedes it; zero for nothing.
    event Retracted(
        address indexed subject, address indexed author, uint64 time, bytes32 indexed digest, bytes32 replacement
    );

    /// @notice Parcels of many subjects were anchored at once.
    /// @param author Who anchored them.
    /// @param time Unix time of the block, as folded into the author's chain of batches.
    /// @param root Merkle root over the parcels' leaves (see `isInBatch`).
    /// @param manifest Digest of the list, kept in IPFS, from which subjects find their parcels.
    /// @param count Number of leaves.
    event BatchAnchored(address indexed author, uint64 time, bytes32 root, bytes32 manifest, uint32 count);

    /// @notice An anchor or a batch without a parcel.
    error NothingToAnchor();
    /// @notice `locators` is not 16 bytes for each digest.
    /// @param digests Number of digests.
    /// @param locatorBytes Number of bytes.
    error LocatorsMismatch(uint256 digests, uint256 locatorBytes);
    /// @notice Neither the subject nor an accredited provider in an open relationship with it.
    /// @param subject Whose ledger.
    /// @param author Who tried, by call or signature.
    error NotAnAuthor(address subject, address author);
    /// @notice The author has anchored this root already.
    /// @param author Who tried.
    /// @param root The root.
    error BatchAlreadyAnchored(address author, bytes32 root);

    /// @notice Adds one parcel to a ledger; the caller is its author.
    /// @param subject Whose ledger.
    /// @param digest sha2-256 digest of the CID of the sealed parcel.
    /// @param locator By which the holder of its key finds it.
    function anchorParcel(address subject, bytes32 digest, bytes16 locator) external;

    /// @notice Adds parcels to a ledger; the caller is their author.
    /// @param subject Whose ledger.
    /// @param digests sha2-256 digests of the CIDs of the sealed parcels.
    /// @param locators 16 bytes for each.
    function anchor(address subject, bytes32[] calldata digests, bytes calldata locators) external;

    /// @notice The same by signature.
    /// @param subject Whose ledger.
    /// @param author Who signed.
    /// @param digests sha2-256 digests of the CIDs of the sealed parcels.
    /// @param locators 16 bytes for each.
    /// @param signature Over `Anchor(address subject,address author,bytes32 head,bytes32[] digests,bytes locators)`,
    /// where `head` is the ledger's head before: the signature fits that place only.
    function anchorWithSig(
        address subject,
        address author,
        bytes32[] calldata digests,
        bytes calldata locators,
        bytes calldata signature
    ) external;

    /// @notice Marks a parcel as entered in error. Readers heed it only from the author of the parcel.
    /// @param subject In whose ledger.
    /// @param digest The parcel's.
    /// @param replacement Digest of the parcel that supersedes it; zero for nothing.
    function retract(address subject, bytes32 digest, bytes32 replacement) external;

    /// @notice The same by signature.
    /// @param subject In whose ledger.
    /// @param author Who signed.
    /// @param digest The parcel's.
    /// @param replacement Digest of the parcel that supersedes it; zero for nothing.
    /// @param signature Over `Retraction(address subject,address author,bytes32 head,bytes32 digest,bytes32
    /// replacement)`, where `head` is the ledger's head before.
    function retractWithSig(
        address subject,
        address author,
        bytes32 digest,
        bytes32 replacement,
        bytes calldata signature
    ) external;

    /// @notice Anchors the root over parcels of many subjects; the caller is their author.
    /// @dev Warning: the contract can't see the subjects here. `isInBatch` tells whether the author was related.
    /// @param root Merkle root over the parcels' leaves.
    /// @param manifest Digest of the list from which subjects find their parcels.
    /// @param count Number of leaves.
    function anchorBatch(bytes32 root, bytes32 manifest, uint32 count) external;

    /// @notice Head of a ledger.
    /// @param subject Whose.
    /// @return The head; zero when nothing was ever anchored.
    function ledgerHead(address subject) external view returns (bytes32);

    /// @notice Head of the hash chain over an author's batches, folded as `keccak256(abi.encode(head, BATCH, author,
    /// time, root, keccak256(abi.encode(manifest, count))))`.
    /// @param author Whose.
    /// @return The head; zero when there was never a batch.
    function batchHead(address author) external view returns (bytes32);

    /// @notice When an author anchored a root.
    /// @param author Who.
    /// @param root The root.
    /// @return Unix time; zero when never.
    function batchAnchoredAt(address author, bytes32 root) external view returns (uint64);

    /// @notice Whether the parcel is a leaf of an anchored batch that its author made while related to the subject, in
    /// the pair's latest relationship. The leaf is double-hashed, `keccak256(bytes.concat(keccak256(abi.encode(subject,
    /// number, digest, locator, blind))))`, the tree is that of OpenZeppelin's `MerkleProof` (pairs sorted).
    /// @dev Warning: a pair's earlier relationships are known from the events only; a parcel of theirs is not found.
    /// @param subject Whose parcel.
    /// @param author Who anchored the batch.
    /// @param digest The parcel's.
    /// @param locator The parcel's.
    /// @param blind 32 bytes known to key holders only, so that the leaf betrays no subject.
    /// @param root The batch's.
    /// @param proof Siblings from the leaf up to the root; empty for a batch of one.
    /// @return Whether it is.
    function isInBatch(
        address subject,
        address author,
        bytes32 digest,
        bytes16 locator,
        bytes32 blind,
        bytes32 root,
        bytes32[] calldata proof
    ) external view returns (bool);
}

/// @dev What a ledger entry is; part of what is hashed, so that no entry passes for one of another kind.
enum Entry {
    Anchor,
    Retract,
    Batch
}
