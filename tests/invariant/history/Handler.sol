// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MedRec} from "contracts/MedRec.sol";
import {WhileAccredited} from "contracts/conditions/WhileAccredited.sol";
import {WhileRelated} from "contracts/conditions/WhileRelated.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {IRecords} from "contracts/interfaces/IRecords.sol";
import {IRegistrar, ROLE_EMERGENCY, ROLE_GATEWAY, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {GrantStatus, NO_EXPIRY, NO_LAST_DATE, PresentedGrant, Request, Terms} from "contracts/types/Terms.sol";

import {Acts} from "../Acts.sol";
import {World} from "../World.sol";
import {Model} from "./Model.sol";
import {Rebuilt} from "./Rebuilt.sol";

/// @notice Does, with everybody's hands and in everybody's name, what can be done, rightly and wrongly, and checks each
/// time that the contracts allow exactly what the model allows.
contract Handler is World {
    uint256 private constant MOST_GRANTS = 12;

    Model public model;
    Rebuilt public rebuilt;
    mapping(string verb => uint256) public done;
    mapping(string verb => uint256) public refused;

    Person[] internal people;
    address private whileAccredited;
    address private whileRelated;
    /// @dev Of this history, so far.
    uint256 public acts;
    uint256 internal dice;

    function setUp() public virtual override {
        vm.recordLogs();
        super.setUp();
        whileAccredited = address(new WhileAccredited(registrar, ROLE_PROVIDER));
        whileRelated = address(new WhileRelated(medrec));
        model = new Model(whileAccredited, whileRelated);
        rebuilt = new Rebuilt(medrec, registrar, model);
        Person[14] memory all = [
            patient,
            secondPatient,
            provider,
            secondProvider,
            viewer,
            subViewer,
            agent,
            gateway,
            relayer,
            registrarAdmin,
            stranger,
            delegate,
            guardian,
            clinician
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            people.push(all[i]);
        }
        _tellModel(provider, ROLE_PROVIDER);
        _tellModel(secondProvider, ROLE_PROVIDER);
        _tellModel(gateway, ROLE_GATEWAY);
        _tellModel(clinician, ROLE_EMERGENCY);
        // The second patient's world is not new when it begins.
        _open(secondPatient, provider);
        model.open(secondPatient.addr, provider.addr);
        rebuilt.replay(vm.getRecordedLogs());
    }

    /// @notice What a history is made of. Some verbs stand here more than once: there would be little to ask for if
    /// people revoked as often as they grant.
    function verbs() public pure virtual returns (string[] memory list) {
        string[35] memory weighted = [
            "wait",
            "register",
            "accredit",
            "accredit",
            "withdrawAccreditation",
            "open",
            "open",
            "open",
            "close",
            "anchor",
            "anchor",
            "retract",
            "anchorBatch",
            "commitReceipts",
            "grant",
            "grant",
            "grant",
            "grant",
            "revoke",
            "renounce",
            "renounce",
            "suspend",
            "suspend",
            "resume",
            "resume",
            "resume",
            "revokeAgent",
            "ask",
            "ask",
            "ask",
            "ask",
            "ask",
            "ask",
            "ask",
            "ask"
        ];
        list = new string[](weighted.length);
        for (uint256 i = 0; i < weighted.length; ++i) {
            list[i] = weighted[i];
        }
    }

    function deployment() external view returns (MedRec) {
        return medrec;
    }

    function _tellModel(Person memory person, uint64 roles) private {
        model.register(person.addr);
        model.accredit(person.addr, roles, START + 365 days);
    }

    // ----------------------------------------------------------------------------------------------------------- Dice

    modifier rolls(uint256 seed) {
        dice = seed;
        ++acts;
        vm.recordLogs();
        _;
    }

    function _roll(uint256 sides) internal returns (uint256) {
        dice = uint256(keccak256(abi.encode(dice)));
        return dice % sides;
    }

    function _anyone() internal returns (Person memory) {
        return people[_roll(people.length)];
    }

    /// @dev Mostly the person for whom it is meant.
    function _mostly(Person memory person) internal returns (Person memory) {
        return _roll(4) == 0 ? _anyone() : person;
    }

    function _subject() internal returns (Person memory) {
        return _roll(2) == 0 ? patient : secondPatient;
    }

    function _writer() private returns (Person memory) {
        return _roll(3) == 0 ? secondProvider : provider;
    }

    function _whoIs(address account) private view returns (Person memory) {
        for (uint256 i = 0; i < people.length; ++i) {
            if (people[i].addr == account) return people[i];
        }
        revert("nobody has this address");
    }

    /// @dev How an act is brought: by the actor's call, by the actor's signature, or by somebody else's.
    function _speak(Person memory actor, bytes32 structHash)
        internal
        returns (bool directly, bool authentic, bytes memory signature)
    {
        if (_roll(2) == 0) return (true, true, "");
        Person memory signer = _mostly(actor);
        return (false, signer.addr == actor.addr, _sign(signer, structHash));
    }

    /// @dev The same for an act that withdraws: perhaps by the signature of a delegate, or of somebody who says so.
    function _speakToWithdraw(Person memory actor, bytes32 structHash)
        private
        returns (bool directly, bool authentic, bytes memory signature)
    {
        if (_roll(3) != 0) return _speak(actor, structHash);
        Person memory signer = _mostly(delegate);
        return (false, model.isDelegate(actor.addr, signer.addr), _signAsDelegate(signer, structHash));
    }

    /// @dev Calls, compares with what the model expects, and lets the events be replayed.
    function _do(string memory verb, address target, address caller, bytes memory call, bool expected) internal {
        vm.prank(caller);
        (bool success,) = target.call(call);
        assertEq(success, expected, verb);
        success ? done[verb]++ : refused[verb]++;
        rebuilt.replay(vm.getRecordedLogs());
    }

    function _doMedRec(string memory verb, address caller, bytes memory call, bool expected) internal {
        _do(verb, address(medrec), caller, call, expected);
    }

    // ------------------------------------------------------------------------------------------------------ Registrar

    function wait(uint256 seed) external rolls(seed) {
        vm.warp(block.timestamp + _roll(3 days));
        done["wait"]++;
    }

    function register(uint256 seed) external rolls(seed) {
        Person memory person = _anyone();
        bytes memory key = _publicKey();
        key[0] = bytes1(uint8(_roll(256)));
        bytes32 previous = registrar.registrationOf(person.addr);
        bytes memory call = abi.encodeCall(IRegistrar.register, (key, DESCRIPTOR));
        bool authentic = true;
        if (_roll(2) == 0) {
            Person memory signer = _mostly(person);
            authentic = signer.addr == person.addr;
            bytes memory signature =
                _signRegistration(signer, Acts.registration(person.addr, previous, key, DESCRIPTOR));
            call = abi.encodeCall(IRegistrar.registerWithSig, (person.addr, key, DESCRIPTOR, signature));
        }
        _do("register", address(registrar), person.addr, call, authentic);
        if (authentic) model.register(person.addr);
    }

    function accredit(uint256 seed) external rolls(seed) {
        address by = _mostly(registrarAdmin).addr;
        address participant = _mostly(_roll(4) == 0 ? clinician : _writer()).addr;
        uint64 roles = uint64(1 + _roll(7));
        uint64 expiresAt = uint64(block.timestamp + _roll(60 days));
        bool expected = by == registrarAdmin.addr && model.registered(participant) && expiresAt > block.timestamp;
        bytes memory call = abi.encodeCall(IRegistrar.accredit, (participant, roles, expiresAt, CREDENTIAL));
        _do("accredit", address(registrar), by, call, expected);
        if (expected) model.accredit(participant, roles, expiresAt);
    }

    function withdrawAccreditation(uint256 seed) external rolls(seed) {
        address by = _mostly(registrarAdmin).addr;
        address participant = _mostly(secondProvider).addr;
        bool expected = by == registrarAdmin.addr;
        bytes memory call = abi.encodeCall(IRegistrar.withdrawAccreditation, (participant));
        _do("withdrawAccreditation", address(registrar), by, call, expected);
        if (expected) model.withdraw(participant);
    }

    // -------------------------------------------------------------------------------------------------- Relationships

    function open(uint256 seed) external rolls(seed) {
        (Person memory subject, Person memory writer) = (_mostly(_subject()), _mostly(_writer()));
        (Person memory inviter, Person memory accepter) = (_mostly(writer), _mostly(subject));
        uint32 number = model.numberOf(subject.addr, writer.addr) + 1;
        uint64 expiresAt = uint64(block.timestamp + _roll(8) * 1 hours);
        bytes memory invitation = _sign(inviter, Acts.invitation(writer.addr, subject.addr, number, expiresAt));
        bytes memory acceptance = _sign(accepter, Acts.acceptance(subject.addr, writer.addr, number, expiresAt, BUNDLE));
        address by = _anyone().addr;
        bool expected = expiresAt > block.timestamp && !model.isOpen(subject.addr, writer.addr)
            && model.isAccredited(writer.addr, ROLE_PROVIDER) && (by == writer.addr || inviter.addr == writer.addr)
            && (by == subject.addr || accepter.addr == subject.addr);
        bytes memory call =
            abi.encodeCall(IRelationships.open, (subject.addr, writer.addr, expiresAt, BUNDLE, invitation, acceptance));
        _doMedRec("open", by, call, expected);
        if (expected) model.open(subject.addr, writer.addr);
    }

    function close(uint256 seed) external rolls(seed) {
        (Person memory subject, Person memory writer) = (_subject(), _writer());
        Person memory by = _mostly(_roll(2) == 0 ? subject : writer);
        uint32 number = model.numberOf(subject.addr, writer.addr);
        (bool directly, bool authentic, bytes memory signature) =
            _speakToWithdraw(by, Acts.closure(subject.addr, writer.addr, number));
        bool expected = authentic && (by.addr == subject.addr || by.addr == writer.addr);
        bytes memory call = directly
            ? abi.encodeCall(IRelationships.close, (subject.addr, writer.addr))
            : abi.encodeCall(IRelationships.closeWithSig, (subject.addr, writer.addr, by.addr, signature));
        _doMedRec("close", directly ? by.addr : relayer.addr, call, expected);
        if (expected) model.close(subject.addr, writer.addr);
    }

    // -------------------------------------------------------------------------------------------------------- Records

    function anchor(uint256 seed) external rolls(seed) {
        Person memory subject = _subject();
        Person memory author = _mostly(_roll(3) == 0 ? subject : _writer());
        bytes32[] memory digests = new bytes32[](1 + _roll(3));
        bytes memory locators;
        for (uint256 i = 0; i < digests.length; ++i) {
            digests[i] = bytes32(_roll(type(uint256).max));
            locators = bytes.concat(locators, bytes16(uint128(_roll(2 ** 128))));
        }
        (bool directly, bool authentic, bytes memory signature) =
            _speak(author, Acts.anchor(subject.addr, author.addr, medrec.ledgerHead(subject.addr), digests, locators));
        bytes memory call = directly
            ? _anchoring(subject.addr, digests, locators)
            : abi.encodeCall(IRecords.anchorWithSig, (subject.addr, author.addr, digests, locators, signature));
        bool expected = authentic && model.mayWrite(subject.addr, author.addr);
        _doMedRec("anchor", directly ? author.addr : relayer.addr, call, expected);
    }

    /// @dev A parcel alone is anchored by its own verb.
    function _anchoring(address subject, bytes32[] memory digests, bytes memory locators)
        private
        pure
        returns (bytes memory)
    {
        if (digests.length == 1) {
            // One digest has one locator, of just these 16 bytes.
            // forge-lint: disable-next-line(unsafe-typecast)
            return abi.encodeCall(IRecords.anchorParcel, (subject, digests[0], bytes16(locators)));
        }
        return abi.encodeCall(IRecords.anchor, (subject, digests, locators));
    }

    function retract(uint256 seed) external rolls(seed) {
        Person memory subject = _subject();
        Person memory author = _mostly(_roll(3) == 0 ? subject : _writer());
        (bytes32 digest, bytes32 replacement) = (bytes32(_roll(type(uint256).max)), bytes32(_roll(2)));
        (bool directly, bool authentic, bytes memory signature) = _speak(
            author, Acts.retraction(subject.addr, author.addr, medrec.ledgerHead(subject.addr), digest, replacement)
        );
        bytes memory call = directly
            ? abi.encodeCall(IRecords.retract, (subject.addr, digest, replacement))
            : abi.encodeCall(IRecords.retractWithSig, (subject.addr, author.addr, digest, replacement, signature));
        bool expected = authentic && model.mayWrite(subject.addr, author.addr);
        _doMedRec("retract", directly ? author.addr : relayer.addr, call, expected);
    }

    function anchorBatch(uint256 seed) external rolls(seed) {
        address author = _mostly(_writer()).addr;
        (bytes32 root, uint32 count) = (bytes32(_roll(20)), uint32(_roll(5)));
        bool expected = count != 0 && model.isAccredited(author, ROLE_PROVIDER) && !model.batches(author, root);
        bytes memory call = abi.encodeCall(IRecords.anchorBatch, (root, keccak256("list"), count));
        _doMedRec("anchorBatch", author, call, expected);
        if (expected) model.anchorBatch(author, root);
    }

    function commitReceipts(uint256 seed) external rolls(seed) {
        address by = _mostly(gateway).addr;
        uint64 epoch = uint64(_roll(20));
        bool expected = model.isAccredited(by, ROLE_GATEWAY) && !model.epochs(by, epoch);
        bytes memory call = abi.encodeCall(medrec.commitReceipts, (epoch, bytes32(dice), 3));
        _doMedRec("commitReceipts", by, call, expected);
        if (expected) model.commit(by, epoch);
    }

    // --------------------------------------------------------------------------------------------------------- Grants

    function grant(uint256 seed) external rolls(seed) {
        Model.Known memory chosen;
        if (model.count() < MOST_GRANTS && _roll(4) != 0) {
            chosen = _invent();
            model.learn(chosen);
        } else if (model.count() != 0) {
            chosen = _known(); // once more, or after it was withdrawn
        } else {
            return;
        }
        Person memory grantor = _whoIs(chosen.presented.grantor);
        (bool directly, bool authentic, bytes memory signature) = _speak(grantor, chosen.id);
        if (authentic) model.consent(grantor.addr, chosen.id);
        bytes memory call = _grantCall(chosen, directly, signature);
        bool expected = authentic && model.statuses(grantor.addr, chosen.id) == GrantStatus.None;
        _doMedRec("grant", directly ? grantor.addr : relayer.addr, call, expected);
        if (expected) model.grant(grantor.addr, chosen.id);
    }

    function _grantCall(Model.Known memory chosen, bool directly, bytes memory signature)
        private
        pure
        returns (bytes memory)
    {
        PresentedGrant memory presented = chosen.presented;
        bytes32 termsHash = Acts.terms(presented.terms, STATEMENT);
        if (directly) {
            return abi.encodeCall(IGrants.grant, (chosen.subject, presented.viewer, presented.bundle, termsHash));
        }
        return abi.encodeCall(
            IGrants.grantWithSig,
            (chosen.subject, presented.grantor, presented.viewer, presented.bundle, termsHash, signature)
        );
    }

    /// @dev A grant that nobody made yet: the subject's own, somebody's who has nothing to give, or one cut from another.
    function _invent() private returns (Model.Known memory invented) {
        PresentedGrant memory presented = PresentedGrant(address(0), _anyone().addr, BUNDLE, _someTerms());
        invented.isRoot = model.count() == 0 || _roll(2) == 0;
        if (invented.isRoot) {
            Person memory subject = _subject();
            invented.subject = subject.addr;
            presented.grantor = _mostly(subject).addr;
        } else {
            invented.parent = _roll(model.count());
            Model.Known memory above = model.knownAt(invented.parent);
            invented.subject = above.subject;
            presented.grantor = _mostly(_whoIs(above.presented.viewer)).addr;
            presented.terms.parent = above.id;
        }
        invented.presented = presented;
        bytes32 termsHash = Acts.terms(presented.terms, STATEMENT);
        invented.id = Acts.grant(invented.subject, presented.grantor, presented.viewer, BUNDLE, termsHash);
    }

    /// @dev Narrow enough to refuse now and then, wide enough that chains of two and three often permit something.
    function _someTerms() private returns (Terms memory terms) {
        terms = _terms();
        terms.agent = _roll(3) == 0 ? address(0) : agent.addr;
        terms.classes = uint64(_roll(16)) | (uint64(1) << LABORATORY);
        terms.purposes = uint64(_roll(8)) | (uint64(1) << TREATMENT);
        terms.operations = uint8(_roll(4)) | READ;
        terms.startsAt = _roll(8) == 0 ? uint64(block.timestamp + 1 days) : START;
        terms.expiresAt = _roll(3) == 0 ? uint64(block.timestamp + 20 days) : NO_EXPIRY;
        terms.recordsFrom = _roll(4) == 0 ? A_DATE : 0;
        terms.recordsUntil = _roll(4) == 0 ? A_DATE : NO_LAST_DATE;
        terms.delegations = uint8(_roll(6));
        uint256 condition = _roll(16);
        if (condition == 0) terms.condition = whileAccredited;
        if (condition == 1) terms.condition = whileRelated;
        if (condition == 2) terms.condition = stranger.addr; // has no code, never holds
        if (_roll(16) == 0) terms.vocabulary = keccak256("another vocabulary");
        terms.salt = bytes32(dice);
    }

    function _known() private returns (Model.Known memory) {
        return model.knownAt(_roll(model.count()));
    }

    function revoke(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        Model.Known memory chosen = _known();
        Person memory actor = _mostly(_whoIs(_roll(3) == 0 ? chosen.subject : chosen.presented.grantor));
        (bool directly, bool authentic, bytes memory signature) =
            _speakToWithdraw(actor, Acts.revocation(actor.addr, chosen.id));
        bytes memory call = directly
            ? abi.encodeCall(IGrants.revoke, (chosen.id))
            : abi.encodeCall(IGrants.revokeWithSig, (actor.addr, chosen.id, signature));
        _doMedRec("revoke", directly ? actor.addr : relayer.addr, call, authentic);
        if (authentic) model.revoke(actor.addr, chosen.id);
    }

    function renounce(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        Model.Known memory chosen = _known();
        PresentedGrant memory presented = chosen.presented;
        Person memory actor = _mostly(_whoIs(presented.viewer));
        // Whoever is not the viewer renounces a grant that nobody made: the same with them as the viewer.
        bytes32 termsHash = Acts.terms(presented.terms, STATEMENT);
        bytes32 id = Acts.grant(chosen.subject, presented.grantor, actor.addr, BUNDLE, termsHash);
        (bool directly, bool authentic, bytes memory signature) = _speak(actor, Acts.renunciation(actor.addr, id));
        bytes memory call = directly
            ? abi.encodeCall(IGrants.renounce, (chosen.subject, presented.grantor, BUNDLE, termsHash))
            : abi.encodeCall(
                IGrants.renounceWithSig, (chosen.subject, presented.grantor, actor.addr, BUNDLE, termsHash, signature)
            );
        _doMedRec("renounce", directly ? actor.addr : relayer.addr, call, authentic);
        if (authentic) model.renounce(presented.grantor, id);
    }

    function suspend(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        Model.Known memory chosen = _known();
        Person memory actor = _mostly(_whoIs(chosen.presented.grantor));
        uint32 turn = model.turns(actor.addr, chosen.id);
        (bool directly, bool authentic, bytes memory signature) =
            _speakToWithdraw(actor, Acts.suspension(actor.addr, chosen.id, turn));
        bytes memory call = directly
            ? abi.encodeCall(IGrants.suspend, (chosen.id))
            : abi.encodeCall(IGrants.suspendWithSig, (actor.addr, chosen.id, signature));
        bool expected = authentic && model.statuses(actor.addr, chosen.id) == GrantStatus.Active;
        _doMedRec("suspend", directly ? actor.addr : relayer.addr, call, expected);
        if (expected) model.suspend(actor.addr, chosen.id);
    }

    function resume(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        Model.Known memory chosen = _known();
        Person memory actor = _mostly(_whoIs(chosen.presented.grantor));
        uint32 turn = model.turns(actor.addr, chosen.id);
        (bool directly, bool authentic, bytes memory signature) =
            _speak(actor, Acts.resumption(actor.addr, chosen.id, turn));
        bytes memory call = directly
            ? abi.encodeCall(IGrants.resume, (chosen.id))
            : abi.encodeCall(IGrants.resumeWithSig, (actor.addr, chosen.id, signature));
        bool expected = authentic && model.statuses(actor.addr, chosen.id) == GrantStatus.Suspended;
        _doMedRec("resume", directly ? actor.addr : relayer.addr, call, expected);
        if (expected) model.resume(actor.addr, chosen.id);
    }

    function revokeAgent(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        Model.Known memory chosen = _known();
        Person memory actor = _mostly(_whoIs(_roll(2) == 0 ? chosen.presented.viewer : chosen.presented.grantor));
        (bool directly, bool authentic, bytes memory signature) =
            _speakToWithdraw(actor, Acts.agentRevocation(actor.addr, chosen.id));
        bytes memory call = directly
            ? abi.encodeCall(IGrants.revokeAgent, (chosen.id))
            : abi.encodeCall(IGrants.revokeAgentWithSig, (actor.addr, chosen.id, signature));
        _doMedRec("revokeAgent", directly ? actor.addr : relayer.addr, call, authentic);
        if (authentic) model.dismissAgent(actor.addr, chosen.id);
    }

    /// @dev Somebody asks for something; the contracts must answer as the model does.
    function ask(uint256 seed) external rolls(seed) {
        if (model.count() == 0) return;
        uint256 position = _roll(model.count());
        if (model.knownAt(position).isRoot) position = _roll(model.count());
        Request memory request = this.requestFor(position);
        if (_roll(2) == 0) request = _someRequest(request);
        bool expected = model.permits(position, request);
        assertEq(medrec.permits(model.chainOf(position), request), expected, "permits");
        expected ? done["ask"]++ : refused["ask"]++;
        if (expected && !model.knownAt(position).isRoot) done["ask through a sub-grant"]++;
    }

    function _someRequest(Request memory request) private returns (Request memory) {
        if (_roll(4) == 0) request.viewer = _anyone().addr;
        if (_roll(3) == 0) request.agent = _roll(3) == 0 ? _anyone().addr : agent.addr;
        if (_roll(4) == 0) request.class = uint8(_roll(256));
        if (_roll(4) == 0) request.purpose = uint8(_roll(4));
        if (_roll(4) == 0) request.operation = uint8(_roll(8));
        if (_roll(3) == 0) request.date = _roll(2) == 0 ? 0 : 20_200_101;
        return request;
    }

    /// @notice What all terms that the handler makes permit, as far as classes, purposes, operations and dates go.
    function requestFor(uint256 position) external view returns (Request memory) {
        Model.Known memory chosen = model.knownAt(position);
        return Request(chosen.subject, chosen.presented.viewer, address(0), LABORATORY, TREATMENT, READ, A_DATE);
    }
}
