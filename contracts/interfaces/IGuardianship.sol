// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMedRec} from "./IMedRec.sol";

/// @title Guardianship: who may step in when somebody gives no sign of life
/// @dev One clock for a lost wallet and for a dead-man's switch. After `silence` seconds without a sign of life of the
/// owner, a guardian may announce an heir. `notice` seconds later the plan is open to that heir, unless the owner gives
/// a sign of life, which ends every announcement. While it is open, guardians release to the heir what the owner left
/// with them: their shares of the owner's root. Several heirs may be announced side by side, so that one guardian who
/// announces the wrong one keeps nobody out.
///
/// As a `condition` (see `ICondition`) a grant works only while the plan of its subject is open to its viewer.
interface IGuardianship {
    /// @param guardians Merkle root over the guardians; zero when there is no plan.
    /// @param silence Seconds without a sign of life before anybody can be announced.
    /// @param notice Seconds between the announcement and the opening.
    /// @param turn Counts what was signed before: what the next signature names.
    /// @param lastSignAt Unix time of the last sign of life.
    /// @param announcedAt Unix time of the last announcement; 0 when none stands.
    struct Plan {
        bytes32 guardians;
        uint32 silence;
        uint32 notice;
        uint32 turn;
        uint64 lastSignAt;
        uint64 announcedAt;
    }

    /// @notice Somebody chose guardians, changed or ended the plan, and so gave a sign of life.
    /// @param owner Whose plan.
    /// @param guardians Merkle root over the guardians; zero for none any more.
    /// @param silence Seconds without a sign of life before anybody can be announced.
    /// @param notice Seconds between the announcement and the opening.
    /// @param shares sha2-256 digest of the object with the shares, each sealed to its guardian.
    /// @param turn The owner's from now on.
    event PlanSet(address indexed owner, bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares, uint32 turn);

    /// @notice The owner gave a sign of life, or it was found in what they did.
    /// @param owner Who.
    /// @param signAt Unix time of the sign: what is announced until `silence` seconds later does not stand.
    /// @param turn The owner's from now on.
    event LifeSignGiven(address indexed owner, uint64 signAt, uint32 turn);

    /// @notice A guardian says that the owner can't act, and who takes over unless the owner gives a sign of life.
    /// @param owner Whose plan.
    /// @param heir Who is to take over: perhaps the owner, with a new wallet.
    /// @param guardian Who says so.
    /// @param opensAt First second at which the plan is open to the heir.
    event RecoveryAnnounced(address indexed owner, address indexed heir, address indexed guardian, uint64 opensAt);

    /// @notice A guardian released a share to the heir.
    /// @param owner Whose plan.
    /// @param heir To whom.
    /// @param guardian Who.
    /// @param share sha2-256 digest of the object with the share, sealed to the heir's registered key.
    event ShareReleased(address indexed owner, address indexed heir, address indexed guardian, bytes32 share);

    /// @notice Without notice the owner could not veto.
    /// @param owner Whose plan.
    error NoNotice(address owner);
    /// @notice This grant shows no act of the owner's that is newer than the last sign of life.
    /// @param owner Whose plan.
    /// @param id The grant's.
    error NoSignOfLife(address owner, bytes32 id);
    /// @notice The owner has not been silent for long enough.
    /// @param owner Whose plan.
    /// @param silentAt First second at which an heir can be announced.
    error TooEarly(address owner, uint64 silentAt);
    /// @notice Salt and proof do not show that this is a guardian of the owner's.
    /// @param owner Whose plan.
    /// @param guardian Who would have to be one.
    error NotAGuardian(address owner, address guardian);
    /// @notice This heir has been announced already; the notice runs.
    /// @param owner Whose plan.
    /// @param heir Who.
    /// @param opensAt First second at which the plan is open to them.
    error AlreadyAnnounced(address owner, address heir, uint64 opensAt);
    /// @notice The plan is not open to this heir.
    /// @param owner Whose plan.
    /// @param heir Who.
    /// @param opensAt First second at which it will be; 0 when no announcement stands.
    error NotOpen(address owner, address heir, uint64 opensAt);

