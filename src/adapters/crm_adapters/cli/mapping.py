"""`crm data-map`: what every field that is kept is, for what, how long, and about whom."""

from __future__ import annotations

from typing import Any

import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import DATA_MAP, event_told, field_told, kept_told, say, spoken, word
from crm_adapters.cli.values import OneOf
from crm_adapters.data_map import whole
from crm_adapters.slices import installed
from crm_core.errors import Invalid
from crm_core.kernel import sentences
from crm_core.kernel.data_map import TIERS, Classified


@command("data-map")
@click.option("--tier", type=OneOf(TIERS))
@click.option("--slice", metavar="NAME")
def data_map(app: App, tier: str | None, slice: str | None) -> int:
    """Tier, purpose, retention and subject of every field; no log is needed for it."""
    registry = installed()
    if slice is not None and slice not in registry.slices:
        raise Invalid.one("slice_unknown", "--slice", slice=slice, accepted=[*registry.slices])
    found = [
        one
        for one in whole(registry)
        if tier in (None, one.data.tier) and slice in (None, one.slice)
    ]

    def show() -> None:
        what = ["source", "field", "data_class", "tier"]
        app.out.table(
            [*what, "about_whom", "kept_for", "afterwards", "purpose"],
            [_words(one) for one in found],
        )

    app.out.result([_row(one) for one in found], show)
    return 0


def _row(one: Classified) -> dict[str, Any]:
    return {
        "slice": one.slice,
        "kind": one.kind,
        "source": one.source,
        "field": one.field,
        "class": one.data.name,
        "tier": one.data.tier,
        "subject": one.subject,
        "sealed": one.sealed,
        "retention": one.retention,
        "ends": one.ends,
        "purpose": one.data.purpose,
    }


def _words(one: Classified) -> list[str]:
    said = [
        ("class", one.data.name),
        ("tier", one.data.tier),
        ("subject", one.subject),
        ("retention", one.retention),
        ("ends", one.ends),
        ("purpose", one.data.purpose),
    ]
    return [_source(one), _field(one.field), *(_told(kind, code) for kind, code in said)]


def _source(one: Classified) -> str:
    """What has the field: an event in words, or a view or a file by its name."""
    told = event_told(one.source)
    if told != one.source.partition("/")[0]:
        return told
    kind = word("map_source", one.kind)
    return (
        kind if one.source == one.kind else say("map_source", kind=kind, name=kept_told(one.source))
    )


def _field(path: str) -> str:
    first, *parts = (field_told(part.removesuffix("[]")) for part in path.split("."))
    for part in parts:
        first = say("within", whole=first, part=part)
    return first


def _told(kind: str, code: str) -> str:
    return sentences.say(DATA_MAP, f"{kind}_{code}", spoken())
