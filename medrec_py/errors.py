"""The one tree of errors: what failed, with which values, and what to do next.

Every error of this package is a `MedRecError`. Its message is one sentence of fact; `facts` holds the values that the
sentence is about; `hint` says what to do next. The tree::

    MedRecError
    ├── InvalidInput            what was handed in can't be used (exit code 2)
    ├── Refused                 a rule says no (exit code 1)
    ├── IntegrityError          bytes, ledger or chain don't match their commitment
    └── Unavailable             a server can't be reached; nothing was lost, try again

Packages add their own leaves below these four, in this file, so that the tree can be read in one place. Errors that
the contracts raise are leaves of `Refused` named like the Solidity error (see `medrec_py.chain`).
"""

from __future__ import annotations

from typing import ClassVar


class MedRecError(Exception):
    """Base of all errors of this package.

    Args:
        message: One sentence of fact, with the offending values in it.
        hint: What to do next; the class's own hint when not given.
        facts: The values the message is about, by name, fit for JSON.
    """

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.facts = facts

    def __str__(self) -> str:
        """The message and, behind it, the hint."""
        return f"{self.message} {self.hint}".strip()

    def to_json(self) -> dict[str, object]:
        """The error as a JSON object: `error` (class name), `message`, `hint`, `facts`."""
        facts = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.facts.items()}
        return {"error": type(self).__name__, "message": self.message, "hint": self.hint, "facts": facts}


class InvalidInput(MedRecError):
    """What was handed in can't be used."""


class Refused(MedRecError):
    """A rule says no."""


class IntegrityError(MedRecError):
    """Bytes, ledger or chain don't match their commitment."""


class Unavailable(MedRecError):
    """A server can't be reached, or too few of them."""

    default_hint = "Nothing was lost. Start the server or correct its address, then run the same again."


# ── storage ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class CidInvalid(InvalidInput):
    """A text or byte string is no content identifier of the one kind that is used here."""

    default_hint = "A CID here is CIDv1, raw or dag-pb, sha2-256, in base32: it begins with 'bafkrei' or 'bafybei'."


class ObjectTooLarge(InvalidInput):
    """An object is larger than the limit that the caller set for holding it in memory."""

    default_hint = "Read it piece by piece with open() or read(), or raise the limit."


class StoreAddressInvalid(InvalidInput):
    """An address names no store."""

    default_hint = (
        "Give the path of a folder, a Kubo RPC address such as /ip4/127.0.0.1/tcp/5001 or http://127.0.0.1:5001, "
        "or several of them separated by commas."
    )


class ObjectMissing(IntegrityError):
    """A block of an object is in none of the places where it was looked for."""

    default_hint = "Ask the author or another replica for the object, or run repair on the replicated store."


class ObjectTampered(IntegrityError):
    """Bytes came back that don't hash to the digest they were asked for by."""

    default_hint = "Nothing of these bytes was used. Read from another replica and repair this one."


class ObjectMalformed(IntegrityError):
    """A block hashes right but is no node of a file in the one layout that is used here: its author made it so."""

    default_hint = "Its author must store the object again with this package or with the same import settings."


class StoreUnavailable(Unavailable):
    """A store can't be reached, doesn't answer in time, or can't write."""


class QuorumNotReached(Unavailable):
    """Fewer replicas took a write than the quorum asks for."""

    default_hint = "What was written stays written. Bring the named replicas back, then run the same again."


# ── records: JSON, FHIR and the vocabulary ───────────────────────────────────────────────────────────────────────────


class InvalidJson(InvalidInput):
    """A document is not JSON, or not JSON that can be kept unchanged."""

    default_hint = "Correct the document at the place named, or export it again from where it came."


class InvalidResource(InvalidInput):
    """A JSON value is not a FHIR resource, or breaks the structure that FHIR R4 gives its type."""

    default_hint = "Each entry must be a JSON object whose resourceType names its type."


class DuplicateResource(InvalidInput):
    """Two different resources of one input have the same type and id."""

    default_hint = "Keep the one that is right, or give them different ids."


class WrongPatient(InvalidInput):
    """Resources belong to another patient than the rest of the input."""

    default_hint = "Remove them, or say that records of any patient are accepted (--any-patient, any_patient=True)."