    /// @notice Chooses the caller's guardians, changes or ends the plan. Counts as a sign of life.
    /// @param guardians Merkle root (sorted pairs) over `keccak256(bytes.concat(keccak256(abi.encode(owner, guardian,
    /// salt))))`, so that nobody learns who they are before one announces; zero ends the plan.
    /// @param silence Seconds without a sign of life before anybody can be announced; 0 for at once.
    /// @param notice Seconds between the announcement and the opening; more than 0, unless the plan ends.
    /// @param shares sha2-256 digest of the object with the shares, each sealed to its guardian.
    function setPlan(bytes32 guardians, uint32 silence, uint32 notice, bytes32 shares) external;

    /// @notice The same by signature.
    /// @param owner Who signed.
    /// @param guardians As in `setPlan`.
    /// @param silence As in `setPlan`.
    /// @param notice As in `setPlan`.
    /// @param shares As in `setPlan`.
    /// @param signature Over `Plan(address owner,bytes32 guardians,uint32 silence,uint32 notice,bytes32 shares,uint32
    /// turn)`, `turn` as it stands.
    function setPlanWithSig(
        address owner,
        bytes32 guardians,
        uint32 silence,
        uint32 notice,
        bytes32 shares,
        bytes calldata signature
    ) external;

    /// @notice Gives a sign of life of the caller's: ends every announcement, and the silence begins anew.
    function giveLifeSign() external;

    /// @notice The same by signature.
    /// @param owner Who signed.
    /// @param signature Over `LifeSign(address owner,uint32 turn)`, `turn` as it stands.
    function giveLifeSignWithSig(address owner, bytes calldata signature) external;

    /// @notice Shows that the owner has acted in MedRec since the last sign of life; anybody may. So acts reset the
    /// clock without each of them paying for it.
    /// @dev Only a grant that stands shows it: granting and resuming are the owner's own. Withdrawing is not, since a
    /// delegate does that in the owner's name, and could feign life for ever. Ends those announcements that were made
    /// before the silence was long enough.
    /// @dev Warning: a grant that was signed long ago and brought to the chain now passes for an act of now. Whoever
    /// keeps a signed grant back can so delay an opening, once for each.
    /// @param owner Who acted.
    /// @param id A grant of theirs that is active, its agent not dismissed.
    function proveLife(address owner, bytes32 id) external;

    /// @notice Announces an heir.
    /// @param owner Whose plan.
    /// @param heir Who is to take over.
    /// @param guardian Who says so.
    /// @param salt Of the guardian's leaf.
    /// @param proof From the leaf to the root.
    /// @param signature The guardian's over `Announcement(address owner,address heir,address guardian,uint32 turn)`,
    /// `turn` as it stands; may be empty when the guardian is the caller.
    function announce(
        address owner,
        address heir,
        address guardian,
        bytes32 salt,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Releases a share to an heir to whom the plan is open; the caller is a guardian.
    /// @param owner Whose plan.
    /// @param heir To whom.
    /// @param salt Of the guardian's leaf.
    /// @param proof From the leaf to the root.
    /// @param share sha2-256 digest of the object with the share, sealed to the heir's registered key.
    function release(address owner, address heir, bytes32 salt, bytes32[] calldata proof, bytes32 share) external;

    /// @notice The plan that stands.
    /// @param owner Whose.
    /// @return The plan; `guardians` zero when there is none.
    function planOf(address owner) external view returns (Plan memory);

    /// @notice When the plan opens, or opened, to an heir.
    /// @param owner Whose plan.
    /// @param heir To whom.
    /// @return First second at which it is open to them; 0 when no announcement stands.
    function opensAt(address owner, address heir) external view returns (uint64);

    /// @notice Whether the plan is open to an heir now.
    /// @param owner Whose plan.
    /// @param heir To whom.
    /// @return Whether it is.
    function isOpen(address owner, address heir) external view returns (bool);

    /// @notice Whose grants show signs of life.
    /// @return The MedRec that is asked.
    function medrec() external view returns (IMedRec);
}
