"""What a message says, as data: approved wording in Chinese and English (OUT-01).

A text is filled by putting values where `{name}` stands, and by nothing else: no attribute, no
index, no format, and what is put in is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from attrs import field

from crm_core.kernel.dates import instant_text, parse_date, parse_instant, zone
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
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id
from crm_core.kernel.values import define, frozen
from crm_core.kernel.yuan import yuan_from_fen

LANGUAGES = ("zh", "en")
KINDS = ("amount", "date", "instant", "reference", "word")
"""Kinds of parameters: fen, a day, an instant, an id of ours, one of a list of words.

There is none for free text: what cannot be said cannot be personal.
"""

RECIPIENT_NAME = "recipient_name"
"""The one personal value: the recipient's name, filled in when a message is sent, never kept."""

_NOTHING_QUOTED: Mapping[str, str] = {}

_PLACEHOLDER = re.compile(r"\{([a-z][a-z_]*)\}")
_FEN = re.compile(r"0|[1-9][0-9]{0,13}")


@frozen
class Phrase:
    """What is read for one word of a list, in both languages."""

    zh: str
    en: str


@frozen
class Kind:
    """What may stand in a parameter.

    Args:
        kind: One of `KINDS`.
        words: For `word`: those that are allowed, by the values they stand for.
    """

    kind: str
    words: dict[str, Phrase] = field(factory=dict)


@frozen(repr=False)
class Text:
    """Subject and body in one language; filled, it may hold a name, so it never shows itself."""

    subject: str
    body: str

    def __repr__(self) -> str:
        return "Text(…)"


@frozen
class _Contents:
    """The file of a template."""

    kind: str
    template: Header
    purpose: str
    personalised: bool
    zh: Text
    en: Text
    parameters: dict[str, Kind] = field(factory=dict)
    neutral: str = ""
    quotes: tuple[str, ...] = ()