class InputTooLarge(InvalidInput):
    """An input is larger than the limits allow, perhaps only once decompressed."""

    default_hint = "Split it into smaller files, or raise the limit named."


class UnknownCode(InvalidInput):
    """The vocabulary has no such class, purpose or operation."""

    default_hint = "Use a code or number of the shipped vocabulary, medrec_py/types/vocabulary.json."


# ── client: consent, roles and verification ──────────────────────────────────────────────────────────────────────────


class UnknownLanguage(InvalidInput):
    """There are no texts in the language asked for."""

    default_hint = "The languages are 'en' and 'zh'."


class StatementMismatch(IntegrityError):
    """The sentence that a grant shows people is not the one that its fields make."""

    default_hint = "Do not rely on this grant. Ask the patient to grant anew."


class InvitationInvalid(InvalidInput):
    """An invitation can't be read, is meant for somebody else, or is not signed by its provider."""

    default_hint = "Ask the provider for a new invitation to the subject that your wallet shows."


class NoParticipantKey(InvalidInput):
    """An address has registered no key, so nothing can be sealed to it."""

    default_hint = "It registers once with `medrec register`; then repeat this."


class NoRelayer(InvalidInput):
    """An act is to be relayed and nobody was named who relays."""

    default_hint = "Name a relayer (relayer=…, --relayer), or act by a wallet that holds ether (wallet_mode=True)."


class UnsteadyWallet(InvalidInput):
    """A wallet signs the same message differently each time, so no key can be made of its signature."""

    default_hint = "Give a root key file of your own (root=…, --root-file); `medrec root new` makes one. Keep a copy."


class WalletLost(Refused):
    """An act of a wallet whose root was inherited: its records can be read, but nobody can sign for it."""

    default_hint = "A delegate may still withdraw in its name (`medrec delegate revoke`); grants that end, end."


class NoShare(InvalidInput):
    """An account keeps no share of a secret that it is asked to announce for or to release."""

    default_hint = "`medrec guardian wards` and `medrec emergency requests` list what this account keeps shares of."


class TooFewShares(Refused):
    """Fewer shares of a secret have been released than it takes."""

    default_hint = "Ask the others who hold a share to release it, then repeat this."


class SharesBroken(IntegrityError):
    """Enough shares were released, and they do not make the secret that they are said to be of."""

    default_hint = "Somebody released a false share: ask further holders to release theirs."


class UnknownGrant(InvalidInput):
    """No grant with this id concerns this participant."""

    default_hint = "`medrec grants` lists the grants that do."


class UnknownSubject(InvalidInput):
    """An address is no subject of this participant."""

    default_hint = "`medrec relationships` lists the subjects."


class NoRelationship(Refused):
    """The provider and the subject have no open relationship."""

    default_hint = "Invite the patient (`medrec invite`) and have the invitation accepted (`medrec accept`)."


class NotPermitted(Refused):
    """A grant, or the lack of one, refuses a request. `facts` name the rule and whether a key is held all the same."""

    default_hint = "Ask the patient for a grant that covers it."


class NoKey(Refused):
    """No key that this participant holds opens a parcel."""

    default_hint = "Only the patient can hand over the key, by a grant that covers the parcel."


# ── crypto and sealing ───────────────────────────────────────────────────────────────────────────────────────────────


class InvalidKey(InvalidInput):
    """Bytes that can't be a key of the kind they are used as."""

    default_hint = "Take the key from where it was made; lengths and encodings are in docs/protocol.md."


class KeyNotHeld(Refused):
    """The nodes at hand don't cover the keys that are to be derived or passed on."""

    default_hint = "Only what a grant handed over can be passed on. Ask the patient for a grant that covers it."


class WrongKey(IntegrityError):
    """An object doesn't open with this key in this place: another key, another context, or an altered header."""

    default_hint = (
        "Check subject, author, class, period and epoch. After a revocation it takes the key of the new epoch."
    )


class ParcelTampered(IntegrityError):
    """A sealed object isn't the bytes that were sealed: altered, cut, extended, reordered, or not an object at all."""

    default_hint = (
        "Nothing of it was used. Fetch it from another replica; if that is the same, its author must publish it again."
    )


class ContentInvalid(IntegrityError):
    """An object opens, so its author made it, but what it holds isn't what it should be."""

    default_hint = "Only its author can mend that: have it retracted and published again."


