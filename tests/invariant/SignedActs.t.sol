// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MedRec} from "contracts/MedRec.sol";
import {Registrar} from "contracts/Registrar.sol";
import {Emergency} from "contracts/custody/Emergency.sol";
import {Guardianship} from "contracts/custody/Guardianship.sol";
import {ROLE_PROVIDER} from "contracts/interfaces/IRegistrar.sol";
import {SignedActs} from "contracts/libraries/SignedActs.sol";

import {Acts} from "./Acts.sol";
import {World} from "./World.sol";
import {ReentrantWallet, Wallet, WrongWallet} from "./actors/Wallets.sol";

/// @notice What every signed act must do, whatever the account that signs. One account plays every part (subject,
/// provider, viewer, participant), so that only the act tells one signature from another.
abstract contract SignedActsSuite is World {
    enum Act {
        Invitation,
        Acceptance,
        Closure,
        Anchor,
        Retraction,
        Grant,
        Revocation,
        Renunciation,
        Suspension,
        Resumption,
        AgentRevocation,
        Registration,
        Delegation,
        Dismissal,
        Plan,
        LifeSign,
        Announcement,
        EmergencyPlan
    }

    uint256 private constant ACTS = uint256(type(Act).max) + 1;
    uint64 private constant EXPIRES_AT = START + 7 days;
    uint32 private constant NOTICE = 3 days;
    bytes32 private constant SALT = keccak256("a guardian's salt");
    bytes32 private constant TERMS_HASH = keccak256("salted terms");
    bytes32 private constant DIGEST = keccak256("a sealed parcel");
    bytes16 private constant LOCATOR = bytes16(keccak256("a locator"));

    address internal self;
    uint256 internal signingKey;
    bytes32 private id;

    function setUp() public virtual override {
        super.setUp();
        (self, signingKey) = _account();
        _accredit(Person(self, 0), ROLE_PROVIDER);
        id = Acts.grant(self, self, self, BUNDLE, TERMS_HASH);
    }

    /// @dev The account that acts, and the key that signs for it.
    function _account() internal virtual returns (address account, uint256 key);

    function _digests() private pure returns (bytes32[] memory digests) {
        digests = new bytes32[](1);
        digests[0] = DIGEST;
    }

    // ------------------------------------------------------------------------------------------------ Each of the acts

    /// @dev Brings about what the act changes.
    function _arrange(Act act) private {
        vm.startPrank(self);
        if (act == Act.Closure) medrec.open(self, self, EXPIRES_AT, BUNDLE, "", "");
        if (act == Act.Retraction) medrec.anchor(self, _digests(), abi.encodePacked(LOCATOR));
        if (act == Act.Revocation || act == Act.Renunciation || act == Act.Suspension || act == Act.Resumption) {
            medrec.grant(self, self, BUNDLE, TERMS_HASH);
        }
        if (act == Act.Resumption) medrec.suspend(id);
        if (act == Act.Dismissal) medrec.nameDelegate(self, EXPIRES_AT);
        if (act == Act.Announcement) {
            guardianship.setPlan(Acts.guardianLeaf(self, self, SALT), 0, NOTICE, DIGEST);
            vm.warp(block.timestamp + 1);
        }
        vm.stopPrank();
    }

    /// @dev What is signed, in the state that the chain is in.
    function _structHash(Act act) private view returns (bytes32) {
        uint32 number = medrec.relationshipOf(self, self).number;
        uint32 turn = medrec.grantState(self, id).turn;
        bytes32 head = medrec.ledgerHead(self);
        if (act == Act.Invitation) return Acts.invitation(self, self, number + 1, EXPIRES_AT);
        if (act == Act.Acceptance) return Acts.acceptance(self, self, number + 1, EXPIRES_AT, BUNDLE);
        if (act == Act.Closure) return Acts.closure(self, self, number);
        if (act == Act.Anchor) return Acts.anchor(self, self, head, _digests(), abi.encodePacked(LOCATOR));
        if (act == Act.Retraction) return Acts.retraction(self, self, head, DIGEST, 0);
        if (act == Act.Grant) return id;
        if (act == Act.Revocation) return Acts.revocation(self, id);
        if (act == Act.Renunciation) return Acts.renunciation(self, id);
        if (act == Act.Suspension) return Acts.suspension(self, id, turn);
        if (act == Act.Resumption) return Acts.resumption(self, id, turn);
        if (act == Act.AgentRevocation) return Acts.agentRevocation(self, id);
        if (act == Act.Delegation) {
            return Acts.delegation(self, self, EXPIRES_AT, medrec.delegationOf(self, self).turn);
        }
        if (act == Act.Dismissal) return Acts.dismissal(self, self, medrec.delegationOf(self, self).turn);
        return _custodyHash(act);
    }

    function _custodyHash(Act act) private view returns (bytes32) {
        uint32 turn = guardianship.planOf(self).turn;
        if (act == Act.Plan) return Acts.plan(self, DIGEST, 0, NOTICE, DIGEST, turn);
        if (act == Act.LifeSign) return Acts.lifeSign(self, turn);
        if (act == Act.Announcement) return Acts.announcement(self, self, self, turn);
        if (act == Act.EmergencyPlan) return Acts.emergencyPlan(self, id, DIGEST, emergency.preparedOf(self).turn);
        return Acts.registration(self, registrar.registrationOf(self), _publicKey(), DESCRIPTOR);
    }

    /// @dev A relayer sends it.
    function _submit(Act act, bytes memory signature) private {
        bytes memory invitation = _signature(Act.Invitation);
        bytes memory acceptance = _signature(Act.Acceptance);
        vm.startPrank(relayer.addr);
        if (act == Act.Invitation) medrec.open(self, self, EXPIRES_AT, BUNDLE, signature, acceptance);
        if (act == Act.Acceptance) medrec.open(self, self, EXPIRES_AT, BUNDLE, invitation, signature);
        if (act == Act.Closure) medrec.closeWithSig(self, self, self, signature);
        if (act == Act.Anchor) medrec.anchorWithSig(self, self, _digests(), abi.encodePacked(LOCATOR), signature);
        if (act == Act.Retraction) medrec.retractWithSig(self, self, DIGEST, 0, signature);
        if (act == Act.Grant) medrec.grantWithSig(self, self, self, BUNDLE, TERMS_HASH, signature);
        if (act == Act.Revocation) medrec.revokeWithSig(self, id, signature);
        if (act == Act.Renunciation) medrec.renounceWithSig(self, self, self, BUNDLE, TERMS_HASH, signature);
        if (act == Act.Suspension) medrec.suspendWithSig(self, id, signature);
        if (act == Act.Resumption) medrec.resumeWithSig(self, id, signature);
        if (act == Act.AgentRevocation) medrec.revokeAgentWithSig(self, id, signature);
        if (act == Act.Registration) registrar.registerWithSig(self, _publicKey(), DESCRIPTOR, signature);
        if (act == Act.Delegation) medrec.nameDelegateWithSig(self, self, EXPIRES_AT, signature);
        if (act == Act.Dismissal) medrec.dismissDelegateWithSig(self, self, self, signature);
        if (act == Act.Plan) guardianship.setPlanWithSig(self, DIGEST, 0, NOTICE, DIGEST, signature);
        if (act == Act.LifeSign) guardianship.giveLifeSignWithSig(self, signature);
        if (act == Act.Announcement) guardianship.announce(self, self, self, SALT, new bytes32[](0), signature);
        if (act == Act.EmergencyPlan) emergency.prepareWithSig(self, id, DIGEST, signature);
        vm.stopPrank();
    }

    /// @dev The account sends it itself.
    function _actDirectly(Act act) private {
        vm.startPrank(self);
        if (act == Act.Invitation || act == Act.Acceptance) medrec.open(self, self, EXPIRES_AT, BUNDLE, "", "");
        if (act == Act.Closure) medrec.close(self, self);
        if (act == Act.Anchor) medrec.anchor(self, _digests(), abi.encodePacked(LOCATOR));
        if (act == Act.Retraction) medrec.retract(self, DIGEST, 0);
        if (act == Act.Grant) medrec.grant(self, self, BUNDLE, TERMS_HASH);
        if (act == Act.Revocation) medrec.revoke(id);
        if (act == Act.Renunciation) medrec.renounce(self, self, BUNDLE, TERMS_HASH);
        if (act == Act.Suspension) medrec.suspend(id);
        if (act == Act.Resumption) medrec.resume(id);
        if (act == Act.AgentRevocation) medrec.revokeAgent(id);
        if (act == Act.Registration) registrar.register(_publicKey(), DESCRIPTOR);
        if (act == Act.Delegation) medrec.nameDelegate(self, EXPIRES_AT);
        if (act == Act.Dismissal) medrec.dismissDelegate(self, self);
        if (act == Act.Plan) guardianship.setPlan(DIGEST, 0, NOTICE, DIGEST);
        if (act == Act.LifeSign) guardianship.giveLifeSign();
        if (act == Act.Announcement) guardianship.announce(self, self, self, SALT, new bytes32[](0), "");
        if (act == Act.EmergencyPlan) emergency.prepare(id, DIGEST);
        vm.stopPrank();
    }

    function _signature(Act act) private view returns (bytes memory) {
        return _signatureFor(act, address(medrec), address(registrar), address(guardianship), address(emergency));
    }

    function _signatureFor(Act act, address medrec_, address registrar_, address guardianship_, address emergency_)
        private
        view
        returns (bytes memory)
    {
        (address deployment, string memory name) = (medrec_, "MedRec");
        if (act == Act.Registration) (deployment, name) = (registrar_, "MedRec Registrar");
        if (act == Act.Plan || act == Act.LifeSign || act == Act.Announcement) {
            (deployment, name) = (guardianship_, "MedRec Guardianship");
        }
        if (act == Act.EmergencyPlan) (deployment, name) = (emergency_, "MedRec Emergency");
        return _signFor(deployment, name, signingKey, _structHash(act));
    }

    /// @dev What there is to see of an act: the state afterwards, and the events.
    function _trace() private returns (bytes32) {
        return keccak256(
            abi.encode(
                medrec.relationshipOf(self, self),
                medrec.grantState(self, id),
                medrec.ledgerHead(self),
                registrar.registrationOf(self),
                medrec.delegationOf(self, self),
                guardianship.planOf(self),
                guardianship.opensAt(self, self),
                emergency.preparedOf(self),
                vm.getRecordedLogs()
            )
        );
    }

    function _expectInvalid(Act act) private {
        vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, self, _structHash(act)));
    }

    // ------------------------------------------------------------------------------------------------- What must hold

    function test_a_signed_act_does_what_the_signers_own_call_does() public {
        for (uint256 i = 0; i < ACTS; ++i) {
            Act act = Act(i);
            uint256 before = NEWER.snapshotState();
            _arrange(act);
            uint256 arranged = NEWER.snapshotState();
            vm.recordLogs();
            _actDirectly(act);
            bytes32 direct = _trace();
            NEWER.revertToState(arranged);
            bytes memory signature = _signature(act);
            vm.recordLogs();
            bytes32 untouched = _trace();
            _submit(act, signature);
            bytes32 signed = _trace();
            assertEq(signed, direct, "signed and direct differ");
            assertNotEq(signed, untouched, "nothing happened");
            NEWER.revertToState(before);
        }
    }

    function test_the_signature_of_one_act_passes_for_no_other() public {
        for (uint256 i = 0; i < ACTS; ++i) {
            for (uint256 j = 0; j < ACTS; ++j) {
                if (i == j) continue;
                uint256 before = NEWER.snapshotState();
                _arrange(Act(j));
                bytes memory signature = _signature(Act(i));
                _expectInvalid(Act(j));
                this.submit(Act(j), signature);
                NEWER.revertToState(before);
            }
        }
    }

    function test_a_signature_played_again_does_nothing() public {
        for (uint256 i = 0; i < ACTS; ++i) {
            uint256 before = NEWER.snapshotState();
            _arrange(Act(i));
            bytes memory signature = _signature(Act(i));
            _submit(Act(i), signature);
            vm.recordLogs();
            bytes32 after_ = _trace();
            vm.recordLogs();
            try this.submit(Act(i), signature) {} catch {}
            assertEq(_trace(), after_);
            NEWER.revertToState(before);
        }
    }

    function test_a_signature_for_another_chain_is_refused() public {
        for (uint256 i = 0; i < ACTS; ++i) {
            uint256 before = NEWER.snapshotState();
            _arrange(Act(i));
            bytes memory signature = _signature(Act(i));
            vm.chainId(10);
            _expectInvalid(Act(i));
            this.submit(Act(i), signature);
            vm.chainId(31_337);
            _submit(Act(i), signature);
            NEWER.revertToState(before);
        }
    }

    function test_a_signature_for_another_deployment_is_refused() public {
        Registrar otherRegistrar = new Registrar(address(authority));
        MedRec other = new MedRec(registrar);
        address otherGuardianship = address(new Guardianship(medrec));
        address otherEmergency = address(new Emergency(medrec, VOCABULARY, TREATMENT));
        for (uint256 i = 0; i < ACTS; ++i) {
            uint256 before = NEWER.snapshotState();
            _arrange(Act(i));
            bytes memory signature =
                _signatureFor(Act(i), address(other), address(otherRegistrar), otherGuardianship, otherEmergency);
            _expectInvalid(Act(i));
            this.submit(Act(i), signature);
            NEWER.revertToState(before);
        }
    }

    function test_a_signature_by_another_key_is_refused() public {
        for (uint256 i = 0; i < ACTS; ++i) {
            uint256 before = NEWER.snapshotState();
            _arrange(Act(i));
            (uint256 own, bytes memory none) = (signingKey, "");
            signingKey = stranger.key;
            bytes memory signature = _signature(Act(i));
            signingKey = own;
            _expectInvalid(Act(i));
            this.submit(Act(i), signature);
            _expectInvalid(Act(i));
            this.submit(Act(i), none);
            NEWER.revertToState(before);
        }
    }

    /// @dev Seen from outside, so that what it refuses can be expected.
    function submit(Act act, bytes memory signature) external {
        _submit(act, signature);
    }
}

