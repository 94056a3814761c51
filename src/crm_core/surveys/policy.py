"""How surveys are held and counted, and forums watched, as policy data (SUR-01 to SUR-04)."""

from __future__ import annotations

from collections.abc import Iterator

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

KIND = "survey"

DEFAULT_SURVEY = "survey-cn-default"


@frozen
class Careless:
    """Which answers count as careless; a rule whose limit is zero is not used (SUR-03).

    Args:
        same_items_min: All scales are answered the same, and there are so many or more.
        seconds_per_item_min: It took less than so many seconds for each item.
        answered_per_mille_min: Less than so much of what is asked was answered.
    """

    same_items_min: int
    seconds_per_item_min: int
    answered_per_mille_min: int


@frozen
class Targets:
    """What a survey should reach, in thousandths: of households, of those reached, of answers."""

    reached_per_mille: int
    returned_per_mille: int
    satisfied_per_mille: int


@frozen
class Watch:
    """How a forum is watched (SUR-04).

    Args:
        tolerance_minutes: How long before and after the fixed time a check is in time.
    """

    tolerance_minutes: int


@frozen
class _Contents:
    kind: str
    policy: Header
    careless: Careless
    targets: Targets
    forum: Watch
    every_months: int
    satisfied_steps: int
    cell_min: int
    z_thousandths: int


@define(frozen=True)
class SurveyPolicy:
    """How surveys are held and counted.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        careless: Which answers are dropped.
        targets: What should be reached.
        forum: How forums are watched.
        every_months: How often an estate is asked.
        satisfied_steps: How many of the best steps of a scale are satisfied: 2 of 5 are 4 and 5.
        cell_min: Of fewer answers than these nothing is told.
        z_thousandths: Half the width of an interval in standard deviations: 1960 for 95 %.
    """

    header: Header
    ref: PolicyRef
    careless: Careless
    targets: Targets
    forum: Watch
    every_months: int
    satisfied_steps: int
    cell_min: int
    z_thousandths: int

    @classmethod
    def parse(cls, text: str) -> SurveyPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = list(_faults(contents))
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            careless=contents.careless,
            targets=contents.targets,
            forum=contents.forum,
            every_months=contents.every_months,
            satisfied_steps=contents.satisfied_steps,
            cell_min=contents.cell_min,
            z_thousandths=contents.z_thousandths,
        )


_LIMITS = {
    "every_months": (1, 120),
    "satisfied_steps": (1, 5),
    # Of one answer alone everybody would know whose it is.
    "cell_min": (2, 1000),
    "z_thousandths": (1000, 5000),
    "careless.same_items_min": (0, 200),
    "careless.seconds_per_item_min": (0, 60),
    "careless.answered_per_mille_min": (0, 1000),
    "targets.reached_per_mille": (0, 1000),
    "targets.returned_per_mille": (0, 1000),
    "targets.satisfied_per_mille": (0, 1000),
    "forum.tolerance_minutes": (1, 720),
}
"""From where to where numbers go."""


def _faults(contents: _Contents) -> Iterator[PathFault]:
    if contents.kind != KIND:
        yield wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND)
    for path, (least, most) in _LIMITS.items():
        value: object = contents
        for step in path.split("."):
            value = getattr(value, step)
        if not isinstance(value, int) or not least <= value <= most:
            yield wrong(path, "between_expected", least=least, most=most)