class ContentTooLarge(ContentInvalid):
    """What an object holds would expand beyond what anybody seals into one; it was not expanded."""

    default_hint = "Treat its author as hostile, or broken: nothing that this software seals is so large."


# ── chain: connection, accounts, deployment ──────────────────────────────────────────────────────────────────────────


class PrivateKeyInvalid(InvalidInput):
    """A private key is no secp256k1 key. The message never holds it."""

    default_hint = "A private key is 32 bytes, or 64 hexadecimal digits with or without 0x, neither zero nor too large."


class AccountInvalid(InvalidInput):
    """An object can't sign as an account, or signed as another one."""

    default_hint = (
        "Give a private key, an eth_account account, an ape account, or an object with address, sign_message and "
        "sign_transaction."
    )


class SigningDeclined(Refused):
    """Whoever holds the key declined to sign."""

    default_hint = "Nothing was sent. Repeat it and confirm in the wallet."


class KeyfileInvalid(InvalidInput):
    """A key file can't be opened: missing, not an Ethereum key file, or another password."""

    default_hint = (
        "Check path and password. A key file is JSON, Web3 Secret Storage version 3, as geth and ape write it."
    )


class RpcAddressInvalid(InvalidInput):
    """An address names no JSON-RPC server."""

    default_hint = "Give an http, https, ws or wss URL, or the path of an ipc socket."


class WrongChain(InvalidInput):
    """A deployment, or a signed transaction, belongs to another chain."""

    default_hint = "Connect to that chain, or name the deployment of this one."


class DeploymentMissing(InvalidInput):
    """No deployment is known on this chain."""

    default_hint = "Deploy first (`ape run deploy`, or `deploy(chain, account)`), or name the deployment file."


class DeploymentInvalid(InvalidInput):
    """A deployment file can't be read."""

    default_hint = "Take the file from whoever deployed, or run the deployment again: it writes the file anew."


class WrongBytecode(IntegrityError):
    """The code at an address is not the contract that is shipped here."""

    default_hint = "Do not use this deployment. Check its addresses, and that this package is of the deployed version."


class ChainInconsistent(IntegrityError):
    """A server's answers contradict each other, or the deployment's contracts emitted what they can't."""

    default_hint = "Ask another server. If the contradiction stays, the deployment file names wrong contracts."


class ProofInvalid(IntegrityError):
    """A storage proof does not lead from the trusted state root to the values claimed."""

    default_hint = "Do not use the values. Ask another server for the proof."


class ChainUnavailable(Unavailable):
    """The chain's server can't be reached, or does not answer in time."""


class ChainInUse(Unavailable):
    """Another process holds the embedded chain's folder."""

    default_hint = "Nothing was lost. End the other process, or wait for it; for several at once use a server (Anvil)."


class ChainDamaged(IntegrityError):
    """The embedded chain's file can't be read."""

    default_hint = "Restore the folder from a copy. Contents are not repaired by guessing."


class NotMined(Unavailable):
    """A transaction was not mined in the time given."""

    default_hint = "Nothing was lost. Broadcast the same transaction again, or wait longer."


class RpcRefused(Refused):
    """The chain's server refuses a request."""

    default_hint = "The server's own words say why."


class NonceUsed(Refused):
    """Another transaction used up the nonce of this one, so it can never be mined."""

    default_hint = "Sign the call anew; the act itself has not happened."


class InsufficientEther(Refused):
    """The account can't pay for the transaction."""

    default_hint = "Send ether to the account, or let a relayer send the signed act."


# ── devnet: servers of one's own on loopback ─────────────────────────────────────────────────────────────────────────


class ServerMissing(Unavailable):
    """The program of a server is not on this machine."""

    default_hint = "In a clone of this project `make setup` brings it; elsewhere install it and put it on PATH."


class ServerFailed(Unavailable):
    """A server ended, or kept silent, instead of answering."""

    default_hint = "Its own last words are in the message, all of them in its log file."


class PortTaken(Unavailable):
    """The TCP port that a server is to listen on is in use."""

    default_hint = "End what holds it, name another port, or let the ports be chosen (`medrec devnet up --ports auto`)."


class DevnetBusy(Unavailable):
    """Another process is starting or stopping the same devnet."""

    default_hint = "Wait until it is done, or use another folder."