/// @notice A plain account and its key.
contract PlainAccountSignedActs is SignedActsSuite {
    function _account() internal override returns (address account, uint256 key) {
        return makeAddrAndKey("a plain account");
    }

    function test_a_signature_has_one_form_only() public {
        bytes32 id = keccak256("a grant");
        bytes32 structHash = Acts.revocation(self, id);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(signingKey, Acts.digest("MedRec", address(medrec), block.chainid, structHash));
        // secp256k1: the order of its base point, SEC 2 section 2.4.1.
        bytes32 high = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(s));
        bytes[6] memory forms;
        forms[0] = abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)); // malleated
        forms[1] = abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255)); // EIP-2098
        forms[2] = abi.encodePacked(r, s, v - 27);
        forms[3] = abi.encodePacked(r, s, v, uint8(0));
        forms[4] = abi.encodePacked(r, s);
        forms[5] = abi.encodePacked(uint256(v), r, s);
        for (uint256 i = 0; i < forms.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(SignedActs.InvalidSignature.selector, self, structHash));
            medrec.revokeWithSig(self, id, forms[i]);
        }
        medrec.revokeWithSig(self, id, abi.encodePacked(r, s, v));
    }

    function test_nobody_signs_for_the_zero_address() public {
        bytes32 id = keccak256("a grant");
        bytes[3] memory forms;
        forms[0] = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        forms[1] = abi.encodePacked(uint256(1), uint256(1), uint8(29));
        forms[2] = new bytes(65);
        bytes memory refusal =
            abi.encodeWithSelector(SignedActs.InvalidSignature.selector, address(0), Acts.revocation(address(0), id));
        for (uint256 i = 0; i < forms.length; ++i) {
            vm.expectRevert(refusal);
            medrec.revokeWithSig(address(0), id, forms[i]);
        }
    }

    function test_a_signature_under_another_name_or_version_is_refused() public {
        bytes32 id = keccak256("a grant");
        bytes memory signature = _signFor(address(medrec), "MedRec Registrar", signingKey, Acts.revocation(self, id));
        vm.expectRevert();
        medrec.revokeWithSig(self, id, signature);
        (, string memory name, string memory version, uint256 chainId, address deployment,,) = medrec.eip712Domain();
        assertEq(name, "MedRec");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(deployment, address(medrec));
    }
}

