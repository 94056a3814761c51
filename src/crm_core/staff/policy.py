"""What staff are awarded, and how far ahead their duty is looked at, as policy data."""

from __future__ import annotations

from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

DEFAULT_AWARD = "award-cn-default"
DEFAULT_COVER = "cover-cn-default"


@frozen
class _AwardContents:
    kind: str
    policy: Header
    case_cap_fen: int
    year_cap_fen: int


@define(frozen=True)
class AwardPolicy:
    """How much the wronged are awarded at most (REQ-20).

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        case_cap_fen: For one case.
        year_cap_fen: For one member of staff in a calendar year.
    """

    header: Header
    ref: PolicyRef
    case_cap_fen: int
    year_cap_fen: int

    @classmethod
    def parse(cls, text: str) -> AwardPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _AwardContents)
        faults = _wrong_kind(contents.kind, "award")
        faults += [
            wrong(name, "above_zero_expected")
            for name in ("case_cap_fen", "year_cap_fen")
            if getattr(contents, name) <= 0
        ]
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            case_cap_fen=contents.case_cap_fen,
            year_cap_fen=contents.year_cap_fen,
        )


@frozen
class _CoverContents:
    kind: str
    policy: Header
    ahead_days: int
    shifts_only: tuple[str, ...]


@define(frozen=True)
class CoverPolicy:
    """How far ahead the clock looks for gaps in duty cover (REQ-02).

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        ahead_days: Whole days behind the present one; 0 is the present day alone.
        shifts_only: Rosters that need not be covered day and night, like those of trades.
    """

    header: Header
    ref: PolicyRef
    ahead_days: int
    shifts_only: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> CoverPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _CoverContents)
        faults = _wrong_kind(contents.kind, "cover")
        if not 0 <= contents.ahead_days <= AHEAD_DAYS_MAX:
            faults.append(wrong("ahead_days", "above_zero_expected"))
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            ahead_days=contents.ahead_days,
            shifts_only=contents.shifts_only,
        )


AHEAD_DAYS_MAX = 366
"""Further ahead nobody plans duty, and every day would be a gap."""


def _wrong_kind(kind: str, needed: str) -> list[PathFault]:
    return [] if kind == needed else [wrong("kind", "unknown_kind", kind=kind, needed=needed)]
