/** Every code that faults and caveats carry: the catalogues have a text for each, and a test compares. */

/** Of `PageError`. Values that fill the gaps of the texts are named behind each. */
export const ERRORS = [
  // wallet
  "wallet_none",
  "wallet_refused",
  "wallet_unauthorized",
  "wallet_unsupported",
  "wallet_disconnected",
  "wallet_unknown_chain",
  "wallet_busy",
  "wallet_failed", // message
  "wallet_changed",
  "wallet_wrong_chain", // chain
  "wallet_unsteady",
  "wallet_no_signature",
  "root_file_invalid",
  "root_file_password",
  "locked",
  // chain
  "chain_unavailable", // reason
  "chain_inconsistent",
  "chain_refused", // message
  "chain_wrong", // expected, found
  "contract_unknown", // data
  "contract_failed",
  "contract_Error", // reason
  "contract_Panic", // code
  "contract_InvalidSignature", // signer
  "contract_NotRegistered", // participant
  "contract_InvalidPublicKey",
  "contract_RelationshipAlreadyOpen", // provider
  "contract_InvitationExpired", // expiresAt
  "contract_NotAParty",
  "contract_NotAccredited", // participant
  "contract_NothingToAnchor",
  "contract_LocatorsMismatch",
  "contract_NotAnAuthor",
  "contract_GrantAlreadyExists",
  "contract_GrantNotActive",
  "contract_GrantNotSuspended",
  "contract_InsufficientBalance",
  // relayers
  "relay_unavailable", // reason
  "relay_refused", // reason
  "relay_slow",
  "relayers_refuse", // reason
  "relayers_none",
  // store
  "store_unavailable", // reason
  "store_read_only",
  "object_missing", // digest
  "object_tampered", // digest
  "object_malformed", // digest
  "object_too_large", // digest
  // sealing
  "keys_unreadable", // digest
  "content_invalid", // digest
  // acts
  "address_invalid", // address
  "invitation_invalid",
  "invitation_not_yours", // subject
  "invitation_known_subject", // subject
  "participant_without_key", // participant
  "participant_key_invalid", // participant
  "grant_unknown", // id
  "grant_empty",
  "grant_ends_before_it_begins",
  "grant_dates_reversed",
  "grant_subject_unclear",
  "relationship_unknown",
  "delegate_in_the_past",
  "guardians_too_few", // threshold, guardians
  "guardians_twice", // address
  "guardians_none",
  "emergency_custodians", // threshold, custodians
  "recovery_no_plan",
  "recovery_closed", // opensAt
  "recovery_shares", // released, threshold
  "config_invalid",
  "unexpected", // message
] as const;

/** Of `Fault`: what is wrong with what the chain or the store gave. */
export const FAULTS = [
  "ledger_mismatch", // subject
  "batches_mismatch", // author
  "registration_mismatch", // participant
  "relationship_mismatch", // provider
  "grant_mismatch", // id
  "missing_object",
  "tampered_object",
  "unreadable_parcel",
  "unreadable_keys",
  "unreadable_grant", // id
  "unlisted_in_batch",
  "unknown_parcel", // author
  "excerpt_without_anchor", // author
] as const;

/** Of `Proposal.caveats`: what an act can't undo, or what the person should know beforehand. */
export const CAVEATS = [
  "share_copies",
  "share_links_nothing_else",
  "revoke_copies",
  "suspend_keys_stay",
  "agent_only",
  "resume_as_before",
  "close_reads_on",
  "accept_writes",
  "delegate_can_withdraw",
  "delegate_date_public",
  "guardians_together",
  "guardians_see_owner",
  "life_sign_vetoes",
  "guardians_end",
  "emergency_hours",
  "emergency_custodians_together",
  "wallet_pays",
] as const;

export type ErrorCode = (typeof ERRORS)[number];
export type FaultCode = (typeof FAULTS)[number];
export type CaveatCode = (typeof CAVEATS)[number];