# ── web: the patient's page ──────────────────────────────────────────────────────────────────────────────────────────


class PageMissing(Unavailable):
    """The patient's page was not built, so there is nothing to serve."""

    default_hint = "In a clone of the project, build it with `make web`; a wheel made after that carries it."


class PageInvalid(IntegrityError):
    """What was built is no page that may be served: it holds a script that no hash can pin, or names a missing file."""

    default_hint = "Build it again with `make web`."


# ── chain: what the contracts refuse, one class per Solidity error ───────────────────────────────────────────────────


class ContractRefusal(Refused):
    """Base of the refusals that come out of a contract. `facts` are the Solidity error's arguments, by name.

    Attributes:
        signature: The Solidity error: name, types and names of its arguments.
        sentence: The message, with the arguments' names in braces.
    """

    signature: ClassVar[str] = ""
    sentence: ClassVar[str] = ""


class UnknownRevert(ContractRefusal):
    """A contract reverted with something that none of the shipped contracts says."""

    default_hint = "Check that the address called is the deployment's and that this package is of the same version."


class RevertedWithReason(ContractRefusal):
    """A contract reverted with a sentence of its own (`Error(string)`)."""

    signature = "Error(string reason)"
    sentence = "The contract refused: {reason}"


class Panicked(ContractRefusal):
    """A contract stopped at a violated assertion, an overflow or an impossible value (`Panic(uint256)`)."""

    signature = "Panic(uint256 code)"
    sentence = "The contract stopped with panic code {code}."
    default_hint = "Arguments are out of range, or the contract has a defect: report it with the call."


class OutOfGas(ContractRefusal):
    """A transaction used all the gas it was given."""

    sentence = "The transaction ran out of gas."
    default_hint = "Send it again, in smaller pieces if it anchors very many parcels at once."


class InvalidSignature(ContractRefusal):
    """A signature over an act is not the signer's."""

    signature = "InvalidSignature(address signer,bytes32 structHash)"
    sentence = "The signature over the act {structHash} is not by {signer}."
    default_hint = (
        "Either another key signed, or something changed since: the act was done already, or chain, contract, terms or "
        "the number in it differ. Read the state again and have it signed anew."
    )


class NotRegistered(ContractRefusal):
    """Only registered participants can be accredited."""

    signature = "NotRegistered(address participant)"
    sentence = "{participant} has registered no key."
    default_hint = "It registers once with `medrec register`; then repeat this."


class InvalidPublicKey(ContractRefusal):
    """The key to register has not the length of an X-Wing public key."""

    signature = "InvalidPublicKey(uint256 length)"
    sentence = "The public key has {length} bytes, not 1216."
    default_hint = "Register the X-Wing public key that the SDK derives for the account."


class AccreditationInThePast(ContractRefusal):
    """The accreditation would have ended before it began."""

    signature = "AccreditationInThePast(uint64 expiresAt)"
    sentence = "The accreditation would have ended at {expiresAt}, before now."
    default_hint = "Give an end that lies ahead."


class VocabularyAlreadyPublished(ContractRefusal):
    """The table of classes and purposes was published before."""

    signature = "VocabularyAlreadyPublished(bytes32 vocabulary)"
    sentence = "The vocabulary {vocabulary} stands already."
    default_hint = "Nothing is left to do."


class RelationshipAlreadyOpen(ContractRefusal):
    """The pair has an open relationship."""

    signature = "RelationshipAlreadyOpen(address subject,address provider,uint32 number)"
    sentence = "Subject {subject} and provider {provider} have an open relationship, number {number}."
    default_hint = "Use it, or close it first."


class InvitationExpired(ContractRefusal):
    """The provider's invitation lapsed."""

    signature = "InvitationExpired(uint64 expiresAt)"
    sentence = "The invitation lapsed at {expiresAt}."
    default_hint = "Ask the provider for a new one."


class NotAParty(ContractRefusal):
    """Somebody who is neither subject nor provider tried to close a relationship."""

    signature = "NotAParty(address caller,address subject,address provider)"
    sentence = "{caller} is neither the subject {subject} nor the provider {provider}."
    default_hint = "Only one of the two can close it."


