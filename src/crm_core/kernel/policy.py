"""What every policy has in common: identity, approval, period, digest (GRD-11).

Policies are data. A published version never changes; its digest is pinned by every decision that
used it and by a golden test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar, get_args, get_origin

import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from crm_core.kernel.canonical import INTEGER_MAX, digest_of
from crm_core.kernel.limits import NESTING_MAX, POLICY_BYTES_MAX
from crm_core.kernel.rules import Operator, Value
from crm_core.kernel.sentences import Lang, Malformed, told_faults
from crm_core.kernel.values import frozen

# What is not closed ends with its line, or the text: looked at once, however often it begins.
_QUOTED = re.compile(
    r""""{3}[\s\S]*?(?:"{3}|\Z)|'{3}[\s\S]*?(?:'{3}|\Z)"""
    r"""|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|\#[^\n]*"""
)
_BRACKET = re.compile(r"[\[\]{}]")
_SPACED_DOT = re.compile(r"(?<![ \t])[ \t]*\.[ \t]*")
_KEY = re.compile(r"[\w.-]+")

P = TypeVar("P")

PathFault = tuple[str, Malformed]
"""Where in a policy, as a path, and what is wrong there."""


@frozen
class PolicyRef:
    """Which policy: name, version, and the digest of its contents."""

    digest: str
    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@frozen
class Header:
    """Identity and approval of a policy.

    Args:
        name: Its name, e.g. `grade-cn-default`.
        version: Version, from 1.
        effective_from: First day it may be used for; None while it is a draft.
        effective_to: Last day it may be used for, if it has been superseded.
        approved_by: Who approved it.
        impact_assessment: Reference of the assessment of its impact (PIPL, art. 55).
    """

    name: str
    version: int
    effective_from: date | None = None
    effective_to: date | None = None
    approved_by: str = ""
    impact_assessment: str = ""

    def missing(self) -> list[str]:
        """What it lacks to be active."""
        return [
            name
            for name in ("effective_from", "approved_by", "impact_assessment")
            if not getattr(self, name)
        ]

    def covers(self, day: date) -> bool:
        """Whether `day` lies in its effective period."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day <= self.effective_to
        )


class Policy(Protocol):
    """What the book of policies knows of a policy: who it is and when it holds."""

    @property
    def header(self) -> Header:
        """Identity, approval and period."""
        ...

    @property
    def ref(self) -> PolicyRef:
        """Name, version and digest."""
        ...


Q = TypeVar("Q", bound=Policy)


class Policies(Protocol):
    """Where policies are found; `crm_core.policies.PolicyBook` is one."""

    def find(self, kind: type[Q], name: str, day: date) -> Q:
        """The policy of that name, or name/version, to be used on a day."""
        ...

    def pinned(self, kind: type[Q], ref: PolicyRef) -> Q:
        """The very policy that a record pins."""
        ...


class PolicyFault(ValueError):
    """A policy file cannot be read.

    Args:
        faults: All that is wrong: pairs of a path and the `Malformed` that is there.
    """

    def __init__(self, faults: Sequence[PathFault]) -> None:
        super().__init__(faults)
        self.faults: list[PathFault] = list(faults)

    def told(self, lang: Lang) -> str:
        """All that is wrong, each with its path, in one sentence."""
        return told_faults(self.within(), lang)

    def within(self) -> list[dict[str, Any]]:
        """As plain data for a sentence of somebody else's, which shows it as `{why:faults}`."""
        return [malformed.within(path) for path, malformed in self.faults]

    def __str__(self) -> str:
        return self.told("en")


def wrong(path: str, sentence: str, /, **values: Any) -> PathFault:
    """What is wrong at a path, by the code of its sentence in `faults.toml`."""
    return path, Malformed(sentence, **values)


def by_path(fault: PathFault) -> tuple[str, str]:
    """The order in which faults are told."""
    return fault[0], fault[1].sentence


def read_toml(text: str) -> dict[str, Any]:
    """The table behind TOML text.

    Raises:
        PolicyFault: the text is not TOML, or longer or deeper than `POLICY_BYTES_MAX` and
            `NESTING_MAX`, which reading it could not bear.
    """
    _check_extent(text)
    try:
        return _toml(text)
    except ValueError as error:
        raise PolicyFault([wrong("", "not_toml", reason=str(error))]) from error


