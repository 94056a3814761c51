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
        └── LogOutdated             CRM-F014  the tables are those of an earlier version

Messages are lower-case, without a full stop, with input in back-ticks; never personal data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen

from crm_core.kernel.decider import Refusal


@frozen
class Fault:
    """One thing that is wrong with the input.

    Args:
        code: Stable code, e.g. `amount_malformed`.
        message: What is wrong and what would be accepted; never personal data.
        where: Field path, e.g. `payments.csv:17:amount` or `policy.version`.
    """

    code: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class CrmError(Exception):
    """Base of all errors of this library; `code` is stable."""

    code: ClassVar[str] = "CRM-0000"
    retry_safe: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

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
        super().__init__(refusal.message)
        self.refusal = refusal
        self.reason = refusal.code
        self.rule = refusal.rule
        self.details = refusal.details

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
        self.faults = tuple(faults)
        first = str(self.faults[0]) if self.faults else "the input is wrong"
        more = len(self.faults) - 1
        super().__init__(first + (f" (and {more} more)" if more > 0 else ""))

    @classmethod
    def one(cls, code: str, message: str, where: str = "") -> Invalid:
        """An error with a single fault."""
        return cls([Fault(code, message, where)])

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
    """Another writer appended to the stream first; nothing was written."""

    code = "CRM-F001"
    retry_safe = True

    def __init__(self, stream: str, expected: int, actual: int | None) -> None:
        super().__init__(
            f"stream `{stream}` or a command id was written by another first"
            if actual is None
            else f"stream `{stream}` is at version {actual}, not at {expected}"
        )
        self.stream, self.expected, self.actual = stream, expected, actual


class CommandReused(Failed):
    """A command id came again with another content; nothing was written."""

    code = "CRM-F002"

    def __init__(self, command: str) -> None:
        super().__init__(f"command id `{command}` was used before, for another command")
        self.command = command


class CommitUnknown(Failed):
    """The store failed while committing: repeat with the same command id to learn the outcome."""

    code = "CRM-F003"
    retry_safe = True

    def __init__(self, command: str) -> None:
        super().__init__(f"it is unknown whether command `{command}` was committed; repeat it")
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
        at = "" if position is None else f" at position {position}"
        super().__init__(f"event `{name}`{at} is not known to this version")
        self.name, self.position = name, position


class UnreadableEvent(Failed):
    """Stored bytes are not the event they claim to be: damage or forgery."""

    code = "CRM-F007"

    def __init__(self, position: int, stream: str, reason: str) -> None:
        where = f"at position {position} in `{stream}`" if position else "of the log"
        super().__init__(f"event {where} cannot be read: {reason}")
        self.position, self.stream = position, stream


class PolicyDigestMismatch(Failed):
    """The policy at hand is not the one a record pins."""

    code = "CRM-F008"

    def __init__(self, policy: str, pinned: str, found: str) -> None:
        super().__init__(f"policy `{policy}` has digest {found[:16]}…, pinned is {pinned[:16]}…")
        self.policy, self.pinned, self.found = policy, pinned, found


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
        super().__init__(f"`{subject}` was erased; nothing new about them is kept")
        self.subject = subject


class ViewNotReady(Failed):
    """The first build of this version of a view has not caught up with the log yet."""

    code = "CRM-F012"
    retry_safe = True

    def __init__(self, view: str, version: int) -> None:
        super().__init__(f"view `{view}` of version {version} has not caught up yet")
        self.view, self.version = view, version


class LogOutdated(Failed):
    """The log's tables are those of an earlier version; `crm migrate` brings them forward."""

    code = "CRM-F014"

    def __init__(self, name: str, found: str, needed: str) -> None:
        super().__init__(
            f"`{name}` has the tables of revision {found}, not {needed}; `crm migrate` brings them"
            " forward"
        )
        self.found, self.needed = found, needed


class NotDelivered(Failed):
    """The other side did not take a message, or it is unknown whether it did.

    Args:
        reason: A word for why, e.g. `unreachable`; never the other side's own words, which may
            repeat an address.
        transient: Whether another attempt may succeed. Its id stays the same, so that a receiver
            that knows ids takes it once.
    """

    code = "CRM-F013"

    def __init__(self, reason: str, *, transient: bool) -> None:
        again = "it may be tried again" if transient else "trying again will not help"
        super().__init__(f"not delivered: {reason.replace('_', ' ')}; {again}")
        self.reason, self.transient = reason, transient
        self.retry_safe = transient
