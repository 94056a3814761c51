"""In which language the command line speaks, and where its sentences stand.

Every sentence of it is in the catalogue of `crm_core.sentences`: what is told in `cli`, help in
`cli-help`, headings of tables in `cli-columns`, and what stands for the library's own words in them
in `words`; what each act does in `cli-acts`. Results for machines are the same in any language.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from crm_core.kernel import sentences
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import LANGS, WORDS, Lang, Malformed

MESSAGES, HELP, COLUMNS = "cli", "cli-help", "cli-columns"
EVENTS, FIELDS = "events", "fields"
ACTS = "cli-acts"
"""The families of the catalogue that are the command line's own."""

DATA_MAP, PAPERS = "data-map", "papers"
"""And two in which it finds what people call what is kept."""

LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where the system says in which language it speaks; the first that says so counts."""

_LANG: ContextVar[Lang] = ContextVar("crm_lang", default="en")


def speak(lang: Lang) -> None:
    """Speak that language from here on."""
    _LANG.set(lang)


def spoken() -> Lang:
    """The language that is spoken."""
    return _LANG.get()


def say(code: str, /, **values: Any) -> str:
    """A sentence of the command line."""
    return sentences.say(MESSAGES, code, spoken(), **values)


def column(code: str) -> str:
    """The heading of a column."""
    return sentences.say(COLUMNS, code, spoken()) if code else ""


def field_told(name: str) -> str:
    """What people call a field of an event or a view; the unit in its name is not said."""
    for plain in (name, name.removesuffix("_fen").removesuffix("_seconds")):
        for family, code in ((FIELDS, plain), (COLUMNS, plain), (WORDS, f"item_{plain}")):
            texts = sentences.sentences(family).get(code)
            if texts is not None:
                return texts[spoken()]
    return name


def event_told(stored: str) -> str:
    """What happened, in words; the stored name of an event that the catalogue does not have."""
    name = stored.partition("/")[0]
    texts = sentences.sentences(EVENTS).get(name)
    return name if texts is None else texts[spoken()]


def kept_told(name: str) -> str:
    """What people call a view, a file, or what else follows the log; a host's own by its name."""
    kind, _, paper = name.partition("/")
    family, code = (PAPERS, f"title_{paper}") if kind == "paper" else (DATA_MAP, f"source_{name}")
    texts = sentences.sentences(family).get(code)
    return f"`{name}`" if texts is None else texts[spoken()]


def help_of(*codes: str) -> str:
    """The help of the first of these codes that has one; an empty text if none has."""
    texts = sentences.sentences(HELP)
    return next((texts[code][spoken()] for code in codes if code in texts), "")


def act_told(act: str) -> str:
    """What an act does."""
    return sentences.say(ACTS, act, spoken())


def unfit(error: ValueError) -> str:
    """What is wrong with a value, as the one says who could not read it."""
    if isinstance(error, Malformed):
        return sentences.say("faults", error.sentence, spoken(), **error.values)
    return str(error)


def why_withheld(value: Withheld) -> str:
    """What stands where a value is that is not shown."""
    return say("withheld", why=sentences.say("values", value.reason, spoken()))


def word(kind: str, value: str, lang: Lang | None = None) -> str:
    """How one of the library's own words is shown, e.g. that of a `layer`; else the word itself."""
    return sentences.word(kind, value, lang or spoken())


def language_asked(arguments: Sequence[str]) -> Lang:
    """The language to speak, before anything is known to be well written.

    It is that of `--lang` if it stands anywhere in the line, then of `CRM_LANG`, then of the
    system.
    """
    for at, argument in enumerate(arguments):
        option, is_joined, value = argument.partition("=")
        if option == "--lang":
            said = value if is_joined else next(iter(arguments[at + 1 :]), "")
            for lang in LANGS:
                if said == lang:
                    return lang
    for lang in LANGS:
        if os.getenv("CRM_LANG") == lang:
            return lang
    system = next((text for name in LOCALES if (text := os.getenv(name))), "")
    return "zh" if system.casefold().startswith("zh") else "en"
