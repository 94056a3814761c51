"""Policies: service levels with the numbers that tests turn on, and what is shipped."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.policy import Policy, PolicyFault, read_toml
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.template import Template
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.requests.sla import SlaPolicy, Targets
from crm_core.slices import registry, shipped
from crm_core.testing.strategies.values import FIRST_DAY


def targets() -> SearchStrategy[Targets]:
    """Targets that a request can be held to."""
    seconds = st.sampled_from((1, 300, 1800, 21600)) | st.integers(1, 90 * 86400)
    few = st.integers(1, 7)
    return st.builds(
        Targets,
        answer_rings=few,
        apology_seconds=seconds,
        arrival_seconds=seconds,
        close_seconds=seconds,
        confirm_attempts=few,
        confirm_days=few,
        promise_seconds=seconds,
    )


def sla_text(
    version: int = 1,
    general: int = 1800,
    major: int = 21600,
    promise: int = 300,
    tries: int = 3,
    closing: str = "24x7",
) -> str:
    """A whole SLA policy, with the numbers that tests turn on.

    Args:
        closing: What the clocks of closing and arrival run on: `24x7` or `office`, which is Monday
            to Friday with a lunch break.
    """
    office = "".join(
        f'{day} = ["09:00-12:00", "13:30-18:00"]\n' for day in ("mon", "tue", "wed", "thu", "fri")
    )
    return (
        'kind = "sla"\n'
        f'[policy]\nname = "sla-generated"\nversion = {version}\n'
        'effective_from = 1990-01-01\napproved_by = "director"\nimpact_assessment = "PIA"\n'
        '[calendars]\napology = "24x7"\npromise = "24x7"\nconfirmation = "office"\n'
        f'progress = "office"\narrival = "{closing}"\nclosing = "{closing}"\n'
        f'[hours.office]\nzone = "Asia/Shanghai"\n[hours.office.week]\n{office}'
        "[answer]\nrings = 2\n[apology]\nseconds = 1800\n"
        f"[arrival_seconds]\ngeneral = {general}\nmajor = {general // 2}\n"
        f"[close_seconds]\ngeneral = {general}\nmajor = {major}\n"
        f"[promise_seconds]\nphone = {promise}\nother = {promise * 3}\n"
        f"[confirmation]\nattempts = {tries}\ndays = {tries}\n"
        "[progress]\npercent = 50\nseconds_max = 86400\nseconds_min = 900\n"
        "[early_warning]\nwindow_days = 7\nusual_windows = 8\npercent = 200\nat_least = 5\n"
        "[escalation]\nwarn_percents = [50, 80]\nstep_percent = 50\n"
        'roles = ["specialist", "supervisor", "manager", "director"]\n'
        '[pauses]\ncustomer = ["customer_absent", "access_refused"]\n'
        'third_party = ["third_party_utility"]\n'
    )


def sla_policies() -> SearchStrategy[SlaPolicy]:
    """SLA policies in force, read from TOML as any other; round the clock or in office hours."""

    def policy(*numbers: Any) -> SlaPolicy:
        return SlaPolicy.parse(sla_text(*numbers))

    return st.builds(
        policy,
        st.integers(1, 3),
        st.sampled_from((1800, 3600)),
        st.sampled_from((21600, 43200)),
        st.sampled_from((300, 600)),
        st.integers(1, 3),
        st.sampled_from(("24x7", "office")),
    )


def messages_policy() -> MessagePolicy:
    """The shipped policy of messages."""
    return shipped().find(MessagePolicy, DEFAULT_MESSAGES, FIRST_DAY.replace(year=2011))


def message_template(name: str) -> Template:
    """A shipped template of messages."""
    return shipped().find(Template, name, FIRST_DAY.replace(year=2011))


P = TypeVar("P")

_NUMBER = re.compile(r"(?<![\w.:-])\d+(?![\w.:-])")
_BOOL = re.compile(r"\b(?:true|false)\b")
_ONE_OF_SEVERAL = re.compile(r"""(?<=[\[,])\s*"[^"\n]*"\s*,?""")


def policies(kind: type[P]) -> SearchStrategy[P]:
    """Valid policies of a kind: those that are shipped, and others that differ from one of them.

    Up to three numbers, yes-or-no answers, lists or whole lines are altered, each so that the file
    is still read; what is altered has a name of its own, so that both fit into one book.

    Args:
        kind: The class of the policies, e.g. `GradingPolicy`.

    Raises:
        ValueError: the package has no policy of that kind.
    """
    found = [one for one in registry().shipped if type(one) is kind]
    if not found:
        raise ValueError(kind.__name__)
    texts = [text for text in _texts() if _kind_of(text) is kind]
    others = [st.sampled_from(texts).flatmap(_altered)] if texts else []
    if kind is HolidayNotice:
        others.append(holiday_notices())
    if kind is SlaPolicy:
        others.append(sla_policies())
        others.append(st.builds(SlaPolicy.under, _keeping_holidays(), _of_one_year()))
    drawn = st.one_of(st.sampled_from(found), *others).filter(lambda one: one is not None)
    return cast("SearchStrategy[P]", drawn)