/// @notice An ERC-1271 account, whose owner signs.
contract WalletSignedActs is SignedActsSuite {
    function _account() internal override returns (address account, uint256 key) {
        address owner;
        (owner, key) = makeAddrAndKey("the owner of a wallet");
        account = address(new Wallet(owner));
    }

    function test_an_owner_of_two_wallets_signs_for_each_alone() public {
        Wallet second = new Wallet(vm.addr(signingKey));
        bytes32 id = keccak256("a grant");
        bytes memory signature = _signFor(address(medrec), "MedRec", signingKey, Acts.revocation(self, id));
        medrec.revokeWithSig(self, id, signature);
        vm.expectRevert();
        medrec.revokeWithSig(address(second), id, signature);
        vm.expectRevert();
        medrec.revokeWithSig(vm.addr(signingKey), id, signature);
    }

    function test_a_wallet_that_answers_wrongly_has_not_signed() public {
        bytes32 id = keccak256("a grant");
        for (uint256 i = 0; i <= uint256(type(WrongWallet.Answer).max); ++i) {
            address wallet = address(new WrongWallet(WrongWallet.Answer(i)));
            vm.expectRevert(
                abi.encodeWithSelector(SignedActs.InvalidSignature.selector, wallet, Acts.revocation(wallet, id))
            );
            medrec.revokeWithSig(wallet, id, "anything");
        }
    }

    function test_a_wallet_cannot_act_while_it_is_asked() public {
        ReentrantWallet wallet = new ReentrantWallet(medrec);
        bytes32 id = keccak256("a grant");
        vm.expectRevert();
        medrec.revokeWithSig(address(wallet), id, "anything");
        bytes32 digest = Acts.digest("MedRec", address(medrec), block.chainid, Acts.revocation(address(wallet), id));
        assertEq(uint256(medrec.grantState(address(wallet), digest).status), 0);
    }
}

/// @notice An EIP-7702 account that has code and signs with its own key.
contract DelegatedAccountSignedActs is SignedActsSuite {
    function _account() internal virtual override returns (address account, uint256 key) {
        (account, key) = makeAddrAndKey("a delegated account");
        _delegate(account, key, makeAddr("a guardian who does not sign"));
    }

    function _delegate(address account, uint256 key, address guardian) internal {
        address implementation = address(new Wallet(guardian));
        NEWER.signAndAttachDelegation(implementation, key);
        medrec.registrar(); // the transaction that the delegation travels in
        assertEq(account.code, abi.encodePacked(hex"ef0100", implementation), "delegated");
    }
}

/// @notice An EIP-7702 account for which another key signs, as its code allows.
contract GuardedAccountSignedActs is DelegatedAccountSignedActs {
    function _account() internal override returns (address account, uint256 key) {
        uint256 ownKey;
        address guardian;
        (account, ownKey) = makeAddrAndKey("a guarded account");
        (guardian, key) = makeAddrAndKey("the guardian of an account");
        _delegate(account, ownKey, guardian);
    }
}