class NotAccredited(ContractRefusal):
    """No running accreditation covers the roles needed."""

    signature = "NotAccredited(address participant,uint64 roles)"
    sentence = "{participant} has no running accreditation for roles {roles} (1 provider, 2 gateway, 4 emergency)."
    default_hint = "Ask the registrar to accredit it (`medrec accredit`)."


class NothingToAnchor(ContractRefusal):
    """An anchor or batch without a parcel."""

    signature = "NothingToAnchor()"
    sentence = "There is no parcel to anchor."
    default_hint = "Give at least one."


class LocatorsMismatch(ContractRefusal):
    """There are not 16 bytes of locator for each digest."""

    signature = "LocatorsMismatch(uint256 digests,uint256 locatorBytes)"
    sentence = "{digests} digests came with {locatorBytes} bytes of locators; it takes 16 for each."
    default_hint = "Give one locator of 16 bytes for each digest."


class NotAnAuthor(ContractRefusal):
    """The author is neither the subject nor an accredited provider in an open relationship with it."""

    signature = "NotAnAuthor(address subject,address author)"
    sentence = "{author} may not write to the ledger of {subject}."
    default_hint = "It takes an open relationship with the subject and a running accreditation as provider."


class BatchAlreadyAnchored(ContractRefusal):
    """The author has anchored this root already."""

    signature = "BatchAlreadyAnchored(address author,bytes32 root)"
    sentence = "{author} has anchored the batch {root} already."
    default_hint = "Nothing is left to do."


class GrantAlreadyExists(ContractRefusal):
    """The grant stands or stood, or was withdrawn before it was made."""

    signature = "GrantAlreadyExists(address grantor,bytes32 id,uint8 status)"
    sentence = "The grant {id} by {grantor} exists, with status {status}."
    default_hint = "Make a new grant, with another salt."


class GrantNotActive(ContractRefusal):
    """Only an active grant can be suspended."""

    signature = "GrantNotActive(address grantor,bytes32 id,uint8 status)"
    sentence = "The grant {id} by {grantor} is not active: its status is {status}."
    default_hint = "Nothing is left to suspend; `medrec grants` shows where each grant stands."


class GrantNotSuspended(ContractRefusal):
    """Only a suspended grant can be resumed."""

    signature = "GrantNotSuspended(address grantor,bytes32 id,uint8 status)"
    sentence = "The grant {id} by {grantor} is not suspended: its status is {status}."
    default_hint = "A revoked or renounced grant never comes back: make a new one."


class EpochAlreadyCommitted(ContractRefusal):
    """The gateway has committed this epoch's receipts already."""

    signature = "EpochAlreadyCommitted(address gateway,uint64 epoch,bytes32 head)"
    sentence = "Gateway {gateway} has committed epoch {epoch} with head {head}."
    default_hint = "Go on with the next epoch."


class EmptyHead(ContractRefusal):
    """Zero is no head of a receipt chain."""

    signature = "EmptyHead(address gateway,uint64 epoch)"
    sentence = "Gateway {gateway} gave no head for epoch {epoch}."
    default_hint = "Commit the head of the epoch's receipts, after the first one."


class DelegationInThePast(ContractRefusal):
    """The delegation would have ended before it began."""

    signature = "DelegationInThePast(uint64 expiresAt)"
    sentence = "The delegation would have ended at {expiresAt}, before now."
    default_hint = "Give an end that lies ahead, or dismiss the delegate."


class NotOfDelegation(ContractRefusal):
    """Somebody who is neither subject nor delegate tried to end a delegation."""

    signature = "NotOfDelegation(address caller,address subject,address delegate)"
    sentence = "{caller} is neither the subject {subject} nor the delegate {delegate}."
    default_hint = "Only one of the two can end the delegation."


class NoNotice(ContractRefusal):
    """A plan of guardians without time in which the owner could veto."""

    signature = "NoNotice(address owner)"
    sentence = "The plan of {owner} gives no notice before it opens."
    default_hint = "Give a notice of some days: it is the time in which a lost wallet that was found can still veto."


class NoSignOfLife(ContractRefusal):
    """A grant shows no act of the owner's since the last sign of life."""

    signature = "NoSignOfLife(address owner,bytes32 id)"
    sentence = "The grant {id} shows no act of {owner} since the last sign of life."
    default_hint = "Only a grant that stands, made or resumed since then, shows one; the owner can give a sign of life."


