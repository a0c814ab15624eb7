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


class VerificationFailed(IntegrityError):
    """The store, the index and the chain do not tell the same history. `facts['faults']` names each difference."""

    default_hint = "Repair what is named; `medrec verify --json` lists everything."


# ── crypto and sealing ───────────────────────────────────────────────────────────────────────────────────────────────


class InvalidKey(InvalidInput):
    """Bytes that can't be a key of the kind they are used as."""

    default_hint = "Take the key from where it was made; lengths and encodings are in docs/protocol.md."


class KeyNotHeld(Refused):
    """The nodes at hand don't cover the keys that are to be derived or passed on."""

    default_hint = "Only what a grant handed over can be passed on. Ask the patient for a grant that covers it."


class WrongKey(IntegrityError):
    """An object doesn't open with this key in this place: another key, another context, or a header that was altered."""

    default_hint = "Check subject, author, class, period and epoch; after a revocation the key of the new epoch is needed."


class ParcelTampered(IntegrityError):
    """A sealed object isn't the bytes that were sealed: altered, cut, extended, reordered, or not an object at all."""

    default_hint = "Nothing of it was used. Fetch it from another replica; if that is the same, its author must publish it again."


class ContentInvalid(IntegrityError):
    """An object opens, so its author made it, but what it holds isn't what it should be."""

    default_hint = "Only its author can mend that: have it retracted and published again."


class ContentTooLarge(IntegrityError):
    """What an object holds would expand beyond the limit that the caller set."""

    default_hint = "Raise the limit if you expect that much; otherwise treat the object as hostile."