@define(frozen=True)
class Template:
    """Approved wording.

    Args:
        purpose: What it is for; the message policy says what follows from that.
        personalised: Whether it speaks to the person: by name, or by what is known of them.
        neutral: Name of the twin for those who refused that (PIPL, art. 24); empty if neutral.
        parameters: What it is filled with.
        quotes: Fields of the event it is about whose text it repeats; like a name they are filled
            in only when it is sent, so that no message keeps what staff wrote.
        texts: By language.
    """

    header: Header
    ref: PolicyRef
    purpose: str
    personalised: bool
    neutral: str
    parameters: dict[str, Kind]
    quotes: tuple[str, ...]
    texts: dict[str, Text]

    @classmethod
    def parse(cls, text: str) -> Template:
        """The template in TOML text.

        Raises:
            PolicyFault: the text is not such a template; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.template.name, contents.template.version)
        texts = {"zh": contents.zh, "en": contents.en}
        return cls(
            header=contents.template,
            ref=ref,
            purpose=contents.purpose,
            personalised=contents.personalised,
            neutral=contents.neutral,
            parameters=contents.parameters,
            quotes=contents.quotes,
            texts=texts,
        )

    def is_twin_of(self, other: Template) -> bool:
        """Whether it can stand in for a personalised one: the same matter, nobody addressed."""
        return (
            not self.personalised
            and self.ref.name == other.neutral
            and self.purpose == other.purpose
            and all(other.parameters.get(name) == kind for name, kind in self.parameters.items())
            and set(self.quotes) <= set(other.quotes)
        )

    def fault(self, name: str, value: object) -> Malformed | None:
        """What is wrong with a value for a parameter, or None.

        Raises:
            KeyError: the template has no such parameter.
        """
        kind = self.parameters[name]
        if type(value) is not str:
            return Malformed("text_expected")
        try:
            _shown(kind, value, "en", "UTC")
        except Malformed as error:
            return error
        return None

    def render(
        self,
        language: str,
        parameters: Mapping[str, str],
        zone_name: str,
        recipient_name: str = "",
        quoted: Mapping[str, str] = _NOTHING_QUOTED,
    ) -> Text:
        """The text that is sent.

        Args:
            parameters: Values by name; those the template has no use for are left out.
            zone_name: Zone in which instants are told.
            recipient_name: For a personalised template.
            quoted: For one that quotes: the texts by the names of their fields.

        Raises:
            Malformed: a parameter or a quoted text is missing or malformed, or the language is not
                known.
        """
        if language not in self.texts:
            raise Malformed("not_one_of", value=language, accepted=LANGUAGES)
        missing = sorted(self.parameters.keys() - parameters.keys())
        if missing:
            raise Malformed("parameter_missing", parameter=missing[0])
        shown = {
            name: _shown(kind, parameters[name], language, zone_name)
            for name, kind in self.parameters.items()
        }
        if self.personalised:
            # A name is kept as it was written, which may be on two lines; a subject has one.
            shown[RECIPIENT_NAME] = " ".join(recipient_name.split())
        for name in self.quotes:
            if name not in quoted:
                raise Malformed("parameter_missing", parameter=name)
            shown[name] = " ".join(quoted[name].split())
        text = self.texts[language]
        return Text(_filled(text.subject, shown), _filled(text.body, shown))


def placeholders(text: str) -> set[str]:
    """Names that stand in braces.

    Raises:
        Malformed: a brace is not part of a `{name}`.
    """
    if set("{}") & set(_PLACEHOLDER.sub("", text)):
        raise Malformed("brace_alone")
    return set(_PLACEHOLDER.findall(text))


def _filled(text: str, shown: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: shown[found[1]], text)


def _shown(kind: Kind, value: str, language: str, zone_name: str) -> str:
    """A value as people read it."""
    match kind.kind:
        case "amount":
            if _FEN.fullmatch(value) is None:
                raise Malformed("whole_fen_expected")
            return yuan_from_fen(int(value))
        case "date":
            day = parse_date(value)
            return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.isoformat()
        case "instant":
            return _instant(parse_instant(value), language, zone_name)
        case "word":
            word = kind.words.get(value)
            if word is None:
                raise Malformed("one_of_expected", accepted=list(kind.words))
            return word.zh if language == "zh" else word.en
        case _:
            return check_id(value)


def _instant(instant: datetime, language: str, zone_name: str) -> str:
    if not 1900 <= instant.year <= 2200:
        raise Malformed("instant_out_of_range", first=1900, last=2200)
    there = instant.astimezone(zone(zone_name))
    if language == "zh":
        return f"{there.year}年{there.month}月{there.day}日{there.hour:02}:{there.minute:02}"
    return f"{there.date().isoformat()} {there.hour:02}:{there.minute:02}"


def value_of(value: object) -> str:
    """A value as a parameter holds it: instants in UTC, days and whole numbers as they are."""
    return instant_text(value) if isinstance(value, datetime) else str(value)


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != "template":
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="template"))
    if contents.personalised != bool(contents.neutral):
        faults.append(wrong("neutral", "neutral_twin"))
    for name, kind in contents.parameters.items():
        if kind.kind not in KINDS:
            faults.append(
                wrong(f"parameters.{name}.kind", "not_one_of", value=kind.kind, accepted=KINDS)
            )
        if (kind.kind == "word") != bool(kind.words):
            faults.append(wrong(f"parameters.{name}.words", "words_of_word"))
        if name == RECIPIENT_NAME or _PLACEHOLDER.fullmatch(f"{{{name}}}") is None:
            faults.append(wrong(f"parameters.{name}", "parameter_name_form"))
    for name in contents.quotes:
        if (
            name in contents.parameters
            or name == RECIPIENT_NAME
            or _PLACEHOLDER.fullmatch(f"{{{name}}}") is None
        ):
            faults.append(wrong("quotes", "parameter_name_form"))
    allowed = set(contents.parameters) | ({RECIPIENT_NAME} if contents.personalised else set())
    allowed |= set(contents.quotes)
    for language in LANGUAGES:
        text: Text = getattr(contents, language)
        used: set[str] = set()
        for part, value in (("subject", text.subject), ("body", text.body)):
            if not value.strip() or (part == "subject" and not value.isprintable()):
                faults.append(wrong(f"{language}.{part}", "template_text_form"))
            try:
                used |= placeholders(value)
            except Malformed as error:
                faults.append((f"{language}.{part}", error))
        faults.extend(
            wrong(language, "parameter_unknown", parameter=name) for name in sorted(used - allowed)
        )
        faults.extend(
            wrong(language, "parameter_unused", parameter=name) for name in sorted(allowed - used)
        )
    return faults