class TooEarly(ContractRefusal):
    """The owner has not been silent for as long as the plan says."""

    signature = "TooEarly(address owner,uint64 silentAt)"
    sentence = "{owner} gave a sign of life too lately: nobody can be announced before {silentAt}."
    default_hint = "Wait until then."


class NotAGuardian(ContractRefusal):
    """The plan that stands does not name this guardian."""

    signature = "NotAGuardian(address owner,address guardian)"
    sentence = "{guardian} is no guardian of {owner} by what was shown."
    default_hint = "The owner may have chosen other guardians since; salt and proof have to be those of today's plan."


class AlreadyAnnounced(ContractRefusal):
    """This heir has been announced, and the notice runs."""

    signature = "AlreadyAnnounced(address owner,address heir,uint64 opensAt)"
    sentence = "{heir} has been announced as heir of {owner} already; the plan opens at {opensAt}."
    default_hint = "Wait until then."


class NotOpen(ContractRefusal):
    """The plan is not open to this heir."""

    signature = "NotOpen(address owner,address heir,uint64 opensAt)"
    sentence = "The plan of {owner} is not open to {heir} (it opens at {opensAt}; 0: nothing stands announced)."
    default_hint = "A guardian announces the heir, then the notice has to pass without a sign of life of the owner's."


class NotPrepared(ContractRefusal):
    """The patient has prepared nothing for emergencies, or took it back."""

    signature = "NotPrepared(address subject)"
    sentence = "{subject} has prepared nothing for emergencies that stands now."
    default_hint = "Only the patient can prepare: `medrec emergency prepare`."


class InvalidPeriod(ContractRefusal):
    """An emergency begins at the latest now, and lasts 72 hours at most."""

    signature = "InvalidPeriod(uint64 startsAt,uint64 expiresAt)"
    sentence = "An emergency can't be declared from {startsAt} until {expiresAt}."
    default_hint = "It begins at the latest now and ends within 72 hours; declare it again when it lasts longer."


class NotDeclared(ContractRefusal):
    """No such emergency stands."""

    signature = "NotDeclared(address subject,address provider,bytes32 id)"
    sentence = "{provider} has declared no emergency of {subject} with the grant {id} that stands now."
    default_hint = "It may have expired, or the patient ended it; release nothing."


# ── chain: what OpenZeppelin's contracts refuse ──────────────────────────────────────────────────────────────────────


class AccessManagedUnauthorized(ContractRefusal):
    """The caller may not administer the registrar in this way."""

    signature = "AccessManagedUnauthorized(address caller)"
    sentence = "{caller} has no role for this function of the registrar."
    default_hint = "Ask the administrator for the role of accreditor or guardian."


class AccessManagedRequiredDelay(ContractRefusal):
    """The caller may, but has to announce the call first."""

    signature = "AccessManagedRequiredDelay(address caller,uint32 delay)"
    sentence = "{caller} has to announce this call {delay} seconds ahead."
    default_hint = "Schedule it, and execute it when the delay has passed."


class AccessManagedInvalidAuthority(ContractRefusal):
    """The address given as authority has no code."""

    signature = "AccessManagedInvalidAuthority(address authority)"
    sentence = "{authority} is no contract and can't be the authority."
    default_hint = "Name a deployed AccessManager."


class AccessManagerAlreadyScheduled(ContractRefusal):
    """The same call by the same caller is announced already."""

    signature = "AccessManagerAlreadyScheduled(bytes32 operationId)"
    sentence = "The operation {operationId} is announced already."
    default_hint = "Execute it when its delay has passed, or cancel it first."


class AccessManagerNotScheduled(ContractRefusal):
    """The call was never announced, or was executed or cancelled since."""

    signature = "AccessManagerNotScheduled(bytes32 operationId)"
    sentence = "The operation {operationId} is not announced."
    default_hint = "Schedule it first."


class AccessManagerNotReady(ContractRefusal):
    """The announced call's delay has not passed."""

    signature = "AccessManagerNotReady(bytes32 operationId)"
    sentence = "The delay of operation {operationId} has not passed."
    default_hint = "Wait, then execute it."


class AccessManagerExpired(ContractRefusal):
    """The announced call was left lying for more than a week."""

    signature = "AccessManagerExpired(bytes32 operationId)"
    sentence = "The announcement of operation {operationId} lapsed."
    default_hint = "Schedule it anew."


