// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessLog} from "contracts/interfaces/IAccessLog.sol";
import {IDelegates} from "contracts/interfaces/IDelegates.sol";
import {IEmergency} from "contracts/interfaces/IEmergency.sol";
import {IGrants} from "contracts/interfaces/IGrants.sol";
import {IGuardianship} from "contracts/interfaces/IGuardianship.sol";
import {IMedRec} from "contracts/interfaces/IMedRec.sol";
import {IRecords} from "contracts/interfaces/IRecords.sol";
import {IRegistrar, ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {IRelationships} from "contracts/interfaces/IRelationships.sol";
import {PresentedGrant, Request} from "contracts/types/Terms.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";

/// @notice Who may do what: one table of roles and verbs, each field of it tried out.
contract RolesTest is World {
    uint64 private constant EXPIRES_AT = START + 7 days;
    bytes32 private constant ANYTHING = keccak256("anything");
    bytes16 private constant LOCATOR = hex"0123456789abcdef0123456789abcdef";

    PresentedGrant private root;
    PresentedGrant private child;

    function setUp() public override {
        super.setUp();
        root = _root(_terms());
        child = _child(root, _terms());
    }

    function _roles() private view returns (Person[14] memory) {
        return [
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
    }

    /// @dev The verbs are about the records of `patient`, whom `provider` treats, who granted `viewer`, who sub-granted
    /// `subViewer`, for whom `agent` acts; `delegate` and `guardian` are the patient's, `clinician` is accredited for
    /// emergencies. A relayer may bring anybody's signature (see `SignedActsSuite`); here all act in their own name. `x`
    /// may, `.` may not.
    function test_who_may_do_what() public {
        //    patient, second patient, provider, second provider, viewer, sub-viewer, agent, gateway, relayer,
        //    registrar, stranger, delegate, guardian, clinician
        _row("x.x...........", this.opens);
        _row("x.x...........", this.closes);
        _row("x.x...........", this.anchors);
        _row("x.x...........", this.anchorsAParcel);
        _row("x.x...........", this.retracts);
        _row("..xx..........", this.anchorsABatch);
        _row("x.............", this.grantsThePatientsRecords);
        _row("....x.........", this.subGrantsThem);
        _row("x.............", this.revokesTheGrant);
        _row("x...x.........", this.revokesTheSubGrant);
        _row("....x.........", this.renouncesTheGrant);
        _row("x.............", this.suspends);
        _row("x.............", this.resumes);
        _row("x...x.........", this.revokesTheAgent);
        _row(".......x......", this.commitsReceipts);
        _row("x..........x..", this.withdrawsTheGrantByTheirSignature);
        _row("x.............", this.resumesTheGrantByTheirSignature);
        _row("x.............", this.namesADelegate);
        _row("x..........x..", this.dismissesTheDelegate);
        _row("x.............", this.setsThePlan);
        _row("x.............", this.givesTheLifeSign);
        _row("xxxxxxxxxxxxxx", this.provesThePatientsLife);
        _row("............x.", this.announcesAnHeir);
        _row("............x.", this.releasesAShareToTheHeir);
        _row("x.............", this.preparesForAnEmergency);
        _row(".............x", this.declaresTheEmergency);
        // It matters whether this is a custodian: nobody else has a share that opens anything.
        _row("xxxxxxxxxxxxxx", this.releasesAShareOfTheEmergencyKey);
        _row("xxxxxxxxxxxxxx", this.registersAKeyOfTheirOwn);
        _row(".........x....", this.accredits);
        _row(".........x....", this.withdrawsAnAccreditation);
        _row(".........x....", this.publishesAVocabulary);
    }

    function _row(string memory expected, function(address) external returns (bool) verb) private {
        Person[14] memory roles = _roles();
        assertEq(bytes(expected).length, roles.length);
        string memory actual = new string(roles.length);
        (bytes1 may, bytes1 mayNot) = ("x", ".");
        for (uint256 i = 0; i < roles.length; ++i) {
            uint256 before = NEWER.snapshotState();
            bool did;
            try verb(roles[i].addr) returns (bool done) {
                did = done;
            } catch {}
            bytes(actual)[i] = did ? may : mayNot;
            NEWER.revertToState(before);
        }
        assertEq(actual, expected);
    }

    // ---------------------------------------------------------------------------------------------- Whether it worked

    function opens(address by) external returns (bool) {
        bytes memory other = by == patient.addr
            ? _sign(provider, Acts.invitation(provider.addr, patient.addr, 1, EXPIRES_AT))
            : _sign(patient, Acts.acceptance(patient.addr, provider.addr, 1, EXPIRES_AT, BUNDLE));
        (bytes memory invitation, bytes memory acceptance) =
            by == patient.addr ? (other, bytes("")) : (bytes(""), other);
        vm.prank(by);
        medrec.open(patient.addr, provider.addr, EXPIRES_AT, BUNDLE, invitation, acceptance);
        return medrec.isOpen(patient.addr, provider.addr);
    }

    function closes(address by) external returns (bool) {
        _open(patient, provider);
        vm.prank(by);
        medrec.close(patient.addr, provider.addr);
        return !medrec.isOpen(patient.addr, provider.addr);
    }

    function anchors(address by) external returns (bool) {
        _open(patient, provider);
        vm.prank(by);
        medrec.anchor(patient.addr, new bytes32[](1), new bytes(16));
        return medrec.ledgerHead(patient.addr) != 0;
    }

    function anchorsAParcel(address by) external returns (bool) {
        _open(patient, provider);
        vm.prank(by);
        medrec.anchorParcel(patient.addr, ANYTHING, LOCATOR);
        return medrec.ledgerHead(patient.addr) != 0;
    }

    function retracts(address by) external returns (bool) {
        _open(patient, provider);
        vm.prank(by);
        medrec.retract(patient.addr, ANYTHING, 0);
        return medrec.ledgerHead(patient.addr) != 0;
    }

    function anchorsABatch(address by) external returns (bool) {
        vm.prank(by);
        medrec.anchorBatch(ANYTHING, ANYTHING, 1);
        return medrec.batchAnchoredAt(by, ANYTHING) != 0;
    }

    function grantsThePatientsRecords(address by) external returns (bool) {
        bytes32 termsHash = medrec.hashTerms(root.terms);
        vm.prank(by);
        medrec.grant(patient.addr, viewer.addr, BUNDLE, termsHash);
        return medrec.permits(_chain(root), _request(viewer));
    }

    function subGrantsThem(address by) external returns (bool) {
        _grant(root);
        bytes32 termsHash = medrec.hashTerms(child.terms);
        vm.prank(by);
        medrec.grant(patient.addr, subViewer.addr, BUNDLE, termsHash);
        return medrec.permits(_chain(root, child), _request(subViewer));
    }

    function revokesTheGrant(address by) external returns (bool) {
        _grant(root);
        vm.prank(by);
        medrec.revoke(_id(root));
        return !medrec.permits(_chain(root), _request(viewer));
    }

    function revokesTheSubGrant(address by) external returns (bool) {
        _grant(root);
        _grant(child);
        vm.prank(by);
        medrec.revoke(_id(child));
        return !medrec.permits(_chain(root, child), _request(subViewer));
    }

    function renouncesTheGrant(address by) external returns (bool) {
        _grant(root);
        bytes32 termsHash = medrec.hashTerms(root.terms);
        vm.prank(by);
        medrec.renounce(patient.addr, patient.addr, BUNDLE, termsHash);
        return !medrec.permits(_chain(root), _request(viewer));
    }

    function suspends(address by) external returns (bool) {
        _grant(root);
        vm.prank(by);
        medrec.suspend(_id(root));
        return !medrec.permits(_chain(root), _request(viewer));
    }

    function resumes(address by) external returns (bool) {
        bytes32 id = _grant(root);
        vm.prank(patient.addr);
        medrec.suspend(id);
        vm.prank(by);
        medrec.resume(id);
        return medrec.permits(_chain(root), _request(viewer));
    }

    function revokesTheAgent(address by) external returns (bool) {
        _grant(root);
        vm.prank(by);
        medrec.revokeAgent(_id(root));
        Request memory request = _request(viewer);
        request.agent = agent.addr;
        return !medrec.permits(_chain(root), request);
    }

    function commitsReceipts(address by) external returns (bool) {
        vm.prank(by);
        medrec.commitReceipts(1, ANYTHING, 1);
        return medrec.receiptsHead(by, 1) != 0;
    }

    /// @dev In the patient's name, with a signature of their own.
    function withdrawsTheGrantByTheirSignature(address by) external returns (bool) {
        bytes32 id = _grant(root);
        vm.prank(patient.addr);
        medrec.nameDelegate(delegate.addr, EXPIRES_AT);
        medrec.revokeWithSig(patient.addr, id, _signInThePatientsName(by, Acts.revocation(patient.addr, id)));
        return !medrec.permits(_chain(root), _request(viewer));
    }

    function resumesTheGrantByTheirSignature(address by) external returns (bool) {
        bytes32 id = _grant(root);
        vm.startPrank(patient.addr);
        medrec.nameDelegate(delegate.addr, EXPIRES_AT);
        medrec.suspend(id);
        vm.stopPrank();
        medrec.resumeWithSig(patient.addr, id, _signInThePatientsName(by, Acts.resumption(patient.addr, id, 1)));
        return medrec.permits(_chain(root), _request(viewer));
    }

    function _signInThePatientsName(address by, bytes32 structHash) private view returns (bytes memory) {
        Person[14] memory roles = _roles();
        for (uint256 i = 0; i < roles.length; ++i) {
            if (roles[i].addr != by) continue;
            return by == patient.addr ? _sign(patient, structHash) : _signAsDelegate(roles[i], structHash);
        }
        revert("nobody has this address");
    }

    function namesADelegate(address by) external returns (bool) {
        vm.prank(by);
        medrec.nameDelegate(stranger.addr, EXPIRES_AT);
        return medrec.isDelegate(patient.addr, stranger.addr);
    }

    function dismissesTheDelegate(address by) external returns (bool) {
        vm.prank(patient.addr);
        medrec.nameDelegate(delegate.addr, EXPIRES_AT);
        vm.prank(by);
        medrec.dismissDelegate(patient.addr, delegate.addr);
        return !medrec.isDelegate(patient.addr, delegate.addr);
    }

    function setsThePlan(address by) external returns (bool) {
        vm.prank(by);
        guardianship.setPlan(ANYTHING, 0, 1, ANYTHING);
        return guardianship.planOf(patient.addr).guardians != 0;
    }

    function givesTheLifeSign(address by) external returns (bool) {
        vm.prank(by);
        guardianship.giveLifeSign();
        return guardianship.planOf(patient.addr).lastSignAt != 0;
    }

    function provesThePatientsLife(address by) external returns (bool) {
        bytes32 id = _grant(root);
        vm.prank(by);
        guardianship.proveLife(patient.addr, id);
        return guardianship.planOf(patient.addr).lastSignAt != 0;
    }

    /// @dev The patient's only guardian is `guardian`: a tree of one leaf, which needs no proof.
    function announcesAnHeir(address by) public returns (bool) {
        vm.prank(patient.addr);
        guardianship.setPlan(Acts.guardianLeaf(patient.addr, guardian.addr, ANYTHING), 0, 1, ANYTHING);
        vm.warp(block.timestamp + 1);
        vm.prank(by);
        guardianship.announce(patient.addr, secondPatient.addr, by, ANYTHING, new bytes32[](0), "");
        return guardianship.opensAt(patient.addr, secondPatient.addr) != 0;
    }

    function releasesAShareToTheHeir(address by) external returns (bool) {
        announcesAnHeir(guardian.addr);
        vm.warp(block.timestamp + 1);
        vm.prank(by);
        guardianship.release(patient.addr, secondPatient.addr, ANYTHING, new bytes32[](0), ANYTHING);
        return true;
    }

    function preparesForAnEmergency(address by) public returns (bool) {
        bytes32 id = _grant(_emergencyRoot());
        vm.prank(by);
        emergency.prepare(id, ANYTHING);
        return emergency.preparedOf(patient.addr).grant == id;
    }

    function declaresTheEmergency(address by) public returns (bool) {
        preparesForAnEmergency(patient.addr);
        vm.prank(by);
        bytes32 id = emergency.declare(patient.addr, START, EXPIRES_AT - 5 days, 0, ANYTHING, BUNDLE, ANYTHING);
        return emergency.isDeclared(patient.addr, id);
    }

    function releasesAShareOfTheEmergencyKey(address by) external returns (bool) {
        preparesForAnEmergency(patient.addr);
        vm.prank(clinician.addr);
        bytes32 id = emergency.declare(patient.addr, START, EXPIRES_AT - 5 days, 0, ANYTHING, BUNDLE, ANYTHING);
        vm.prank(by);
        emergency.release(patient.addr, clinician.addr, id, ANYTHING);
        return true;
    }

    function registersAKeyOfTheirOwn(address by) external returns (bool) {
        bytes32 before = registrar.registrationOf(by);
        vm.prank(by);
        registrar.register(_publicKey(), ANYTHING);
        return registrar.registrationOf(by) != before;
    }

    function accredits(address by) external returns (bool) {
        vm.prank(stranger.addr);
        registrar.register(_publicKey(), ANYTHING);
        vm.prank(by);
        registrar.accredit(stranger.addr, ROLE_PROVIDER, EXPIRES_AT, ANYTHING);
        return registrar.isAccredited(stranger.addr, ROLE_PROVIDER);
    }

    function withdrawsAnAccreditation(address by) external returns (bool) {
        vm.prank(by);
        registrar.withdrawAccreditation(provider.addr);
        return !registrar.isAccredited(provider.addr, ROLE_PROVIDER);
    }

    function publishesAVocabulary(address by) external returns (bool) {
        vm.prank(by);
        registrar.publishVocabulary(ANYTHING);
        return registrar.isVocabulary(ANYTHING);
    }

    // ------------------------------------------------------------------------------------------- Nothing was forgotten

    /// @dev An interface id is all its selectors combined, so a verb that is not in the table above fails here.
    function test_the_table_has_every_verb() public pure {
        bytes4 relationships = IRelationships.open.selector ^ IRelationships.close.selector;
        bytes4 records = IRecords.anchor.selector ^ IRecords.anchorParcel.selector ^ IRecords.retract.selector
            ^ IRecords.anchorBatch.selector;
        bytes4 grants = IGrants.grant.selector ^ IGrants.revoke.selector ^ IGrants.renounce.selector
            ^ IGrants.suspend.selector ^ IGrants.resume.selector ^ IGrants.revokeAgent.selector;
        bytes4 log = IAccessLog.commitReceipts.selector;
        bytes4 register = IRegistrar.register.selector ^ IRegistrar.accredit.selector
            ^ IRegistrar.withdrawAccreditation.selector ^ IRegistrar.publishVocabulary.selector;

        bytes4 delegates = IDelegates.nameDelegate.selector ^ IDelegates.dismissDelegate.selector;
        bytes4 guardians = IGuardianship.setPlan.selector ^ IGuardianship.giveLifeSign.selector
            ^ IGuardianship.proveLife.selector ^ IGuardianship.announce.selector ^ IGuardianship.release.selector;
        bytes4 emergencies = IEmergency.prepare.selector ^ IEmergency.declare.selector ^ IEmergency.release.selector;

        // Signed twins (`SignedActsSuite`) and views.
        relationships ^= IRelationships.closeWithSig.selector ^ IRelationships.relationshipOf.selector
        ^ IRelationships.isOpen.selector;
        records ^= IRecords.anchorWithSig.selector ^ IRecords.retractWithSig.selector ^ IRecords.ledgerHead.selector
        ^ IRecords.batchHead.selector ^ IRecords.batchAnchoredAt.selector ^ IRecords.isInBatch.selector;
        grants ^= IGrants.grantWithSig.selector ^ IGrants.revokeWithSig.selector ^ IGrants.renounceWithSig.selector
        ^ IGrants.suspendWithSig.selector ^ IGrants.resumeWithSig.selector ^ IGrants.revokeAgentWithSig.selector
        ^ IGrants.permits.selector ^ IGrants.evaluate.selector ^ IGrants.grantState.selector ^ IGrants.grantId.selector
        ^ IGrants.hashTerms.selector;
        log ^= IAccessLog.receiptsHead.selector;
        register ^= IRegistrar.registerWithSig.selector ^ IRegistrar.registrationOf.selector
        ^ IRegistrar.accreditationOf.selector ^ IRegistrar.isAccredited.selector ^ IRegistrar.isVocabulary.selector;

        delegates ^= IDelegates.nameDelegateWithSig.selector ^ IDelegates.dismissDelegateWithSig.selector
        ^ IDelegates.delegationOf.selector ^ IDelegates.isDelegate.selector;
        guardians ^= IGuardianship.setPlanWithSig.selector ^ IGuardianship.giveLifeSignWithSig.selector
        ^ IGuardianship.planOf.selector ^ IGuardianship.opensAt.selector ^ IGuardianship.isOpen.selector
        ^ IGuardianship.medrec.selector;
        emergencies ^= IEmergency.prepareWithSig.selector ^ IEmergency.preparedOf.selector
        ^ IEmergency.declarationOf.selector ^ IEmergency.isDeclared.selector ^ IEmergency.medrec.selector
        ^ IEmergency.vocabulary.selector ^ IEmergency.purpose.selector;

        assertEq(delegates, type(IDelegates).interfaceId);
        assertEq(guardians, type(IGuardianship).interfaceId);
        assertEq(emergencies, type(IEmergency).interfaceId);
        assertEq(relationships, type(IRelationships).interfaceId);
        assertEq(records, type(IRecords).interfaceId);
        assertEq(grants, type(IGrants).interfaceId);
        assertEq(log, type(IAccessLog).interfaceId);
        assertEq(register, type(IRegistrar).interfaceId);
        assertEq(IMedRec.registrar.selector, type(IMedRec).interfaceId);
    }

    function test_the_deployment_reads_the_registrar_that_it_was_given() public view {
        assertEq(address(medrec.registrar()), address(registrar));
    }
}
