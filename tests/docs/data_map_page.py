"""Renders `docs/reference/data-map.md` from the data map.

`CRM_REWRITE_DOCS=1 pytest tests/docs` writes the page anew; without it the test compares.
"""

# ruff: noqa: E501 - it holds the text of a page, one sentence a line

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crm_core.kernel.data_map import (
    ABOUT,
    CLASSES,
    CONCERNED,
    ENVELOPE,
    EVENT,
    FILE,
    TIERS,
    VIEW,
    Classified,
)
from crm_core.kernel.sentences import say

HEAD = """\
# Data map

What every field is that the library keeps: of which class, and so in which tier, for what, how long, and about whom ([PRV-02](rules.md#prv-02-data-map-数据地图)).
A field that is missing here cannot be recorded: [a slice with a field without a class](../how-to/own-slice.md#say-what-its-fields-are) is refused where slices are listed, and a test fails for the library's own.
This page is rendered from the map, and a test keeps it so; [`crm data-map`](cli.md#crm-data-map) prints the same for an installation, slices of others included.

## Classes

Tier and purpose follow from the class; retention and subject also from what the event is about, which stands beside its name below.

| class | what it is | tier | kept for | about | until | sealed | typed by people |
|---|---|---|---|---|---|---|---|
"""

AFTER_CLASSES = """
"Whom it concerns" and "the matter ends" are, by what the event is about:

| about | whom it concerns | the matter ends |
|---|---|---|
| household | the household | three years after the tenure ends |
| case | the household | three years after the case is closed |
| staff | the member of staff | three years after employment ends |
| company | nobody | with the log |

An id of a member of staff is kept until three years after their employment, whatever the event is about.

What is typed by people can hold anything, names too.
It is not sealed yet, and is told so here; a number, a code and an id are held to their form where commands come in, so that nobody types anything else there.

## Tiers

| tier | who may see it (PRV-01) |
|---|---|
| company | everybody with a valid undertaking: issues raised, repairs, the status of payments |
| service | desk, engineering, security and cleaning, for the case in hand |
| personal | whose work needs it, with a purpose stated and logged |
| sensitive | custodian and director, with consent; nothing that is kept is sensitive: neither identity cards, banks, health, minors, faces nor tracks |
| statistics | everybody; cells under 5 are suppressed |

## Retention

| until | what happens then | why |
|---|---|---|
| with the log | it stays, under numbers alone once the names are erased, and proves the rest | what was decided can be explained and defended (PIPL, art. 24); assessments are kept for 3 years at least (PIPL, art. 56) |
| three years after the tenure, the case or employment ends | what is sealed is erased with its key; what is not is set aside: kept, and used no more | claims lapse after 3 years (Civil Code, art. 188), so nothing is needed longer (PIPL, art. 19); where deletion is technically hard all use stops (PIPL, art. 47) |
| what a file was made for is done | the file is deleted | PIPL, art. 19 |

These are the periods of the map, for companies to shorten or lengthen by their own law; nothing is erased by itself.

## The envelope

What is stored around every event.

"""


def render(rows: Iterable[Classified]) -> str:
    """The page."""
    found = list(rows)
    lines = [HEAD.rstrip("\n")]
    for data in CLASSES.values():
        about = {CONCERNED: "whom it concerns"}.get(data.subject, _told("subject", data.subject))
        until = "with the log" if data.kept == "log" else "the matter ends"
        cells = [
            f"`{data.name}`",
            _told("class", data.name),
            _told("tier", data.tier),
            _told("purpose", data.purpose),
            about,
            until,
            "●" if data.sealed else "",
            "●" if data.typed else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    assert set(TIERS) == {"company", "service", "personal", "sensitive", "statistics"}
    assert ABOUT == ("household", "case", "staff", "company")
    lines.append(AFTER_CLASSES.rstrip("\n"))
    lines += ["", *_table([one for one in found if one.kind == ENVELOPE], "envelope")]
    for slice in dict.fromkeys(one.slice for one in found if one.slice):
        mine = [one for one in found if one.slice == slice]
        lines += ["", f"## {slice[0].upper()}{slice[1:]}", ""]
        lines += _table([one for one in mine if one.kind == EVENT], "event")
        views = [one for one in mine if one.kind == VIEW]
        if views:
            lines += ["", *_table(views, "row of the view")]
    lines += ["", "## Files", "", FILES, "", *_table([o for o in found if o.kind == FILE], "file")]
    return "\n".join(lines) + "\n"


FILES = """\
Everything in a file is plain.
What imports read and documents hold is named by its columns; `report/…` are the households that the report of a year names, and `kept/…` the columns beside the log."""


def _table(rows: list[Classified], what: str) -> Iterator[str]:
    yield f"| {what} | about | fields by class |"
    yield "|---|---|---|"
    for source in dict.fromkeys(one.source for one in rows):
        mine = [one for one in rows if one.source == source]
        yield f"| `{source}` | {mine[0].about} | {'<br>'.join(_fields(mine))} |"


def _fields(rows: list[Classified]) -> Iterator[str]:
    for data in CLASSES.values():
        names = [one.field for one in rows if one.data == data]
        if names:
            yield f"{data.name}: {', '.join(_together(names))}"


def _together(names: list[str]) -> Iterator[str]:
    """Fields of one value in braces: `word.{channel, member}`."""
    by_value: dict[str, list[str]] = {}
    for name in names:
        value, _, last = name.rpartition(".")
        by_value.setdefault(value, []).append(last)
    for value, last in by_value.items():
        if not value:
            yield from (f"`{name}`" for name in last)
        elif len(last) == 1:
            yield f"`{value}.{last[0]}`"
        else:
            yield f"`{value}.{{{', '.join(last)}}}`"


def _told(kind: str, code: str) -> str:
    return say("data-map", f"{kind}_{code}", "en")