class AccessManagerLockedRole(ContractRefusal):
    """The role can't be changed in this way."""

    signature = "AccessManagerLockedRole(uint64 roleId)"
    sentence = "Role {roleId} is locked."
    default_hint = "The roles of administrator (0) and public (2^64-1) have fixed settings; change another role."


class AccessManagerLockedFunction(ContractRefusal):
    """The function can't be given to a role."""

    signature = "AccessManagerLockedFunction(bytes4 selector)"
    sentence = "The function {selector} is locked."
    default_hint = "The authority's own function for changing authorities stays with the administrator."


class AccessManagerBadConfirmation(ContractRefusal):
    """Giving up a role was confirmed with another address than the caller's."""

    signature = "AccessManagerBadConfirmation()"
    sentence = "The role was not given up: the address that confirms it is not the caller."
    default_hint = "Confirm with the caller's own address."


class AccessManagerUnauthorizedAccount(ContractRefusal):
    """The caller lacks the role that changes roles."""

    signature = "AccessManagerUnauthorizedAccount(address msgsender,uint64 roleId)"
    sentence = "{msgsender} lacks role {roleId}, which this takes."
    default_hint = "Only the administrator, or the role's own administrator, can do this."


class AccessManagerUnauthorizedCall(ContractRefusal):
    """The caller may not schedule or execute this call."""

    signature = "AccessManagerUnauthorizedCall(address caller,address target,bytes4 selector)"
    sentence = "{caller} may not call {selector} of {target}."
    default_hint = "Ask the administrator for the role that the function needs."


class AccessManagerUnauthorizedConsume(ContractRefusal):
    """A contract consumed an announcement that is not its own."""

    signature = "AccessManagerUnauthorizedConsume(address target)"
    sentence = "{target} may not consume this announcement."
    default_hint = "Execute the call through the authority."


class AccessManagerUnauthorizedCancel(ContractRefusal):
    """The caller may not cancel somebody else's announcement."""

    signature = "AccessManagerUnauthorizedCancel(address msgsender,address caller,address target,bytes4 selector)"
    sentence = "{msgsender} may not cancel what {caller} announced for {selector} of {target}."
    default_hint = "Only who announced it, a guardian of the role, or the administrator can."


class AccessManagerInvalidInitialAdmin(ContractRefusal):
    """The zero address can't be the administrator."""

    signature = "AccessManagerInvalidInitialAdmin(address initialAdmin)"
    sentence = "{initialAdmin} can't be the administrator."
    default_hint = "Name an account or a multisig."


class AddressEmptyCode(ContractRefusal):
    """A call went to an address without code."""

    signature = "AddressEmptyCode(address target)"
    sentence = "There is no contract at {target}."
    default_hint = "Check the address, and the chain."


class FailedCall(ContractRefusal):
    """A call within a call failed without saying why."""

    signature = "FailedCall()"
    sentence = "A call made by the contract failed without a reason."
    default_hint = "Send the inner calls one by one to see which it is."


class InsufficientBalance(ContractRefusal):
    """A contract was to send more ether than it holds."""

    signature = "InsufficientBalance(uint256 balance,uint256 needed)"
    sentence = "The contract holds {balance} wei and would need {needed}."
    default_hint = "Send no value with this call."


class SafeCastOverflowedUintDowncast(ContractRefusal):
    """A number does not fit the contract's type."""

    signature = "SafeCastOverflowedUintDowncast(uint8 bits,uint256 value)"
    sentence = "{value} does not fit {bits} bits."
    default_hint = "Give a smaller number; a time is in seconds."


class InvalidShortString(ContractRefusal):
    """A name of a contract's signing domain is malformed; can't happen in a verified deployment."""

    signature = "InvalidShortString()"
    sentence = "The contract's own name is malformed."
    default_hint = "Verify the deployment."


class StringTooLong(ContractRefusal):
    """A name of a contract's signing domain is too long; can't happen in a verified deployment."""

    signature = "StringTooLong(string str)"
    sentence = "The name {str} is longer than 31 bytes."
    default_hint = "Verify the deployment."


# ── index and outbox ─────────────────────────────────────────────────────────────────────────────────────────────────


