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


class StoreUnavailable(Unavailable):
    """A store can't be reached, doesn't answer in time, or can't write."""


class QuorumNotReached(Unavailable):
    """Fewer replicas took a write than the quorum asks for."""

    default_hint = "What was written stays written. Bring the named replicas back, then run the same again."


# ── records: JSON, FHIR and the vocabulary ───────────────────────────────────────────────────────────────────────────────


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
