"""Everything this library raises on purpose.

    CrmError
    ├── Refused                     CRM-R001  the business says no; carries reason code and rule
    ├── Invalid                     CRM-I001  the input is wrong; carries all faults and places
    │   ├── UnknownPolicy           CRM-I002  no policy of that name is shipped or given
    │   └── PolicyInactive          CRM-I003  no approver, assessment or effective date
    └── Failed                              store, key or integrity trouble; says if a retry is safe
        ├── Conflict                CRM-F001  another writer was first
        ├── CommandReused           CRM-F002  the same command id with another content
        ├── CommitUnknown           CRM-F003  the store failed while committing
        ├── StoreUnreachable        CRM-F004  the store cannot be opened or does not answer
        ├── StoreFull               CRM-F005  no space is left; nothing was written
        ├── UnknownEvent            CRM-F006  the log names an event this version does not know
        ├── UnreadableEvent         CRM-F007  stored bytes are not the event they claim to be
        ├── PolicyDigestMismatch    CRM-F008  a policy is not the one that was pinned
        ├── DecisionMismatch        CRM-F009  decide(facts, policy) is not the recorded outcome
        ├── NotALog                 CRM-F010  the database is not a log of this library
        ├── PersonErased            CRM-F011  nothing new is sealed for an erased person
        ├── ViewNotReady            CRM-F012  a view's first build has not caught up yet
        ├── NotDelivered            CRM-F013  the other side did not take a message or event
        ├── LogOutdated             CRM-F014  the tables are those of an earlier version
        ├── FormatUnknown           CRM-F015  the log is of a format this version does not read
        ├── KeyFileRefused          CRM-F018  others may use the key file, or it is no regular file
        ├── OtherPast               CRM-F019  the log is not the one that was followed so far
        ├── KeysLocked              CRM-F020  what protects the keys is not at hand, or another
        └── TombstonesTampered      CRM-F021  what stands of erasures beside the log was changed

What a person reads of an error stands in the catalogue of sentences: of a refusal in
`refused-FAMILY.toml`, of a fault in `faults.toml`, of a failure in `failures.toml`; `told` says it
in either language. In English it is lower-case, without a full stop, with input in back-ticks; it
never holds personal data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import field

from crm_core.kernel.decider import Refusal
from crm_core.kernel.sentences import Lang, Malformed, say
from crm_core.kernel.values import frozen


@frozen
class Fault:
    """One thing that is wrong with the input.

    What a person reads of it stands in the catalogue, in `faults.toml`.

    Args:
        code: Stable code, e.g. `amount_malformed`.
        where: Field path, e.g. `payments.csv:17:amount` or `policy.version`.
        values: Machine-readable values behind the sentence; never personal data.
        sentence: Code of its sentence, where the code has several.
    """

    code: str
    where: str = ""
    values: dict[str, Any] = field(factory=dict)
    sentence: str = ""

    @classmethod
    def of(cls, code: str, malformed: Malformed, where: str = "") -> Fault:
        """The fault that a malformed value is at its place."""
        return cls(code, where, malformed.values, malformed.sentence)

    def told(self, lang: Lang) -> str:
        """What is wrong and what would be accepted, with its place."""
        message = say("faults", self.sentence or self.code, lang, **self.values)
        return f"{self.where}: {message}" if self.where else message

    @property
    def message(self) -> str:
        """What is wrong, in English and without its place."""
        return say("faults", self.sentence or self.code, "en", **self.values)

    def __str__(self) -> str:
        return self.told("en")


class CrmError(Exception):
    """Base of all errors of this library; `code` is stable.

    Args:
        sentence: Code of its sentence in `failures.toml` of the catalogue.
        values: What the sentence is filled with; never personal data.
    """

    code: ClassVar[str] = "CRM-0000"
    retry_safe: bool = False

    def __init__(self, sentence: str, /, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence: str = sentence
        self.values: dict[str, Any] = values

    def told(self, lang: Lang) -> str:
        """What is the matter, in one sentence."""
        return say("failures", self.sentence, lang, **self.values)

    @property
    def message(self) -> str:
        """The sentence in English."""
        return self.told("en")

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        # Between processes: without the constructor, which takes what the message was made of.
        return _revived, (type(self), self.args), self.__dict__

    def as_dict(self) -> dict[str, Any]:
        """The error as data, for machine-readable output."""
        return {"code": self.code, "message": self.message}


def _revived(kind: type[CrmError], args: tuple[Any, ...]) -> CrmError:
    return kind.__new__(kind, *args)


class Refused(CrmError):
    """The business says no."""

    code = "CRM-R001"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.reason: str = refusal.code
        self.rule: str = refusal.rule
        self.details: dict[str, Any] = refusal.details

    def told(self, lang: Lang) -> str:
        return self.refusal.told(lang)

    def __str__(self) -> str:
        return f"refused by {self.rule}: {self.message} [{self.code} {self.reason}]"

    def as_dict(self) -> dict[str, Any]:
        return {
            **super().as_dict(),
            "reason": self.reason,
            "rule": self.rule,
            "details": self.details,
        }


class Invalid(CrmError):
    """The input is wrong; all faults at once."""

    code = "CRM-I001"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("invalid")
        self.faults: tuple[Fault, ...] = tuple(faults)

    @classmethod
    def one(cls, code: str, /, where: str = "", sentence: str = "", **values: Any) -> Invalid:
        """An error with a single fault."""
        return cls([Fault(code, where, values, sentence)])

    def told(self, lang: Lang) -> str:
        if len(self.faults) < 2:
            return "".join(fault.told(lang) for fault in self.faults)
        first = self.faults[0].told(lang)
        return say("failures", self.sentence, lang, first=first, more=len(self.faults) - 1)

    def as_dict(self) -> dict[str, Any]:
        faults = [{"code": f.code, "message": f.message, "where": f.where} for f in self.faults]
        return {**super().as_dict(), "faults": faults}


class UnknownPolicy(Invalid):
    """No policy of that name and version is shipped or given."""

    code = "CRM-I002"


class PolicyInactive(Invalid):
    """The policy may not be used: approver, impact assessment or effective date is missing."""

    code = "CRM-I003"


class Failed(CrmError):
    """Trouble with the store, a key, or the integrity of what is stored."""

    code = "CRM-F000"


class Conflict(Failed):
    """Another writer appended to the stream first; nothing was written.

    Args:
        stream: Name of the stream, or of what else was written.
        expected: Its version as this writer knew it.
        actual: Its version now; None where that is not known.
        sentence: Code of its sentence, where it is not about a stream; its value is `{stream}`.
    """

    code = "CRM-F001"
    retry_safe = True

    def __init__(
        self, stream: str, expected: int, actual: int | None, sentence: str = "stream_conflict"
    ) -> None:
        if actual is None:
            super().__init__("written_by_another", stream=stream)
        else:
            super().__init__(sentence, stream=stream, expected=expected, actual=actual)
        self.stream: str = stream
        self.expected: int = expected
        self.actual: int | None = actual


class CommandReused(Failed):
    """A command id came again with another content; nothing was written."""

    code = "CRM-F002"

    def __init__(self, command: str) -> None:
        super().__init__("command_reused", command=command)
        self.command = command


class CommitUnknown(Failed):
    """The store failed while committing: repeat with the same command id to learn the outcome."""

    code = "CRM-F003"
    retry_safe = True

    def __init__(self, command: str) -> None:
        super().__init__("commit_unknown", command=command)
        self.command = command


class StoreUnreachable(Failed):
    """The store, or what lies beside it, cannot be used or does not answer; nothing was written."""

    code = "CRM-F004"
    retry_safe = True


class StoreFull(Failed):
    """The store has no space left; nothing was written."""

    code = "CRM-F005"
    retry_safe = True


class UnknownEvent(Failed):
    """The log holds an event name this version does not know."""

    code = "CRM-F006"

    def __init__(self, name: str, position: int | None = None) -> None:
        if position is None:
            super().__init__("event_name_unknown", event=name)
        else:
            super().__init__("event_unknown", event=name, position=position)
        self.name: str = name
        self.position: int | None = position


class UnreadableEvent(Failed):
    """Stored bytes are not the event they claim to be: damage or forgery.

    Args:
        position: Its position; 0 where that is not known.
        reason: Code of a sentence in `failures.toml`, or the name of a foreign error.
        version: Its version, where that is known and its position is not.
    """

    code = "CRM-F007"

    def __init__(self, position: int, stream: str, reason: str, version: int | None = None) -> None:
        if position:
            super().__init__("event_unreadable", position=position, stream=stream)
        elif version is not None:
            super().__init__("event_of_version_unreadable", version=version)
        else:
            super().__init__("some_event_unreadable")
        self.position: int = position
        self.stream: str = stream
        self.reason: str = reason

    def told(self, lang: Lang) -> str:
        reason = say("failures", self.reason, lang)
        return say("failures", self.sentence, lang, **self.values, reason=reason)


class PolicyDigestMismatch(Failed):
    """The policy at hand is not the one a record pins."""

    code = "CRM-F008"

    def __init__(self, policy: str, pinned: str, found: str) -> None:
        shown = {"found": found[:16], "pinned": pinned[:16]}
        super().__init__("policy_of_other_digest", policy=policy, **shown)
        self.policy: str = policy
        self.pinned: str = pinned
        self.found: str = found


class DecisionMismatch(Failed):
    """A grading says something else than its own facts and policy give (GRD-06)."""

    code = "CRM-F009"


class NotALog(Failed):
    """The database exists but is not a log of this library, or of another version of it."""

    code = "CRM-F010"


class PersonErased(Failed):
    """The person's key was destroyed on purpose: nothing new about them is sealed."""

    code = "CRM-F011"

    def __init__(self, subject: str) -> None:
        super().__init__("person_erased", person=subject)
        self.subject = subject