class IndexAddressInvalid(InvalidInput):
    """An address names no database that an index can live in."""

    default_hint = (
        "Give sqlite:// (in memory), sqlite:///PATH, or postgresql://HOST/NAME with the extra medrec-py[postgresql]."
    )


class IndexOfAnotherChain(InvalidInput):
    """A database holds the index of another chain or deployment."""

    default_hint = "Give each deployment a database of its own, or delete this one: an index can always be built anew."


class TimesUnknown(InvalidInput):
    """A question about a time was asked of an index whose source can't tell when blocks were made."""

    default_hint = "Open the index with a source that can (`medrec_py.chain.Chain`), and ask again."


class IndexDamaged(IntegrityError):
    """A database holds rows that no index wrote."""

    default_hint = "Delete it and run sync: an index can always be built anew."


class SourceInconsistent(IntegrityError):
    """A source of events contradicts itself, or gives what no contract can emit."""

    default_hint = "Nothing of it was kept. Ask another node."


class RegistrationBroken(IntegrityError):
    """The registrations of a participant, as an index gives them, are no hash chain."""

    default_hint = "Delete the index and run sync against a node that you trust."


class IndexUnavailable(Unavailable):
    """The database of an index can't be opened or reached."""


class PublicationInvalid(InvalidInput):
    """A publication can't be accepted as it is."""

    default_hint = "Correct what the message names, then publish again. Nothing was stored or sent."

    default_hint = "Make it with `Publication.anchoring` or `Publication.batch`, which put its parts together."


class UnknownPublication(InvalidInput):
    """The outbox holds no such publication, or not in a state where this can be done."""

    default_hint = "`medrec outbox list` lists what it holds."


class JournalDamaged(IntegrityError):
    """The journal of an outbox holds what no outbox wrote, or lacks bytes that it should hold."""

    default_hint = "Keep the folder as it is and publish from the records again; compare with the ledger first."


class PublicationPending(Unavailable):
    """A publication is in the journal and not yet confirmed."""

    default_hint = "Nothing was lost. Once the server named answers, `resume` finishes it, once."


class PublicationFailed(Refused):
    """The chain refused a publication earlier, and nobody has retried or discarded it."""

    default_hint = "Remove the cause and `retry` it, or `discard` it."


class AnchoringUnproven(IntegrityError):
    """A transaction was mined and succeeded, but did not emit what it was to emit."""

    default_hint = "Check that the call goes to the deployment's contract; `retry` with the right one, or `discard`."


class JournalUnavailable(Unavailable):
    """The folder of an outbox can't be read or written."""

    default_hint = "Nothing was published. Make room or correct the folder's rights, then run the same again."


# ── relay: other people's signed acts ────────────────────────────────────────────────────────────────────────────────


class UnknownAct(InvalidInput):
    """A relayer knows no act with this id, or has forgotten it since."""

    default_hint = "Finished acts are forgotten after an hour. Send the same calls again: they get the same id."


class IdempotencyKeyReused(InvalidInput):
    """The same idempotency key came with other calls."""

    default_hint = "Make a new key for new calls; repeat a key only with the very same calls."


class RelayBudgetSpent(Refused):
    """A relayer pays no more today, or not at this price."""

    default_hint = (
        "Try another relayer, come back after `retry_after` seconds, or send the act from a wallet that holds ether."
    )


class RelayTooOften(Refused):
    """A relayer is asked more often than it answers."""

    default_hint = "Come back after `retry_after` seconds, or try another relayer."


class RelayInconsistent(IntegrityError):
    """A relayer names a transaction that does not carry the acts it was given, or answers what makes no sense."""

    default_hint = "Don't use this relayer. What was signed can be sent through another one, once."


class RelayJournalDamaged(IntegrityError):
    """The journal of a relayer holds what no relayer of this version wrote."""

    default_hint = "Keep the file and start with another one: nonces are found again from the chain."


class RelayJournalUnavailable(Unavailable):
    """The journal of a relayer can't be opened or written, or another relayer uses it."""

    default_hint = "Nothing was sent. Make room, correct the file's rights or end the other relayer, then start again."


class RelayUnavailable(Unavailable):
    """No relayer answers, or none that was named can pay."""

    default_hint = "Nothing was lost. Try again, name another relayer, or send the act from a wallet with ether."
