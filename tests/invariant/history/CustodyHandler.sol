// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDelegates} from "contracts/interfaces/IDelegates.sol";
import {IEmergency} from "contracts/interfaces/IEmergency.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {IGuardianship} from "contracts/interfaces/IGuardianship.sol";
import {ROLE_EMERGENCY} from "contracts/interfaces/IRegistrar.sol";
import {GrantStatus, PresentedGrant, Request} from "contracts/types/Terms.sol";

import {Acts} from "../Acts.sol";
import {Custody} from "./Custody.sol";
import {Handler} from "./Handler.sol";

/// @notice The history goes on with those who act for others: delegates, guardians, emergency clinicians.
contract CustodyHandler is Handler {
    struct Declared {
        address subject;
        PresentedGrant root;
        PresentedGrant child;
        bytes32 rootId;
        bytes32 id;
        uint32 turn;
    }

    bytes32 private constant SALT = keccak256("a guardian's salt");
    bytes32 private constant SHARES = keccak256("sealed shares");

    Custody public custody;

    mapping(address subject => PresentedGrant) private roots;
    mapping(address subject => bytes32) private prepared;
    mapping(address subject => uint32) private turns;
    Declared[] private declared;

    function setUp() public override {
        super.setUp();
        address[] memory addresses = new address[](people.length);
        for (uint256 i = 0; i < people.length; ++i) {
            addresses[i] = people[i].addr;
        }
        custody = new Custody(medrec, guardianship, model, addresses);
    }

    /// @inheritdoc Handler
    function verbs() public pure override returns (string[] memory list) {
        string[20] memory more = [
            "nameDelegate",
            "nameDelegate",
            "dismissDelegate",
            "setPlan",
            "setPlan",
            "giveLifeSign",
            "proveLife",
            "proveLife",
            "announce",
            "announce",
            "announce",
            "releaseShare",
            "prepare",
            "prepare",
            "declare",
            "declare",
            "declare",
            "releaseKey",
            "releaseKey",
            "releaseKey"
        ];
        string[] memory before = super.verbs();
        list = new string[](before.length + more.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = i < before.length ? before[i] : more[i - before.length];
        }
    }

    // ------------------------------------------------------------------------------------------------------ Delegates

    function nameDelegate(uint256 seed) external rolls(seed) {
        (Person memory subject, Person memory to) = (_mostly(_subject()), _mostly(delegate));
        uint64 expiresAt = uint64(block.timestamp + _roll(4) * 10 days);
        uint32 turn = model.delegationTurns(subject.addr, to.addr);
        (bool directly, bool authentic, bytes memory signature) =
            _speak(subject, Acts.delegation(subject.addr, to.addr, expiresAt, turn));
        bool expected = authentic && expiresAt > block.timestamp;
        bytes memory call = directly
            ? abi.encodeCall(IDelegates.nameDelegate, (to.addr, expiresAt))
            : abi.encodeCall(IDelegates.nameDelegateWithSig, (subject.addr, to.addr, expiresAt, signature));
        _doMedRec("nameDelegate", directly ? subject.addr : relayer.addr, call, expected);
        if (expected) model.nameDelegate(subject.addr, to.addr, expiresAt);
    }

    function dismissDelegate(uint256 seed) external rolls(seed) {
        (Person memory subject, Person memory to) = (_subject(), _mostly(delegate));
        Person memory by = _mostly(_roll(2) == 0 ? subject : to);
        uint32 turn = model.delegationTurns(subject.addr, to.addr);
        (bool directly, bool authentic, bytes memory signature) =
            _speak(by, Acts.dismissal(subject.addr, to.addr, turn));
        bool expected = authentic && (by.addr == subject.addr || by.addr == to.addr);
        bytes memory call = directly
            ? abi.encodeCall(IDelegates.dismissDelegate, (subject.addr, to.addr))
            : abi.encodeCall(IDelegates.dismissDelegateWithSig, (subject.addr, to.addr, by.addr, signature));
        _doMedRec("dismissDelegate", directly ? by.addr : relayer.addr, call, expected);
        if (expected) model.dismissDelegate(subject.addr, to.addr);
    }

    // ------------------------------------------------------------------------------------------------------ Guardians

    /// @dev Everybody's guardians, when they have any: `guardian` and `viewer`.
    function _guardians(address owner) private view returns (bytes32) {
        return
            Acts.merklePair(Acts.guardianLeaf(owner, guardian.addr, SALT), Acts.guardianLeaf(owner, viewer.addr, SALT));
    }

    function _proof(address owner, address by) private view returns (bytes32[] memory proof) {
        proof = new bytes32[](1);
        proof[0] = Acts.guardianLeaf(owner, by == guardian.addr ? viewer.addr : guardian.addr, SALT);
    }

    function _isGuardian(address owner, address by) private view returns (bool) {
        (bytes32 chosen,,,,) = custody.plans(owner);
        return chosen != 0 && (by == guardian.addr || by == viewer.addr);
    }

    function _doGuardianship(string memory verb, address caller, bytes memory call, bool expected) private {
        _do(verb, address(guardianship), caller, call, expected);
    }

    function setPlan(uint256 seed) external rolls(seed) {
        Person memory owner = _subject();
        bytes32 guardians = _roll(6) == 0 ? bytes32(0) : _guardians(owner.addr);
        (uint32 silence, uint32 notice) = (uint32(_roll(3) * 1 days), uint32(_roll(4) * 1 days));
        (,,, uint32 turn,) = custody.plans(owner.addr);
        (bool directly, bool authentic, bytes memory signature) = _speakOf(
            address(guardianship),
            "MedRec Guardianship",
            owner,
            Acts.plan(owner.addr, guardians, silence, notice, SHARES, turn)
        );
        bool expected = authentic && (guardians == 0 || notice != 0);
        bytes memory call = directly
            ? abi.encodeCall(IGuardianship.setPlan, (guardians, silence, notice, SHARES))
            : abi.encodeCall(IGuardianship.setPlanWithSig, (owner.addr, guardians, silence, notice, SHARES, signature));
        _doGuardianship("setPlan", directly ? owner.addr : relayer.addr, call, expected);
        if (expected) custody.setPlan(owner.addr, guardians, silence, notice);
    }

    function giveLifeSign(uint256 seed) external rolls(seed) {
        Person memory owner = _subject();
        (,,, uint32 turn,) = custody.plans(owner.addr);
        (bool directly, bool authentic, bytes memory signature) =
            _speakOf(address(guardianship), "MedRec Guardianship", owner, Acts.lifeSign(owner.addr, turn));
        bytes memory call = directly
            ? abi.encodeCall(IGuardianship.giveLifeSign, ())
            : abi.encodeCall(IGuardianship.giveLifeSignWithSig, (owner.addr, signature));
        _doGuardianship("giveLifeSign", directly ? owner.addr : relayer.addr, call, authentic);
        if (authentic) custody.giveLifeSign(owner.addr);
    }

    function proveLife(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        bytes32 id = model.knownAt(_roll(model.count())).id;
        address owner = _mostly(_subject()).addr;
        (,,,, uint64 lastSignAt) = custody.plans(owner);
        uint64 changedAt = medrec.grantState(owner, id).changedAt;
        bool expected = model.statuses(owner, id) == GrantStatus.Active && !model.agentDismissed(owner, id)
            && changedAt > lastSignAt;
        _doGuardianship("proveLife", _anyone().addr, abi.encodeCall(IGuardianship.proveLife, (owner, id)), expected);
        if (expected) custody.proveLife(owner, changedAt);
    }

    function announce(uint256 seed) external rolls(seed) {
        (address owner, address heir) = (_subject().addr, _anyone().addr);
        Person memory by = _mostly(_roll(2) == 0 ? guardian : viewer);
        (, uint64 silence,, uint32 turn, uint64 lastSignAt) = custody.plans(owner);
        (bool directly, bool authentic, bytes memory signature) =
            _speakOf(address(guardianship), "MedRec Guardianship", by, Acts.announcement(owner, heir, by.addr, turn));
        bool expected = authentic && _isGuardian(owner, by.addr) && block.timestamp > lastSignAt + silence
            && custody.announcedAt(owner, heir) == 0;
        bytes memory call =
            abi.encodeCall(IGuardianship.announce, (owner, heir, by.addr, SALT, _proof(owner, by.addr), signature));
        _doGuardianship("announce", directly ? by.addr : relayer.addr, call, expected);
        if (expected) custody.announce(owner, heir);
    }

    function releaseShare(uint256 seed) external rolls(seed) {
        (address owner, address heir) = (_subject().addr, _anyone().addr);
        if (_roll(4) != 0) heir = _announced(owner);
        // Mostly after the notice, which may be longer than a history waits.
        (,, uint64 notice,,) = custody.plans(owner);
        uint64 opening = custody.announcedAt(owner, heir) + notice;
        if (opening > block.timestamp && opening > notice && _roll(4) != 0) vm.warp(opening);
        address by = _mostly(_roll(2) == 0 ? guardian : viewer).addr;
        bytes memory call = abi.encodeCall(IGuardianship.release, (owner, heir, SALT, _proof(owner, by), SHARES));
        _doGuardianship("releaseShare", by, call, _isGuardian(owner, by) && custody.isOpen(owner, heir));
    }

    /// @dev Somebody who stands announced, if need be because a guardian does it now: histories are too short to wait.
    function _announced(address owner) private returns (address heir) {
        for (uint256 i = 0; i < people.length; ++i) {
            if (custody.announcedAt(owner, people[i].addr) != 0) return people[i].addr;
        }
        (bytes32 chosen, uint64 silence,,, uint64 lastSignAt) = custody.plans(owner);
        heir = _anyone().addr;
        if (chosen == 0) return heir;
        if (block.timestamp <= lastSignAt + silence) vm.warp(lastSignAt + silence + 1);
        bytes memory call = abi.encodeCall(
            IGuardianship.announce, (owner, heir, guardian.addr, SALT, _proof(owner, guardian.addr), "")
        );
        _doGuardianship("announce", guardian.addr, call, true);
        custody.announce(owner, heir);
        vm.recordLogs();
    }

    // ---------------------------------------------------------------------------------------------------- Emergencies

    /// @dev Grants to the contract and prepares that grant; or takes it back, or says something that it never granted.
    function prepare(uint256 seed) external rolls(seed) {
        Person memory subject = _subject();
        PresentedGrant memory root = PresentedGrant(subject.addr, address(emergency), BUNDLE, _terms());
        (root.terms.salt, root.terms.expiresAt) = (bytes32(dice), uint64(block.timestamp + 60 days));
        bytes32 id = _grantForEmergencies(subject.addr, Acts.terms(root.terms, STATEMENT));
        if (_roll(6) == 0) id = 0;
        if (!_prepare(subject, id)) return;
        (roots[subject.addr], prepared[subject.addr]) = (root, id);
        turns[subject.addr]++;
    }

    function _grantForEmergencies(address subject, bytes32 termsHash) private returns (bytes32 id) {
        id = Acts.grant(subject, subject, address(emergency), BUNDLE, termsHash);
        if (_roll(4) == 0) return id;
        model.consent(subject, id);
        bytes memory call = abi.encodeCall(IGrants.grant, (subject, address(emergency), BUNDLE, termsHash));
        // The same dice make the same grant again, which stands already.
        bool expected = model.statuses(subject, id) == GrantStatus.None;
        _doMedRec("grant", subject, call, expected);
        if (expected) model.grant(subject, id);
        vm.recordLogs();
    }

    function _prepare(Person memory subject, bytes32 id) private returns (bool) {
        bytes32 structHash = Acts.emergencyPlan(subject.addr, id, SHARES, turns[subject.addr]);
        (bool directly, bool authentic, bytes memory signature) =
            _speakOf(address(emergency), "MedRec Emergency", subject, structHash);
        bytes memory call = directly
            ? abi.encodeCall(IEmergency.prepare, (id, SHARES))
            : abi.encodeCall(IEmergency.prepareWithSig, (subject.addr, id, SHARES, signature));
        _do("prepare", address(emergency), directly ? subject.addr : relayer.addr, call, authentic);
        return authentic;
    }

    function declare(uint256 seed) external rolls(seed) {
        (address subject, Person memory by) = (_subject().addr, _mostly(clinician));
        (uint64 startsAt, uint64 expiresAt) =
            (uint64(block.timestamp + _roll(5) / 4), uint64(block.timestamp + _roll(80) * 1 hours));
        Declared memory one = Declared(
            subject, roots[subject], _emergencyChild(by, startsAt, expiresAt), prepared[subject], 0, turns[subject]
        );
        (one.child.terms.parent, one.child.terms.salt) = (one.rootId, bytes32(dice));
        bytes32 termsHash = Acts.terms(one.child.terms, STATEMENT);
        one.id = Acts.grant(subject, address(emergency), by.addr, BUNDLE, termsHash);
        bool expected = model.isAccredited(by.addr, ROLE_EMERGENCY) && startsAt <= block.timestamp
            && expiresAt > block.timestamp && expiresAt <= block.timestamp + 3 days
            && model.statuses(subject, one.rootId) == GrantStatus.Active
            && model.statuses(address(emergency), one.id) == GrantStatus.None;
        if (expected) model.consent(address(emergency), one.id);
        bytes memory call = abi.encodeCall(
            IEmergency.declare,
            (subject, startsAt, expiresAt, keccak256(bytes(STATEMENT)), bytes32(dice), BUNDLE, SHARES)
        );
        // The salt is the dice as it stood: `_do` rolls no more.
        _do("declare", address(emergency), by.addr, call, expected);
        if (!expected) return;
        model.grant(address(emergency), one.id);
        declared.push(one);
    }

    /// @dev A custodian releases; the subject may have ended the emergency just before.
    function releaseKey(uint256 seed) external rolls(seed) {
        if (declared.length == 0) return;
        Declared memory one = declared[_roll(3) == 0 ? _roll(declared.length) : declared.length - 1];
        if (_roll(6) == 0) {
            bytes32 ended = _roll(2) == 0 ? one.id : one.rootId;
            _doMedRec("revoke", one.subject, abi.encodeCall(IGrants.revoke, (ended)), true);
            model.revoke(one.subject, ended);
            vm.recordLogs();
        }
        address to = _roll(8) == 0 ? stranger.addr : one.child.viewer;
        bool expected = to == one.child.viewer && one.turn == turns[one.subject]
            && block.timestamp < one.child.terms.expiresAt && model.isAccredited(to, ROLE_EMERGENCY)
            && model.statuses(one.subject, one.rootId) == GrantStatus.Active && !model.revokedBy(one.subject, one.id);
        bytes memory call = abi.encodeCall(IEmergency.release, (one.subject, to, one.id, SHARES));
        _do("releaseKey", address(emergency), _anyone().addr, call, expected);
    }

    function declarations() external view returns (uint256) {
        return declared.length;
    }

    /// @notice The grants of a declared emergency, a request that its terms cover, and whether it should be permitted.
    function declarationAt(uint256 position)
        external
        view
        returns (PresentedGrant[] memory grants, Request memory request, bool expected)
    {
        Declared memory one = declared[position];
        grants = _chain(one.root, one.child);
        request = Request(one.subject, one.child.viewer, address(0), LABORATORY, TREATMENT, READ, A_DATE);
        expected = block.timestamp < one.child.terms.expiresAt && block.timestamp < one.root.terms.expiresAt
            && model.isAccredited(one.child.viewer, ROLE_EMERGENCY)
            && model.statuses(one.subject, one.rootId) == GrantStatus.Active && !model.revokedBy(one.subject, one.id);
    }

    /// @dev As `_speak`, for another contract.
    function _speakOf(address deployment, string memory name, Person memory actor, bytes32 structHash)
        private
        returns (bool directly, bool authentic, bytes memory signature)
    {
        if (_roll(2) == 0) return (true, true, "");
        Person memory signer = _mostly(actor);
        return (false, signer.addr == actor.addr, _signFor(deployment, name, signer.key, structHash));
    }
}
