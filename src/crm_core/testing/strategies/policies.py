"""Policies: service levels with the numbers that tests turn on, and what is shipped."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.template import Template
from crm_core.requests.sla import SlaPolicy, Targets
from crm_core.slices import shipped
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
