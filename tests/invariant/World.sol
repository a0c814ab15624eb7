// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Authority} from "contracts/Authority.sol";
import {MedRec} from "contracts/MedRec.sol";
import {Registrar} from "contracts/Registrar.sol";
import {Emergency} from "contracts/custody/Emergency.sol";
import {Guardianship} from "contracts/custody/Guardianship.sol";
import {ROLE_EMERGENCY, ROLE_GATEWAY, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {GrantStatus, NO_EXPIRY, NO_LAST_DATE, PresentedGrant, Refusal, Request, Terms} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";

/// @notice A deployment, and the people who act on it.
abstract contract World is Test {
    struct Person {
        address addr;
        uint256 key;
    }

    /// @dev What `forge` knows and the interface of this forge-std does not yet.
    NewerCheats internal constant NEWER = NewerCheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint64 internal constant START = 1_767_225_600; // 2026-01-01
    bytes32 internal constant BUNDLE = keccak256("a key bundle in IPFS");
    bytes32 internal constant DESCRIPTOR = keccak256("a document about a participant");
    bytes32 internal constant CREDENTIAL = keccak256("the evidence of an accreditation");
    bytes32 internal constant VOCABULARY = keccak256("the table of classes and purposes");
    string internal constant STATEMENT = "The clinic may read laboratory results since 2024 for treatment.";

    uint8 internal constant LABORATORY = 3;
    uint8 internal constant TREATMENT = 1;
    uint8 internal constant READ = 1;
    uint8 internal constant QUERY = 2;
    uint32 internal constant A_DATE = 20_240_615;

    Person internal patient = _person("patient");
    Person internal secondPatient = _person("second patient");
    Person internal provider = _person("provider");
    Person internal secondProvider = _person("second provider");
    Person internal viewer = _person("viewer");
    Person internal subViewer = _person("sub-viewer");
    Person internal agent = _person("agent");
    Person internal gateway = _person("gateway");
    Person internal relayer = _person("relayer");
    Person internal registrarAdmin = _person("registrar");
    Person internal stranger = _person("stranger");
    Person internal delegate = _person("delegate");
    Person internal guardian = _person("guardian");
    Person internal clinician = _person("emergency clinician");

    Authority internal authority;
    Registrar internal registrar;
    MedRec internal medrec;
    Guardianship internal guardianship;
    Emergency internal emergency;

    function setUp() public virtual {
        vm.warp(START);
        authority = new Authority(registrarAdmin.addr);
        registrar = new Registrar(address(authority));
        medrec = new MedRec(registrar);
        guardianship = new Guardianship(medrec);
        emergency = new Emergency(medrec, VOCABULARY, TREATMENT);
        _accredit(provider, ROLE_PROVIDER);
        _accredit(secondProvider, ROLE_PROVIDER);
        _accredit(gateway, ROLE_GATEWAY);
        _accredit(clinician, ROLE_EMERGENCY);
    }

    // --------------------------------------------------------------------------------------------------------- People

    function _person(string memory name) internal returns (Person memory person) {
        (person.addr, person.key) = makeAddrAndKey(name);
    }

    function _publicKey() internal pure returns (bytes memory) {
        return new bytes(1216);
    }

    function _accredit(Person memory person, uint64 roles) internal {
        vm.prank(person.addr);
        registrar.register(_publicKey(), DESCRIPTOR);
        vm.prank(registrarAdmin.addr);
        registrar.accredit(person.addr, roles, START + 365 days, CREDENTIAL);
    }

    // ------------------------------------------------------------------------------------------------------ Signatures

    /// @dev Signs for MedRec.
    function _sign(Person memory signer, bytes32 structHash) internal view returns (bytes memory) {
        return _signFor(address(medrec), "MedRec", signer.key, structHash);
    }

    /// @dev Signs for the Registrar.
    function _signRegistration(Person memory signer, bytes32 structHash) internal view returns (bytes memory) {
        return _signFor(address(registrar), "MedRec Registrar", signer.key, structHash);
    }

    /// @dev Signs for the Guardianship.
    function _signGuardianship(Person memory signer, bytes32 structHash) internal view returns (bytes memory) {
        return _signFor(address(guardianship), "MedRec Guardianship", signer.key, structHash);
    }

    /// @dev Signs for the Emergency.
    function _signEmergency(Person memory signer, bytes32 structHash) internal view returns (bytes memory) {
        return _signFor(address(emergency), "MedRec Emergency", signer.key, structHash);
    }

    /// @dev What a delegate hands in for an act of the subject's.
    function _signAsDelegate(Person memory signer, bytes32 structHash) internal view returns (bytes memory) {
        return bytes.concat(bytes20(signer.addr), _sign(signer, structHash));
    }

    function _signFor(address deployment, string memory name, uint256 key, bytes32 structHash)
        internal
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, Acts.digest(name, deployment, block.chainid, structHash));
        return abi.encodePacked(r, s, v);
    }

    // --------------------------------------------------------------------------------------------------- Relationships

    /// @dev Opens the next relationship of the pair, by both signatures and a relayer.
    function _open(Person memory subject, Person memory by) internal {
        uint32 number = medrec.relationshipOf(subject.addr, by.addr).number + 1;
        uint64 expiresAt = uint64(block.timestamp) + 7 days;
        bytes memory invitation = _sign(by, Acts.invitation(by.addr, subject.addr, number, expiresAt));
        bytes memory acceptance = _sign(subject, Acts.acceptance(subject.addr, by.addr, number, expiresAt, BUNDLE));
        vm.prank(relayer.addr);
        medrec.open(subject.addr, by.addr, expiresAt, BUNDLE, invitation, acceptance);
    }

    // ---------------------------------------------------------------------------------------------------------- Grants

    /// @dev Terms that permit reading and querying laboratory results of any date for treatment, for thirty days.
    function _terms() internal view returns (Terms memory) {
        return Terms({
            agent: agent.addr,
            classes: uint64(1) << LABORATORY,
            purposes: uint64(1) << TREATMENT,
            operations: READ | QUERY,
            startsAt: START,
            expiresAt: START + 30 days,
            recordsFrom: 0,
            recordsUntil: NO_LAST_DATE,
            delegations: 1,
            parent: 0,
            condition: address(0),
            vocabulary: VOCABULARY,
            statementHash: keccak256(bytes(STATEMENT)),
            salt: keccak256("salt")
        });
    }

    function _root(Terms memory terms) internal view returns (PresentedGrant memory) {
        return PresentedGrant(patient.addr, viewer.addr, BUNDLE, terms);
    }

    /// @dev The viewer's grant to the sub-viewer, cut from `parent`.
    function _child(PresentedGrant memory parent, Terms memory terms) internal view returns (PresentedGrant memory) {
        terms.parent = _id(parent);
        return PresentedGrant(parent.viewer, subViewer.addr, BUNDLE, terms);
    }

    function _id(PresentedGrant memory presented) internal view returns (bytes32) {
        return Acts.grant(
            patient.addr, presented.grantor, presented.viewer, presented.bundle, Acts.terms(presented.terms, STATEMENT)
        );
    }

    /// @dev Puts a grant on chain by its grantor's own call.
    function _grant(PresentedGrant memory presented) internal returns (bytes32) {
        vm.prank(presented.grantor);
        medrec.grant(patient.addr, presented.viewer, presented.bundle, Acts.terms(presented.terms, STATEMENT));
        return _id(presented);
    }

    function _chain(PresentedGrant memory root) internal pure returns (PresentedGrant[] memory grants) {
        grants = new PresentedGrant[](1);
        grants[0] = root;
    }

    function _chain(PresentedGrant memory root, PresentedGrant memory child)
        internal
        pure
        returns (PresentedGrant[] memory grants)
    {
        grants = new PresentedGrant[](2);
        grants[0] = root;
        grants[1] = child;
    }

    /// @dev A request that `_terms` permit.
    function _request(Person memory by) internal view returns (Request memory) {
        return Request(patient.addr, by.addr, address(0), LABORATORY, TREATMENT, READ, A_DATE);
    }

    /// @dev What the patient grants for an emergency: the terms of `_terms`, to the contract.
    function _emergencyRoot() internal view returns (PresentedGrant memory) {
        return PresentedGrant(patient.addr, address(emergency), BUNDLE, _terms());
    }

    /// @dev The sub-grant that an emergency makes, written from the documents and not from the contract.
    function _emergencyChild(Person memory by, uint64 startsAt, uint64 expiresAt)
        internal
        view
        returns (PresentedGrant memory)
    {
        Terms memory terms = Terms({
            agent: address(0),
            classes: type(uint64).max,
            purposes: uint64(1) << TREATMENT,
            operations: READ,
            startsAt: startsAt,
            expiresAt: expiresAt,
            recordsFrom: 0,
            recordsUntil: NO_LAST_DATE,
            delegations: 0,
            parent: _id(_emergencyRoot()),
            condition: address(emergency),
            vocabulary: VOCABULARY,
            statementHash: keccak256(bytes(STATEMENT)),
            salt: keccak256("salt")
        });
        return PresentedGrant(address(emergency), by.addr, BUNDLE, terms);
    }

    function _assertRefused(
        PresentedGrant[] memory grants,
        Request memory request,
        Refusal expected,
        uint256 expectedPosition
    ) internal view {
        (Refusal refusal, uint256 position) = medrec.evaluate(grants, request);
        assertEq(uint256(refusal), uint256(expected), "refusal");
        assertEq(position, expectedPosition, "position");
        assertEq(medrec.permits(grants, request), expected == Refusal.Permitted, "permits");
    }

    function _assertStatus(address actor, bytes32 id, GrantStatus expected) internal view {
        assertEq(uint256(medrec.grantState(actor, id).status), uint256(expected), "status");
    }
}

/// @notice Cheat codes that are newer than this forge-std.
interface NewerCheats {
    struct SignedDelegation {
        uint8 v;
        bytes32 r;
        bytes32 s;
        uint64 nonce;
        address implementation;
    }

    function signAndAttachDelegation(address implementation, uint256 privateKey)
        external
        returns (SignedDelegation memory);

    function snapshotState() external returns (uint256 snapshotId);

    function revertToState(uint256 snapshotId) external returns (bool success);
}
