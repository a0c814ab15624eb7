// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {MedRec} from "contracts/MedRec.sol";
import {GrantStatus, PresentedGrant, Request} from "contracts/types/Terms.sol";

import {CustodyHandler} from "./history/CustodyHandler.sol";
import {Model} from "./history/Model.sol";
import {Rebuilt} from "./history/Rebuilt.sol";

/// @notice What holds after any history. `Handler` makes the history, `Model` says what should be true after it, and
/// `Rebuilt` what can be known from the events alone.
contract InvariantsTest is Test {
    CustodyHandler private handler;
    Model private model;
    Rebuilt private rebuilt;
    MedRec private medrec;

    function setUp() public {
        handler = new CustodyHandler();
        handler.setUp();
        (model, rebuilt, medrec) = (handler.model(), handler.rebuilt(), handler.deployment());
        string[] memory verbs = handler.verbs();
        bytes4[] memory selectors = new bytes4[](verbs.length);
        for (uint256 i = 0; i < verbs.length; ++i) {
            selectors[i] = bytes4(keccak256(bytes(string.concat(verbs[i], "(uint256)"))));
        }
        targetSelector(FuzzSelector(address(handler), selectors));
        targetContract(address(handler));
    }

    // ------------------------------------------------------------------------------------------------ What must hold

    /// @dev Asked after every fifth act, the last of a history among them: no act mends what another broke, so what is
    /// broken is found all the same, in a quarter of the time.
    modifier nowAndThen() {
        if (handler.acts() % 5 == 0) _;
    }

    /// @notice No grant is active, and nothing permitted, without the call or signature of everybody on the way.
    function invariant_OnlySubjectGrants() public view nowAndThen {
        assertEq(rebuilt.impositions(), 0, "a grant was made in somebody's name");
        for (uint256 i = 0; i < model.count(); ++i) {
            Model.Known memory known = model.knownAt(i);
            GrantStatus status = medrec.grantState(known.presented.grantor, known.id).status;
            if (status == GrantStatus.Active || status == GrantStatus.Suspended) {
                assertTrue(model.consented(known.presented.grantor, known.id), "active without consent");
            }
            if (model.isConsented(i)) continue;
            assertFalse(medrec.permits(model.chainOf(i), handler.requestFor(i)), "permitted without consent");
        }
    }

    /// @notice What was revoked once permits nothing any more, nor does what was cut from it.
    function invariant_RevocationIsFinal() public view nowAndThen {
        for (uint256 i = 0; i < model.count(); ++i) {
            if (!model.isWithdrawn(i)) continue;
            assertFalse(medrec.permits(model.chainOf(i), handler.requestFor(i)), "permitted after a revocation");
        }
    }

    /// @notice What a sub-grant permits its viewer, the grant above permits its own.
    function invariant_AttenuationOnly() public view nowAndThen {
        for (uint256 i = 0; i < model.count(); ++i) {
            Model.Known memory known = model.knownAt(i);
            if (known.isRoot) continue;
            // Some class and date, other ones for each grant, the same at each step of a history.
            Request memory request = handler.requestFor(i);
            request.class = uint8(uint256(known.id) % 4);
            if (uint256(known.id) % 3 == 0) request.date = 0;
            if (!medrec.permits(model.chainOf(i), request)) continue;
            request.viewer = known.presented.grantor;
            assertTrue(medrec.permits(model.chainOf(known.parent), request), "more than the grant above");
        }
    }

    /// @notice The events lead to the head of every ledger, and no other history does.
    function invariant_LedgerIsComplete() public view nowAndThen {
        address[] memory subjects = rebuilt.writtenSubjects();
        for (uint256 i = 0; i < subjects.length; ++i) {
            bytes32 head = medrec.ledgerHead(subjects[i]);
            Rebuilt.Entry[] memory entries = rebuilt.ledgerOf(subjects[i]);
            assertEq(_fold(entries), head, "the events do not lead to the head");
            // The head is as good as a die: another entry and another forgery at each step of a history.
            Rebuilt.Entry[] memory forged = _forge(entries, uint256(head) % entries.length, (uint256(head) >> 128) % 8);
            assertNotEq(_fold(forged), head, "another history leads to the head");
        }
    }

    function _fold(Rebuilt.Entry[] memory entries) private pure returns (bytes32 head) {
        for (uint256 i = 0; i < entries.length; ++i) {
            Rebuilt.Entry memory entry = entries[i];
            head = keccak256(abi.encode(head, entry.kind, entry.author, entry.time, entry.digest, entry.detail));
        }
    }

    function _forge(Rebuilt.Entry[] memory entries, uint256 victim, uint256 forgery)
        private
        pure
        returns (Rebuilt.Entry[] memory)
    {
        Rebuilt.Entry memory entry = entries[victim];
        if (forgery == 0) entry.kind = 1 - entry.kind;
        if (forgery == 1) entry.author = address(~uint160(entry.author));
        if (forgery == 2) entry.time += 1;
        if (forgery == 3) entry.digest = ~entry.digest;
        if (forgery == 4) entry.detail = ~entry.detail;
        if (forgery == 7) {
            // Swapped with the first; unless it is the first, or the same was written twice.
            bool same = keccak256(abi.encode(entry)) == keccak256(abi.encode(entries[0]));
            if (same) entry.time = 0;
            else (entries[victim], entries[0]) = (entries[0], entry);
        }
        if (forgery < 5 || forgery == 7) return entries;

        // One left out, or one twice.
        Rebuilt.Entry[] memory other = new Rebuilt.Entry[](forgery == 5 ? entries.length - 1 : entries.length + 1);
        for ((uint256 from, uint256 to) = (0, 0); from < entries.length; ++from) {
            if (from == victim && forgery == 5) continue;
            other[to++] = entries[from];
            if (from == victim) other[to++] = entries[from];
        }
        return other;
    }

    /// @notice Nobody wrote who was neither the subject nor a related, accredited provider at that time.
    function invariant_OnlyRelatedAuthors() public view nowAndThen {
        assertEq(rebuilt.trespasses(), 0);
    }

    /// @notice Who withdraws in somebody's name was named by them; nobody's word made a grant active but the grantor's.
    function invariant_DelegateOnlyWithdraws() public view nowAndThen {
        assertEq(rebuilt.impositions(), 0, "a grant was made in somebody's name");
        assertEq(handler.custody().wrongDelegate(), "");
    }

    /// @notice A plan is open to those whom a guardian announced after the silence, when the notice has passed.
    function invariant_OnlyGuardiansAnnounce() public view nowAndThen {
        assertEq(handler.custody().wrongHeir(), "");
    }

    /// @notice Nothing stands that was announced before a sign of life.
    function invariant_LifeSignCloses() public view nowAndThen {
        assertEq(handler.custody().standsInSpiteOfLife(), "");
    }

    /// @notice What an emergency permits, the grant above permits, to an accredited viewer, for its time, and only while
    /// the subject has withdrawn neither.
    function invariant_EmergencyIsAccredited() public view nowAndThen {
        for (uint256 i = 0; i < handler.declarations(); ++i) {
            (PresentedGrant[] memory grants, Request memory request, bool expected) = handler.declarationAt(i);
            assertEq(medrec.permits(grants, request), expected, "an emergency");
        }
    }

    /// @notice Whoever has read all events knows the state.
    function invariant_EventsRebuildState() public view nowAndThen {
        assertEq(rebuilt.difference(), "");
    }
}
