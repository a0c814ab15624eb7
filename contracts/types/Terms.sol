// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a grant says. Only the hash of it ever stands on chain; whoever exercises a grant presents it.
/// @dev A static struct: `statement`, a string in the EIP-712 type, is here its keccak256 already, because the contract
/// has no use for the sentence and hashing the struct is then one `keccak256` over one calldata slice.
/// @param agent Software that may act for the viewer; zero for none.
/// @param classes Bit set of record classes, by their number in the vocabulary.
/// @param purposes Bit set of purposes of use, by their number in the vocabulary.
/// @param operations Bit set of operations: READ 1, QUERY 2, DERIVE 4, EXPORT 8, TRAIN 16.
/// @param startsAt First second (Unix time) at which the grant permits anything.
/// @param expiresAt First second at which it no longer does; `NO_EXPIRY` for none.
/// @param recordsFrom First clinical date of the records covered, as the decimal number YYYYMMDD; 0 for no bound.
/// @param recordsUntil Last clinical date covered, likewise; 99991231 for no bound.
/// @param delegations How many further levels of sub-grants the viewer may open below this one.
/// @param parent Id of the grant that this one is cut from; zero when the subject is the grantor.
/// @param condition Contract (see `ICondition`) that must hold at the moment of use; zero for none.
/// @param vocabulary Hash of the table that numbers classes and purposes.
/// @param statementHash keccak256 of the plain sentence that the wallet showed.
/// @param salt 32 random bytes, so that nobody can guess the terms from their hash.
struct Terms {
    address agent;
    uint64 classes;
    uint64 purposes;
    uint8 operations;
    uint64 startsAt;
    uint64 expiresAt;
    uint32 recordsFrom;
    uint32 recordsUntil;
    uint8 delegations;
    bytes32 parent;
    address condition;
    bytes32 vocabulary;
    bytes32 statementHash;
    bytes32 salt;
}

/// @notice One link of a chain of grants as presented to `permits`: from the subject's own down to the viewer's.
/// @param grantor Who granted: the subject at first, then the viewer of the grant before.
/// @param viewer To whom.
/// @param bundle Digest of the key bundle that hands over terms and keys.
/// @param terms What the grant says.
struct PresentedGrant {
    address grantor;
    address viewer;
    bytes32 bundle;
    Terms terms;
}

/// @notice What somebody wants to do with one record, or with any record of one date.
/// @param subject Whose record.
/// @param viewer Who wants to.
/// @param agent Software that acts for the viewer; zero for none.
/// @param class Number of the record's class.
/// @param purpose Number of the purpose of use.
/// @param operation One or more operation bits, as in `Terms.operations`.
/// @param date Clinical date of the record, YYYYMMDD; 0 for a record that has none.
struct Request {
    address subject;
    address viewer;
    address agent;
    uint8 class;
    uint8 purpose;
    uint8 operation;
    uint32 date;
}

/// @notice The state that a grantor's acts have left a grant in. Revoked and Renounced are terminal.
enum GrantStatus {
    None,
    Active,
    Suspended,
    Revoked,
    Renounced
}

/// @notice The rule that refuses a request; `Permitted` when none does.
enum Refusal {
    Permitted,
    NoGrant,
    NotGrantedBySubject,
    BrokenChain,
    NotDelegable,
    NotTheViewer,
    Unknown,
    Suspended,
    Revoked,
    Renounced,
    NotYetValid,
    Expired,
    Class,
    Purpose,
    Operation,
    RecordDate,
    Agent,
    AgentRevoked,
    Condition
}

/// @dev `Terms.expiresAt` of a grant that does not expire by itself.
uint64 constant NO_EXPIRY = type(uint64).max;
/// @dev `Terms.recordsUntil` of a grant without an upper bound; undated records need this and `recordsFrom` 0.
uint32 constant NO_LAST_DATE = 99991231;