class ViewNotReady(Failed):
    """The first build of this version of a view has not caught up with the log yet."""

    code = "CRM-F012"
    retry_safe = True

    def __init__(self, view: str, version: int) -> None:
        super().__init__("view_not_ready", view=view, version=version)
        self.view: str = view
        self.version: int = version


class LogOutdated(Failed):
    """The log's tables are those of an earlier version; `crm migrate` brings them forward."""

    code = "CRM-F014"

    def __init__(self, name: str, found: str, needed: str) -> None:
        super().__init__("log_outdated", log=name, found=found, needed=needed)
        self.found: str = found
        self.needed: str = needed


class FormatUnknown(Failed):
    """The log's format is none this version reads, and nothing in it was touched.

    Args:
        name: The database, without a password.
        found: Its format number; None for a log from before there were such numbers.
        needed: The format number of this version.
    """

    code = "CRM-F015"

    def __init__(self, name: str, found: int | None, needed: int) -> None:
        if found is None:
            super().__init__("log_without_format", log=name, needed=needed)
        else:
            super().__init__("log_of_other_format", log=name, found=found, needed=needed)
        self.found: int | None = found
        self.needed: int = needed


class KeyFileRefused(Failed):
    """The key file is no regular file, or others own it or may use it; nothing was read."""

    code = "CRM-F018"


