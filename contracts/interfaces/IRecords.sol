// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Records: a commitment to each sealed parcel, and per subject a ledger that no index can bend
/// @dev The ledger is a hash chain whose head is state: an index that hides, adds, reorders or alters an entry does not
/// reach it. Anchoring folds in, for each parcel, `keccak256(abi.encode(head, ANCHOR, author, time, digest, locator))`;
/// retracting `keccak256(abi.encode(head, RETRACT, author, time, digest, replacement))`.
interface IRecords {
    /// @notice `author` added parcels to the ledger of `subject`, in this order.
    /// @param time Unix time of the block, as folded into the ledger.
    /// @param digests sha2-256 digests of the CIDs of the sealed parcels.
    /// @param locators 16 bytes for each parcel, by which the holder of its key finds it.
    event Anchored(address indexed subject, address indexed author, uint64 time, bytes32[] digests, bytes locators);

    /// @notice `author` declared the parcel entered in error; `replacement` supersedes it, zero for nothing.
    event Retracted(
        address indexed subject, address indexed author, uint64 time, bytes32 indexed digest, bytes32 replacement
    );

    /// @notice `author` anchored parcels of many subjects at once.
    /// @param root Merkle root over the parcels' leaves (see `isInBatch`).
    /// @param manifest Digest of the list, kept in IPFS, from which subjects find their parcels.
    /// @param count Number of leaves.
    event BatchAnchored(address indexed author, uint64 time, bytes32 root, bytes32 manifest, uint32 count);

    /// @notice An anchor or a batch without a parcel.
    error NothingToAnchor();
    /// @notice `locators` is not 16 bytes for each digest.
    error LocatorsMismatch(uint256 digests, uint256 locatorBytes);
    /// @notice Neither the subject nor an accredited provider in an open relationship with it.
    error NotAnAuthor(address subject, address author);
    /// @notice The author has anchored this root already.
    error BatchAlreadyAnchored(address author, bytes32 root);

    /// @notice Adds parcels to the ledger of `subject`; the caller is their author.
    function anchor(address subject, bytes32[] calldata digests, bytes calldata locators) external;

    /// @notice The same by the author's signature over `Anchor(address subject,address author,bytes32 head,bytes32[]
    /// digests,bytes locators)`, where `head` is the ledger's head before: the signature fits that place only.
    function anchorWithSig(
        address subject,
        address author,
        bytes32[] calldata digests,
        bytes calldata locators,
        bytes calldata signature
    ) external;

    /// @notice Marks a parcel as entered in error. Readers heed it only from the author of the parcel.
    function retract(address subject, bytes32 digest, bytes32 replacement) external;

    /// @notice The same by the author's signature over `Retraction(address subject,address author,bytes32 head,bytes32
    /// digest,bytes32 replacement)`.
    function retractWithSig(
        address subject,
        address author,
        bytes32 digest,
        bytes32 replacement,
        bytes calldata signature
    ) external;

    /// @notice Anchors the root over parcels of many subjects; the caller is their author.
    /// @dev Warning: the contract can't see the subjects here. `isInBatch` is what tells whether the author was related.
    function anchorBatch(bytes32 root, bytes32 manifest, uint32 count) external;

    /// @notice Head of the subject's ledger; zero when nothing was ever anchored.
    function ledgerHead(address subject) external view returns (bytes32);

    /// @notice Head of the hash chain over the author's batches, folded as `keccak256(abi.encode(head, BATCH, author,
    /// time, root, keccak256(abi.encode(manifest, count))))`.
    function batchHead(address author) external view returns (bytes32);

    /// @notice When the author anchored this root, as Unix time; zero when never.
    function batchAnchoredAt(address author, bytes32 root) external view returns (uint64);

    /// @notice Whether the parcel is a leaf of an anchored batch that its author made while related to the subject, in
    /// the pair's latest relationship. The leaf is double-hashed, `keccak256(bytes.concat(keccak256(abi.encode(subject,
    /// number, digest, locator, blind))))`, the tree is that of OpenZeppelin's `MerkleProof` (pairs sorted).
    /// @param blind 32 bytes known to key holders only, so that the leaf betrays no subject.
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
