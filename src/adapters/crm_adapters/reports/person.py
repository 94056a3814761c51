"""The copy of everything about a person, as JSON for programs or as a page for people (PRV-09)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from crm_adapters.outputs import NOTHING, Kept, written_whole
from crm_adapters.register import PERSON
from crm_core.application.privacy import PersonExport
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sentences import Lang, say, sentences
from crm_core.kernel.yuan import yuan_from_fen

FORMS = (".json", ".html")

FAMILY = "export"
"""Where the words of the page stand in the catalogue of sentences."""

EVENTS = "events"
"""Where it has what happened, by the name of the event."""


def check_form(path: Path) -> None:
    """That the name's ending says in which form to write.

    Raises:
        Invalid: it ends otherwise than in `.json` or `.html`.
    """
    if path.suffix.lower() not in FORMS:
        raise Invalid.one("form_unknown", "--out", sentence="form_of_copy_unknown", file=path.name)


def write_person(
    path: Path, found: PersonExport, lang: Lang = "en", *, kept: Kept = NOTHING
) -> None:
    """Write the copy, readable by the owner of the file only; the form follows the name's ending.

    Args:
        lang: In which language the page speaks; JSON is the same in any.
        kept: What may not be replaced.

    Raises:
        Invalid: the name ends otherwise than in `.json` or `.html`, something lies there that may
            not be replaced, or it cannot be written.
    """
    check_form(path)
    if path.suffix.lower() == ".json":
        text = json.dumps(found.as_dict(), ensure_ascii=False, indent=1) + "\n"
    else:
        text = person_html(found, lang)
    try:
        written_whole(
            path,
            text.encode(),
            private=True,
            kept=kept,
            where="--out",
            kind=PERSON,
            about=[one for one in (found.household, found.member, found.staff) if one],
        )
    except OSError as error:
        told = {"file": str(path), "why": error.strerror or ""}
        raise Invalid.one("report_unwritable", "--out", **told) from error


def person_html(found: PersonExport, lang: Lang) -> str:
    """A self-contained page."""
    return _template().render(
        found=found,
        lang="zh-Hans" if lang == "zh" else "en",
        say=lambda code, **values: say(FAMILY, code, lang, **values),
        known=None if found.known is None else instant_text(found.known),
        made_at=instant_text(found.made_at),
        event_named=lambda name: event_named(name, lang),
        flat=lambda data: list(flat(data, lang)),
    )


def event_named(stored: str, lang: Lang) -> str:
    """What happened, in words; the stored name of an event that the catalogue does not have."""
    name = stored.partition("/")[0]
    texts = sentences(EVENTS).get(name)
    return name if texts is None else texts[lang]


def flat(data: Any, lang: Lang, name: str = "") -> list[tuple[str, str]]:
    """Fields with their values in a line each; those without a value are left away."""
    if data is None or data in ([], {}, ""):
        return []
    if isinstance(data, dict) and "state" in data and "person" in data:
        return [(name, data["text"] if "text" in data else say("values", data["state"], lang))]
    if isinstance(data, dict):
        dot = f"{name}." if name else ""
        return [line for key, value in data.items() for line in flat(value, lang, f"{dot}{key}")]
    if isinstance(data, list):
        if not any(isinstance(one, dict | list) for one in data):
            return [(name, ", ".join(map(str, data)))]
        numbered = enumerate(data, start=1)
        return [line for at, one in numbered for line in flat(one, lang, f"{name} {at}")]
    if isinstance(data, bool):
        return [(name, say(FAMILY, "yes" if data else "no", lang))]
    if isinstance(data, int) and name.endswith("_fen"):
        return [(name.removesuffix("_fen"), f"{yuan_from_fen(data)} {say(FAMILY, 'yuan', lang)}")]
    return [(name, str(data))]


@cache
def _template() -> Template:
    text = (files("crm_adapters.reports") / "person.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