class KeysLocked(Failed):
    """The keys are protected and cannot be opened by what was given; nothing was read or written.

    Where nothing is protected though it should be, nothing is sealed either.
    """

    code = "CRM-F020"


class TombstonesTampered(Failed):
    """What stands of erasures beside the log is not what was written there; nothing was opened."""

    code = "CRM-F021"


class OtherPast(Failed):
    """Another event stands where one was seen before: the log is another, or its past is.

    Nothing was taken, handed over or changed.

    Args:
        follower: Who follows the log, e.g. the name of a view, or what it follows it into.
        position: Of the event that was seen.
        expected: Its digest as it was seen.
        found: The digest of what stands there now; an empty text if there is nothing.
        sentence: Code of its sentence, which says what to do.
    """

    code = "CRM-F019"

    def __init__(
        self,
        follower: str,
        position: int,
        expected: str,
        found: str,
        sentence: str = "other_past",
    ) -> None:
        shown = {"expected": expected[:16], "found": found[:16] or "-"}
        super().__init__(sentence, follower=follower, position=position, **shown)
        self.follower: str = follower
        self.position: int = position
        self.expected: str = expected
        self.found: str = found

    def as_dict(self) -> dict[str, Any]:
        told = {"position": self.position, "expected": self.expected, "found": self.found}
        return {**super().as_dict(), "follower": self.follower, **told}


class NotDelivered(Failed):
    """The other side did not take a message, or it is unknown whether it did.

    Args:
        reason: A word for why, e.g. `unreachable`: code of a sentence in `failures.toml`; never the
            other side's own words, which may repeat an address.
        transient: Whether another attempt may succeed. Its id stays the same, so that a receiver
            that knows ids takes it once.
    """

    code = "CRM-F013"

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__("not_delivered_yet" if transient else "not_delivered")
        self.reason: str = reason
        self.transient: bool = transient
        self.retry_safe = transient

    def told(self, lang: Lang) -> str:
        return say("failures", self.sentence, lang, reason=say("failures", self.reason, lang))


# --- what is parked ----------------------------------------------------------------------------


def is_of_the_store(error: Exception) -> bool:
    """Whether the store or the machine is in trouble, which is no fault of the matter in hand."""
    if isinstance(error, MemoryError | OtherPast):
        return True
    return isinstance(error, Failed) and error.retry_safe


def described(error: Exception) -> str:
    """What was wrong, in words that hold no personal data: an exception's own may."""
    if isinstance(error, Refused):
        return f"refused by {error.rule}: {error.reason} [{error.code}]"
    if isinstance(error, CrmError):
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return type(error).__name__
    file = frame.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{type(error).__name__} at {file}:{frame.tb_lineno}"
