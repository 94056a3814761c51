"""`crm policy`: how a grading policy is drafted, assessed, approved and becomes effective."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from crm_adapters.cli.group import (
    DATE,
    YEAR,
    App,
    Text,
    by_person,
    command,
    crm,
    policy_file,
)
from crm_adapters.cli.output import Output
from crm_core.crm import CRM
from crm_core.gradings.adoption import Version
from crm_core.gradings.commands import (
    ApprovePolicy,
    Document,
    DraftPolicy,
    MakePolicyEffective,
)
from crm_core.gradings.lookups import adopted
from crm_core.gradings.what_if import as_dict
from crm_core.kernel.recorded import Actor
from crm_core.policies import parse_grading, shipped


@crm.group("policy")
def policy() -> None:
    """Grading policies: drafted, assessed, approved, effective, superseded."""


def _version(text: str) -> tuple[str, int]:
    name, _, number = text.partition("/")
    if not (name and number.isascii() and number.isdigit()):
        raise ValueError("a version is written `name/version`, like `our-grades/2`")
    return name, int(number)


_VERSION = click.argument("version", type=Text("version", _version))


@command("list", policy)
def listed(app: App) -> int:
    """The policies that come with the package, and those in the log, with their stages."""
    with app.open() as opened:
        found = [_shipped(ref) for ref in shipped().refs()]
        found += [_row(version) for version in _versions(opened)]
    app.out.result(found, lambda: _show(app.out, found))
    return 0


@command("draft", policy)
@click.argument("file")
@click.option("--reason", required=True, help="What it is for.")
@by_person
def draft(app: App, file: str, reason: str, by: Actor) -> int:
    """Put a policy file up for adoption; from here on its contents never change."""
    text = policy_file(file)
    name = parse_grading(text, file).ref.name
    with app.open() as opened:
        today = opened.gradings.present_day()
        opened.do(DraftPolicy(name, Document(text), reason, by, today), by=by)
        found = [_row(version) for version in _versions(opened, [name])]
    app.out.result(found, lambda: _show(app.out, found))
    return 0


@command("assess", policy)
@_VERSION
@click.option("--assessment", required=True, help="Reference of the impact assessment.")
@click.option("--year", "years", type=YEAR, multiple=True, required=True, help="More than once.")
@by_person
def assess(
    app: App, version: tuple[str, int], assessment: str, years: tuple[int, ...], by: Actor
) -> int:
    """Try a draft over recorded years and enter the figures as its assessment."""
    with app.open() as opened:
        today = opened.gradings.present_day()
        found = as_dict(opened.studies.assess(*version, assessment, years, by=by, on=today))
    app.out.result(
        found,
        lambda: app.out.print(
            f"{found['moved']} of {found['compared']} gradings would move,"
            f" {found['money']['worse']['households']} of them to a worse layer"
        ),
    )
    return 0


@command("approve", policy)
@_VERSION
@by_person
def approve(app: App, version: tuple[str, int], by: Actor) -> int:
    """Approve an assessed draft, as a director who did not draft it."""
    with app.open() as opened:
        opened.do(ApprovePolicy(*version, by, opened.gradings.present_day()), by=by)
        found = [_row(one) for one in _versions(opened, [version[0]])]
    app.out.result(found, lambda: _show(app.out, found))
    return 0


@command("effective", policy)
@_VERSION
@click.option("--from", "first", type=DATE, required=True, help="First day of its use.")
@by_person
def effective(app: App, version: tuple[str, int], first: date, by: Actor) -> int:
    """Bring an approved policy into use; the version before is superseded."""
    with app.open() as opened:
        today = opened.gradings.present_day()
        opened.do(MakePolicyEffective(*version, first, by, today), by=by)
        found = [_row(one) for one in _versions(opened, [version[0]])]
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
        ["policy", "stage", "approved by", "from", "to", "digest"],
        [
            [
                f"{one['policy']}/{one['version']}",
                one["stage"],
                one["approved_by"],
                one["effective_from"],
                one["effective_to"],
                one["digest"][:16],
            ]
            for one in found
        ],
    )
