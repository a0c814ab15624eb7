// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "contracts/types/Terms.sol";

/// @notice Every signed act as a wallet hashes it, written from the documents and not from the contracts.
library Acts {
    string private constant TERMS = "Terms(address agent,uint64 classes,uint64 purposes,uint8 operations,"
        "uint64 startsAt,uint64 expiresAt,uint32 recordsFrom,uint32 recordsUntil,uint8 delegations,bytes32 parent,"
        "address condition,bytes32 vocabulary,string statement,bytes32 salt)";

    function digest(string memory name, address deployment, uint256 chainId, bytes32 structHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                chainId,
                deployment
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function invitation(address provider, address subject, uint32 number, uint64 expiresAt)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("Invitation(address provider,address subject,uint32 number,uint64 expiresAt)");
        return keccak256(abi.encode(kind, provider, subject, number, expiresAt));
    }

    function acceptance(address subject, address provider, uint32 number, uint64 expiresAt, bytes32 bundle)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "Acceptance(address subject,address provider,uint32 number,uint64 expiresAt,bytes32 bundle)"
        );
        return keccak256(abi.encode(kind, subject, provider, number, expiresAt, bundle));
    }

    function closure(address subject, address provider, uint32 number) internal pure returns (bytes32) {
        bytes32 kind = keccak256("Closure(address subject,address provider,uint32 number)");
        return keccak256(abi.encode(kind, subject, provider, number));
    }

    function anchor(address subject, address author, bytes32 head, bytes32[] memory digests, bytes memory locators)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("Anchor(address subject,address author,bytes32 head,bytes32[] digests,bytes locators)");
        bytes32 list = keccak256(abi.encodePacked(digests));
        return keccak256(abi.encode(kind, subject, author, head, list, keccak256(locators)));
    }

    function retraction(address subject, address author, bytes32 head, bytes32 digest_, bytes32 replacement)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "Retraction(address subject,address author,bytes32 head,bytes32 digest,bytes32 replacement)"
        );
        return keccak256(abi.encode(kind, subject, author, head, digest_, replacement));
    }

    function terms(Terms memory all, string memory statement) internal pure returns (bytes32) {
        bytes memory head = abi.encode(
            keccak256(bytes(TERMS)),
            all.agent,
            all.classes,
            all.purposes,
            all.operations,
            all.startsAt,
            all.expiresAt,
            all.recordsFrom
        );
        bytes memory tail = abi.encode(
            all.recordsUntil,
            all.delegations,
            all.parent,
            all.condition,
            all.vocabulary,
            keccak256(bytes(statement)),
            all.salt
        );
        return keccak256(bytes.concat(head, tail));
    }

    function grant(address subject, address grantor, address viewer, bytes32 bundle, bytes32 termsHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            bytes.concat(
                "Grant(address subject,address grantor,address viewer,bytes32 bundle,Terms terms)", bytes(TERMS)
            )
        );
        return keccak256(abi.encode(kind, subject, grantor, viewer, bundle, termsHash));
    }

    function revocation(address actor, bytes32 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Revocation(address actor,bytes32 id)"), actor, id));
    }

    function renunciation(address viewer, bytes32 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Renunciation(address viewer,bytes32 id)"), viewer, id));
    }

    function suspension(address grantor, bytes32 id, uint32 turn) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Suspension(address grantor,bytes32 id,uint32 turn)"), grantor, id, turn));
    }

    function resumption(address grantor, bytes32 id, uint32 turn) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Resumption(address grantor,bytes32 id,uint32 turn)"), grantor, id, turn));
    }

    function agentRevocation(address actor, bytes32 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("AgentRevocation(address actor,bytes32 id)"), actor, id));
    }

    function delegation(address subject, address delegate, uint64 expiresAt, uint32 turn)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("Delegation(address subject,address delegate,uint64 expiresAt,uint32 turn)");
        return keccak256(abi.encode(kind, subject, delegate, expiresAt, turn));
    }

    function dismissal(address subject, address delegate, uint32 turn) internal pure returns (bytes32) {
        bytes32 kind = keccak256("Dismissal(address subject,address delegate,uint32 turn)");
        return keccak256(abi.encode(kind, subject, delegate, turn));
    }

    function plan(address owner, bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares, uint32 turn)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "Plan(address owner,bytes32 guardians,uint32 silence,uint32 notice,bytes32 shares,uint32 turn)"
        );
        return keccak256(abi.encode(kind, owner, guardians, silence, notice, shares, turn));
    }

    function lifeSign(address owner, uint32 turn) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("LifeSign(address owner,uint32 turn)"), owner, turn));
    }

    function announcement(address owner, address heir, address guardian, uint32 turn) internal pure returns (bytes32) {
        bytes32 kind = keccak256("Announcement(address owner,address heir,address guardian,uint32 turn)");
        return keccak256(abi.encode(kind, owner, heir, guardian, turn));
    }

    function emergencyPlan(address subject, bytes32 grant_, bytes32 custody, uint32 turn)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind = keccak256("EmergencyPlan(address subject,bytes32 grant,bytes32 custody,uint32 turn)");
        return keccak256(abi.encode(kind, subject, grant_, custody, turn));
    }

    /// @dev A guardian in the tree of a plan, as OpenZeppelin's `StandardMerkleTree` hashes it.
    function guardianLeaf(address owner, address guardian, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(owner, guardian, salt))));
    }

    /// @dev Two nodes of that tree; the smaller comes first.
    function merklePair(bytes32 one, bytes32 other) internal pure returns (bytes32) {
        return one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));
    }

    function registration(address participant, bytes32 previous, bytes memory publicKey, bytes32 descriptor)
        internal
        pure
        returns (bytes32)
    {
        bytes32 kind =
            keccak256("Registration(address participant,bytes32 previous,bytes publicKey,bytes32 descriptor)");
        return keccak256(abi.encode(kind, participant, previous, keccak256(publicKey), descriptor));
    }
}
