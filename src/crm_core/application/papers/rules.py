"""客户关系维护办法: the rules in force on a day, whose they are, and who let them hold (GRD-11)."""

from __future__ import annotations

from crm_core.application.method import DEFAULT_METHOD, METHOD, MethodPolicy
from crm_core.application.papers.base import EVERYBODY, Ask, Filled, Paper, line, printed
from crm_core.application.papers.model import CARD, DAY, SIGN, TABLE, Section
from crm_core.application.papers.scheme import (
    ADOPTED,
    EFFECTIVE,
    REF,
    SUPERSEDED,
    TOML,
    adopted_stamps,
    in_force,
)


def _rules(ask: Ask) -> Filled:
    shipped = ask.sources.host.policies.find(MethodPolicy, DEFAULT_METHOD, ask.on)
    found = in_force(ask, METHOD, shipped)
    policy, version = found.policy, found.version
    header = policy.header
    return Filled(
        stamps=adopted_stamps(found),
        policies=(f"{policy.ref} {policy.ref.digest}",),
        lines={
            "rules": [
                line(
                    "",
                    policy=str(policy.ref),
                    stage="shipped" if version is None else version.stage,
                    drafting=policy.drafting,
                    executing=policy.executing,
                    supervising=policy.supervising,
                    deliberated=policy.deliberated,
                    effective_from=header.effective_from,
                    effective_to=header.effective_to,
                )
            ],
            "articles": [
                line("", article=str(one.article), subject=one.subject, text=one.text)
                for one in policy.articles
            ],
        },
    )


RULES = Paper(
    name="maintenance-rules",
    about=EVERYBODY,
    stamps=ADOPTED,
    fill=_rules,
    sections=(
        Section(
            "rules",
            CARD,
            (
                printed("policy", *REF, kind=SIGN),
                printed("stage", f"{EFFECTIVE}.on", f"{SUPERSEDED}.last_day", kind="stage"),
                printed("drafting", TOML),
                printed("executing", TOML),
                printed("supervising", TOML),
                printed("deliberated", TOML),
                printed("effective_from", f"{EFFECTIVE}.effective_from", kind=DAY),
                printed("effective_to", f"{SUPERSEDED}.last_day", kind=DAY),
            ),
        ),
        Section(
            "articles",
            TABLE,
            (printed("article", TOML, kind=SIGN), printed("subject", TOML), printed("text", TOML)),
            key=("article",),
        ),
    ),
)
"""客户关系维护办法: its articles, departments and effective date."""
