/**
 * Every code that faults and caveats carry: the catalogues have a text for each, and a test compares.
 *
 * Errors are named as in the Python package and in the contracts, where they exist there.
 */

/** Of `PageError`; the values that fill the gaps of the texts are named behind each. */
export const ERRORS = [
  // wallet
  "WalletMissing",
  "SigningDeclined",
  "WalletUnauthorized",
  "WalletUnsupported",
  "WalletDisconnected",
  "WalletUnknownChain",
  "WalletBusy",
  "WalletFailed", // message
  "WalletChanged",
  "WrongChain", // expected, found
  "UnsteadyWallet",
  "InvalidSignature", // signer
  "KeyfileInvalid",
  "Locked",
  // chain
  "ChainUnavailable", // reason
  "ChainInconsistent",
  "RpcRefused", // message
  "NotMined",
  "DeploymentInvalid",
  "RegistrationBroken", // participant
  // contracts
  "UnknownRevert", // data
  "RevertedWithReason", // reason
  "Panicked", // code
  "ActFailed",
  "NotRegistered", // participant
  "InvalidPublicKey",
  "RelationshipAlreadyOpen", // provider
  "InvitationExpired", // expiresAt
  "NotAParty",
  "NotAccredited", // participant
  "NothingToAnchor",
  "LocatorsMismatch",
  "NotAnAuthor",
  "GrantAlreadyExists",
  "GrantNotActive",
  "GrantNotSuspended",
  "InsufficientBalance",
  "DelegationInThePast", // expiresAt
  "NotOfDelegation",
  "NoNotice",
  "TooEarly", // silentAt
  "NotAGuardian",
  "AlreadyAnnounced",
  "NotOpen", // opensAt
  "NotPrepared",
  // relayers
  "RelayUnavailable", // reason
  "RelayRefused", // reason
  "RelaySlow",
  "RelayersRefuse", // reason
  "NoRelayer",
  // store
  "StoreUnavailable", // reason
  "StoreReadOnly",
  "ObjectMissing", // digest
  "ObjectTampered", // digest
  "ObjectMalformed", // digest
  "ObjectTooLarge", // digest
  // sealing
  "InvalidInput", // name, value
  "InvalidJson",
  "UnknownCode", // key
  "UnknownLanguage", // language
  "CidInvalid",
  "InvalidKey",
  "WrongKey",
  "KeyNotHeld",
  "ParcelTampered",
  "ContentInvalid",
  "ContentTooLarge",
  "StatementMismatch",
  "IntegrityError",
  // acts
  "AddressInvalid", // address
  "InvitationInvalid",
  "InvitationNotYours", // subject
  "InvitationLinks", // subject
  "NoParticipantKey", // participant
  "UnknownGrant", // id
  "UnknownSubject", // subject
  "GrantEmpty",
  "GrantEndsBeforeItBegins",
  "GrantDatesReversed",
  "GrantSubjectUnclear",
  "RelationshipNotOpen",
  "GuardiansTooFew", // threshold, guardians
  "GuardianTwice", // address
  "GuardiansMissing",
  "CustodiansWrong", // threshold, custodians
  "TooFewShares", // released, needed
  "SharesBroken", // owner
  "WalletLost", // wallet
  "Unexpected", // message
] as const;

/** Of `Fault`: what is wrong with what the chain or the store gave. */
export const FAULTS = [
  "ledger_mismatch", // subject
  "batches_mismatch", // author
  "registration_mismatch", // participant
  "relationship_mismatch", // provider
  "grant_mismatch", // id
  "delegation_mismatch", // delegate
  "guardianship_mismatch",
  "emergency_mismatch",
  "missing_object",
  "tampered_object",
  "unavailable_object",
  "unreadable_parcel",
  "unreadable_keys",
  "unreadable_grant", // id
  "batch_unproven", // author
  "unknown_parcel", // author
  "unusable_key", // participant
] as const;

/** Of `Proposal.caveats`: what an act can't undo, or what the person should know beforehand. */
export const CAVEATS = [
  "share_copies",
  "share_ties",
  "revoke_copies",
  "suspend_keys_stay",
  "agent_only",
  "close_reads_on",
  "accept_writes",
  "delegate_can_withdraw",
  "delegate_date_public",
  "guardians_together",
  "guardians_end",
  "life_sign_vetoes",
  "emergency_custodians_together",
  "emergency_withdrawn",
  "wallet_pays",
] as const;

export type ErrorCode = (typeof ERRORS)[number];
export type FaultCode = (typeof FAULTS)[number];
export type CaveatCode = (typeof CAVEATS)[number];
