// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMedRec} from "./IMedRec.sol";

/// @title Emergency: access that a patient prepares and an accredited emergency provider declares
/// @dev The patient grants, to this contract's address, what may be seen in an emergency: classes, for emergency
/// treatment only, with one delegation. The key bundle of that grant is sealed to an emergency key, which is split among
/// custodians. Whoever declares an emergency gets an ordinary sub-grant of it: the patient's terms bound it, it stands
/// in the tree of grants, the patient revokes it like any other. The custodians release their shares of the key only
/// while a declaration stands.
///
/// As a `condition` (see `ICondition`) of those sub-grants it holds while the provider's accreditation for emergencies
/// runs.
interface IEmergency {
    /// @param grant Id of the grant that was made to this contract; zero when nothing is prepared.
    /// @param turn How often the subject prepared or took back: what the next signature names.
    struct Preparation {
        bytes32 grant;
        uint32 turn;
    }

    /// @param provider Who declared the emergency; zero when nobody did.
    /// @param expiresAt First second at which the declaration no longer stands.
    /// @param turn The subject's when it was declared: for a later preparation it does not stand.
    struct Declaration {
        address provider;
        uint64 expiresAt;
        uint32 turn;
    }

    /// @notice A subject prepared for emergencies, anew, or no longer.
    /// @param subject Who.
    /// @param grant Id of the grant made to this contract; zero for nothing any more.
    /// @param custody sha2-256 digest of the object with the custodians' sealed shares of the emergency key.
    /// @param turn The subject's from now on.
    event EmergencyPrepared(address indexed subject, bytes32 grant, bytes32 custody, uint32 turn);

    /// @notice An accredited emergency provider declared an emergency, and so has a grant.
    /// @param subject Whose emergency.
    /// @param provider Who declared it.
    /// @param id Of the grant to the provider.
    /// @param startsAt First second at which that grant permits anything.
    /// @param expiresAt First second at which it no longer does.
    /// @param reason sha2-256 digest of an object that says why, sealed to subject and custodians.
    event EmergencyDeclared(
        address indexed subject, address indexed provider, bytes32 id, uint64 startsAt, uint64 expiresAt, bytes32 reason
    );

    /// @notice Somebody released a share of the emergency key.
    /// @dev Warning: anybody can. It matters when this is a custodian: only then does the share open anything.
    /// @param subject Whose emergency.
    /// @param provider To whom.
    /// @param custodian Who.
    /// @param id Of the grant to the provider.
    /// @param share sha2-256 digest of the object with the share, sealed to the provider's registered key.
    event KeyReleased(
        address indexed subject, address indexed provider, address indexed custodian, bytes32 id, bytes32 share
    );

    /// @notice The subject has prepared nothing, or the grant that it prepared is not active.
    /// @param subject Who.
    error NotPrepared(address subject);
    /// @notice An emergency begins at the latest now, ends later than now, and lasts 72 hours at most.
    /// @param startsAt When it would begin.
    /// @param expiresAt When it would end.
    error InvalidPeriod(uint64 startsAt, uint64 expiresAt);
    /// @notice The provider declared no such emergency, or it ended: by time, by the patient, or with the accreditation.
    /// @param subject Whose emergency.
    /// @param provider Who would have to have declared it.
    /// @param id Of the grant to the provider.
    error NotDeclared(address subject, address provider, bytes32 id);

    /// @notice Says which grant the caller has made for emergencies, and where the custodians' shares are.
    /// @dev Ends the release of keys for what was declared before, not the grants of those who have keys already: those
    /// the subject ends by revoking the prepared grant.
    /// @param grant Id of a grant to this contract, for emergency treatment, with a delegation; zero takes it back.
    /// @param custody sha2-256 digest of the object with the custodians' sealed shares of the emergency key.
    function prepare(bytes32 grant, bytes32 custody) external;

    /// @notice The same by signature.
    /// @param subject Who signed.
    /// @param grant As in `prepare`.
    /// @param custody As in `prepare`.
    /// @param signature Over `EmergencyPlan(address subject,bytes32 grant,bytes32 custody,uint32 turn)`, `turn` as it
    /// stands.
    function prepareWithSig(address subject, bytes32 grant, bytes32 custody, bytes calldata signature) external;

    /// @notice Declares an emergency; the caller is an accredited emergency provider. Makes the sub-grant: reading any
    /// class and date, for emergency treatment, as far as the prepared grant goes.
    /// @param subject Whose emergency.
    /// @param startsAt First second at which the sub-grant permits anything; not later than now.
    /// @param expiresAt First second at which it no longer does; not later than 72 hours from now.
    /// @param statementHash keccak256 of the plain sentence for the sub-grant's terms.
    /// @param salt 32 random bytes.
    /// @param bundle Digest of the key bundle that hands over the terms, sealed to provider and subject.
    /// @param reason sha2-256 digest of an object that says why, sealed to subject and custodians.
    /// @return id Of the sub-grant.
    function declare(
        address subject,
        uint64 startsAt,
        uint64 expiresAt,
        bytes32 statementHash,
        bytes32 salt,
        bytes32 bundle,
        bytes32 reason
    ) external returns (bytes32 id);

    /// @notice Releases a share of the emergency key while the declaration stands; the caller is a custodian.
    /// @param subject Whose emergency.
    /// @param provider To whom.
    /// @param id Of the grant to the provider.
    /// @param share sha2-256 digest of the object with the share, sealed to the provider's registered key.
    function release(address subject, address provider, bytes32 id, bytes32 share) external;

    /// @notice What a subject has prepared.
    /// @param subject Who.
    /// @return The preparation; `grant` zero when there is none.
    function preparedOf(address subject) external view returns (Preparation memory);

    /// @notice What was declared, standing or not.
    /// @param subject Whose emergency.
    /// @param id Of the grant to the provider.
    /// @return The declaration; zeros when there was never one.
    function declarationOf(address subject, bytes32 id) external view returns (Declaration memory);

    /// @notice Whether a declaration stands: it has not ended by time, by the patient, or with the accreditation.
    /// @param subject Whose emergency.
    /// @param id Of the grant to the provider.
    /// @return Whether it does.
    function isDeclared(address subject, bytes32 id) external view returns (bool);

    /// @notice Where the grants are made.
    /// @return The MedRec that emergencies are declared for.
    function medrec() external view returns (IMedRec);

    /// @notice The table that numbers classes and purposes in the sub-grants.
    /// @return Its hash.
    function vocabulary() external view returns (bytes32);

    /// @notice The purpose of the sub-grants.
    /// @return Its number in the vocabulary: that of emergency treatment.
    function purpose() external view returns (uint8);
}