def holiday_notices() -> SearchStrategy[HolidayNotice]:
    """Notices of public holidays of some year, with and without days that are worked instead."""
    days = [f"{month:02}-{day:02}" for month in (1, 5, 10) for day in (1, 2, 8, 9)]

    def notice(year: int, apart: tuple[list[str], list[str]]) -> HolidayNotice:
        off, worked = apart
        return HolidayNotice.parse(
            f'kind = "holidays"\ncountry = "cn"\nyear = {year}\n'
            f'[policy]\nname = "drawn-holidays-cn-{year}"\nversion = 1\n'
            'effective_from = 2000-01-01\napproved_by = "director"\nimpact_assessment = "PIA"\n'
            f'[[holidays]]\nname = "国庆节"\noff = {off}\nworked = {worked}\n'
        )

    few = st.lists(st.sampled_from(days), min_size=1, max_size=5, unique=True).map(sorted)
    return st.builds(
        notice,
        st.integers(FIRST_DAY.year, 2030),
        st.one_of(
            few.map(lambda off: (off, [])),
            few.map(lambda off: (off, [day for day in days if day not in off][:2])),
        ),
    )


def _keeping_holidays() -> SearchStrategy[SlaPolicy]:
    zone = 'zone = "Asia/Shanghai"\n'
    text = sla_text(closing="office").replace(
        zone, f'{zone}public_holidays = "cn"\nmake_up_day = "fri"\n', 1
    )
    return st.builds(SlaPolicy.parse, st.just(text))


def _of_one_year() -> SearchStrategy[list[HolidayNotice]]:
    return holiday_notices().map(lambda one: [one])


@cache
def _texts() -> tuple[str, ...]:
    """Every policy that is shipped, as TOML; those that leave something out once more with it."""
    found = (registry().authority, *registry().policy_texts())
    said = {
        AllocationPolicy: ("\n[", '\nestates = ["东苑"]\n['),
        AuthorityPolicy: ("[alone_up_to_fen]", "[alone_up_to_fen]\ndecide-waiver = 50_00"),
    }
    fuller = [text.replace(*said[_kind_of(text)], 1) for text in found if _kind_of(text) in said]
    return (*found, *fuller)


@cache
def _kind_of(text: str) -> type:
    return registry().policy_kinds[read_toml(text)["kind"]].cls


@st.composite
def _altered(draw: st.DrawFn, text: str) -> Policy | None:
    """A policy near that of a text, or None where what was altered is none."""
    found: Policy | None = None
    for _ in range(draw(st.integers(1, 3))):
        tried = draw(st.sampled_from(_CHANGES))(draw, text)
        try:
            found, text = registry().parse(_named_apart(tried)), tried
        except PolicyFault:
            continue
    return found


def _named_apart(text: str) -> str:
    name = registry().parse(text).header.name
    return text.replace(f'name = "{name}"', f'name = "{name}-drawn"', 1)


def _another_number(draw: st.DrawFn, text: str) -> str:
    return _swapped(draw, text, _NUMBER, lambda old: str(draw(_near(int(old)))))


def _near(number: int) -> SearchStrategy[int]:
    near = {number - 1, number + 1, number * 2, number // 2, 0, 1}
    return st.sampled_from(sorted(one for one in near if one >= 0))


def _the_other_answer(draw: st.DrawFn, text: str) -> str:
    return _swapped(draw, text, _BOOL, lambda old: "false" if old == "true" else "true")


def _one_fewer(draw: st.DrawFn, text: str) -> str:
    return _swapped(draw, text, _ONE_OF_SEVERAL, lambda _: "")


def _one_line_less(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines(keepends=True)
    del lines[draw(st.integers(0, len(lines) - 1))]
    return "".join(lines)


def _one_table_less(draw: st.DrawFn, text: str) -> str:
    tables = re.split(r"(?m)^(?=\[)", text)
    if len(tables) > 1:
        del tables[draw(st.integers(1, len(tables) - 1))]
    return "".join(tables)


_CHANGES: tuple[Callable[[st.DrawFn, str], str], ...] = (
    _another_number,
    _the_other_answer,
    _one_fewer,
    _one_line_less,
    _one_table_less,
)


def _swapped(draw: st.DrawFn, text: str, what: re.Pattern[str], into: Callable[[str], str]) -> str:
    """The text with one place of what is looked for put another way; as it is where there is none.

    What stands in comments is none of it, and neither is the head with name and version.
    """
    places = [
        found
        for found in what.finditer(text)
        if "#" not in text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        and not text[text.rfind("\n", 0, found.start()) + 1 :].startswith("version")
    ]
    if not places:
        return text
    found = draw(st.sampled_from(places))
    return text[: found.start()] + into(found.group()) + text[found.end() :]
