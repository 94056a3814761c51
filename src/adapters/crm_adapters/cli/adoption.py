"""`crm policy`: how a policy is drafted, assessed, approved and becomes effective."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from crm_adapters.cli.group import App, command, crm, policy_file
from crm_adapters.cli.helping import ToldGroup
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.values import DATE, YEAR, Text
from crm_core.application.adopted import adopted
from crm_core.application.host import present_day
from crm_core.crm import CRM
from crm_core.gradings.adoption import Version
from crm_core.gradings.commands import (
    ApprovePolicy,
    Document,
    DraftPolicy,
    MakePolicyEffective,
)
from crm_core.gradings.studies.what_if import as_dict
from crm_core.kernel.policy import PolicyFault
from crm_core.policies import malformed


@crm.group("policy", cls=ToldGroup)
def policy() -> None:
    """Policies: drafted, assessed, approved, effective, superseded."""


def _version(text: str) -> tuple[str, int]:
    name, _, number = text.partition("/")
    if not (name and number.isascii() and number.isdigit()):
        raise ValueError(say("version_form"))
    return name, int(number)


_VERSION = click.argument("version", type=Text("version", _version))


@command("list", policy)
def listed(app: App) -> int:
    """The policies that come with the package, and those in the log, with their stages."""
    with app.open() as opened:
        found = [_shipped(ref) for ref in opened.policies.refs()]
        found += [_row(version) for version in _versions(opened)]
    app.out.result(found, lambda: _show(app.out, found))
    return 0


@command("draft", policy)
@click.argument("file")
@click.option("--reason", required=True)
def draft(app: App, file: str, reason: str) -> int:
    """Put a policy file up for adoption; from here on its contents never change."""
    text = policy_file(file)
    with app.open() as opened:
        try:
            name = opened.registry.adoptable(text).ref.name
        except PolicyFault as error:
            raise malformed(error, file) from error
        today = present_day(opened.host)
        return _step(app, opened, DraftPolicy(name, Document(text), reason.strip(), today))


@command("assess", policy)
@_VERSION
@click.option("--assessment", required=True)
@click.option("--year", "years", type=YEAR, multiple=True)
def assess(app: App, version: tuple[str, int], assessment: str, years: tuple[int, ...]) -> int:
    """Try a draft over recorded years and enter the figures as its assessment."""
    with app.open() as opened:
        today = present_day(opened.host)
        tried = opened.studies.assess(*version, assessment.strip(), years, by=app.by, on=today)
        found = [_row(one) for one in _versions(opened, [version[0]])]
    if tried is None:
        app.out.result(found, lambda: _show(app.out, found))
        return 0
    told = as_dict(tried)
    counts = {"moved": told["moved"], "compared": told["compared"]}
    worse = told["money"]["worse"]["households"]
    app.out.result(told, lambda: app.out.print(say("assessed", worse=worse, **counts)))
    return 0


@command("approve", policy)
@_VERSION
def approve(app: App, version: tuple[str, int]) -> int:
    """Approve an assessed draft, as a director who neither drafted nor assessed it."""
    with app.open() as opened:
        return _step(app, opened, ApprovePolicy(*version, present_day(opened.host)))


@command("effective", policy)
@_VERSION
@click.option("--from", "first", type=DATE, required=True)
def effective(app: App, version: tuple[str, int], first: date) -> int:
    """Bring an approved policy into use; the version before is superseded."""
    with app.open() as opened:
        today = present_day(opened.host)
        return _step(app, opened, MakePolicyEffective(*version, first, today))


def _step(app: App, opened: CRM, asked: DraftPolicy | ApprovePolicy | MakePolicyEffective) -> int:
    """Have one step taken, and tell how the versions of that name stand then."""
    opened.do(asked, by=app.by, purpose=app.purpose)
    found = [_row(one) for one in _versions(opened, [asked.name])]
    app.out.result(found, lambda: _show(app.out, found))
    return 0


def _versions(opened: CRM, names: Sequence[str] | None = None) -> list[Version]:
    if names is None:
        drafted = opened.log.feed(names=["gradings.policy_drafted/1"])
        names = sorted({recorded.event.policy.name for recorded in drafted})
    return [version for name in names for _, version in sorted(adopted(opened.log, name).items())]


def _shipped(ref: Any) -> dict[str, Any]:
    return {
        "policy": ref.name,
        "version": ref.version,
        "stage": "shipped",
        "digest": ref.digest,
        "drafted_by": None,
        "assessment": None,
        "approved_by": None,
        "effective_from": None,
        "effective_to": None,
    }


def _row(version: Version) -> dict[str, Any]:
    return {
        "policy": version.ref.name,
        "version": version.ref.version,
        "stage": version.stage,
        "digest": version.ref.digest,
        "drafted_by": version.drafted_by,
        "assessment": version.assessment or None,
        "approved_by": version.approved_by or None,
        "effective_from": version.effective_from,
        "effective_to": version.effective_to,
    }


def _show(out: Output, found: list[dict[str, Any]]) -> None:
    out.table(
        ["policy", "stage", "approved_by", "from", "to", "digest"],
        [
            [
                f"{one['policy']}/{one['version']}",
                word("stage", one["stage"]),
                one["approved_by"],
                one["effective_from"],
                one["effective_to"],
                one["digest"][:16],
            ]
            for one in found
        ],
    )