def _check_extent(text: str) -> None:
    """Refuse in linear time what the parser would need too long, or too many frames, to read."""
    if len(text) > POLICY_BYTES_MAX or len(text.encode(errors="replace")) > POLICY_BYTES_MAX:
        raise PolicyFault([wrong("", "toml_too_long", most=POLICY_BYTES_MAX)])
    bare = _QUOTED.sub("q", text)
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        if depth > NESTING_MAX:
            raise PolicyFault([wrong("", "toml_too_deep", most=NESTING_MAX)])
    for key in _KEY.findall(_SPACED_DOT.sub(".", bare)):
        if key.count(".") >= NESTING_MAX:
            raise PolicyFault([wrong("", "toml_too_deep", most=NESTING_MAX)])


@lru_cache(maxsize=1)
def _toml(text: str) -> dict[str, Any]:
    """Read once by who asks for the kind of a policy, and by who reads that kind."""
    import tomllib  # Slow to load, and not every program reads policies.

    return tomllib.loads(text)


def structure(data: dict[str, Any], cls: type[P]) -> P:
    """A policy from its table: strict, all faults at once with their paths.

    Raises:
        PolicyFault: a field is missing, unknown or of another kind.
    """
    try:
        return _converter().structure(data, cls)
    except Exception as error:
        faults = sorted(_faults(error, ""), key=by_path)
        raise PolicyFault(faults or [wrong("", "unreadable", reason=str(error))]) from error


def digest_of_table(data: dict[str, Any]) -> str:
    """Digest of a policy's contents: comments and layout of the file do not matter."""
    return digest_of(_plain(data))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    return value


def _date(value: Any, _kind: type) -> date:
    if type(value) is not date:
        raise Malformed("date_expected")
    return value


def _int(value: Any, _kind: type) -> int:
    if type(value) is not int or abs(value) > INTEGER_MAX:
        raise Malformed("whole_number_expected")
    return value


def _bool(value: Any, _kind: type) -> bool:
    if type(value) is not bool:
        raise Malformed("truth_expected")
    return value


def _str(value: Any, _kind: type) -> str:
    if type(value) is not str:
        raise Malformed("text_expected")
    return value


def _scalar(value: Any, _kind: Any) -> Any:
    if isinstance(value, list):
        return tuple(_str(item, str) for item in value)
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return _int(value, int)
    raise Malformed("scalar_expected")


def _operator(value: Any, _kind: type) -> Operator:
    try:
        return Operator(value)
    except ValueError:
        raise Malformed("not_one_of", value=str(value), accepted=list(Operator)) from None


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(date, _date)
    converter.register_structure_hook(int, _int)
    # A truth value is a number to Python; without a hook of its own it would be read as one.
    converter.register_structure_hook(bool, _bool)
    converter.register_structure_hook(str, _str)
    # Text enumerations are text too; without a hook of its own this one would stay plain text.
    converter.register_structure_hook(Operator, _operator)
    converter.register_structure_hook_func(lambda kind: kind == Value | tuple[str, ...], _scalar)

    def is_several(kind: Any) -> bool:
        origin: Any = get_origin(kind)
        return origin is tuple

    def several(kind: Any) -> Any:
        listed: Any = list[get_args(kind)[0]]  # type: ignore[misc]

        def structure_several(value: Any, _: Any) -> tuple[Any, ...]:
            # Text would fall into its letters, and a table into its keys.
            if not isinstance(value, list):
                raise Malformed("list_expected")
            return tuple(converter.structure(value, listed))

        return structure_several

    converter.register_structure_hook_factory(is_several, several)
    return converter


def _faults(error: BaseException, path: str) -> list[PathFault]:
    """Every fault of a cattrs error with its path."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        found = []
        for inner in error.exceptions:
            notes = getattr(inner, "__notes__", [])
            step = ""
            for note in notes:
                name = getattr(note, "name", None)
                index = getattr(note, "index", None)
                if name is not None:
                    step = f".{name}" if path else str(name)
                elif index is not None:
                    step = f"[{index}]" if isinstance(index, int) else f".{index}"
            found.extend(_faults(inner, path + step))
        return found
    if isinstance(error, ForbiddenExtraKeysError):
        return [wrong(path, "unknown_key", key=key) for key in sorted(error.extra_fields)]
    if isinstance(error, KeyError):
        return [wrong(path, "missing")]
    if isinstance(error, Malformed):
        return [(path, error)]
    return [wrong(path, "unreadable", reason=str(error))]
