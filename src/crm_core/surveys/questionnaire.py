"""Questionnaires as data: what is asked, in Chinese and English, and what can be answered (SUR-01).

An answer is a text for each item that is not of the kind `text`, in the order of the questionnaire:
`4` on a scale, the code of the choice, the codes of several joined by `+`; nothing where it was
left out. What was written freely stands beside it, a text for each item of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

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
from crm_core.kernel.values import define, frozen

KIND = "questionnaire"
"""What the file of a questionnaire says under `kind`."""

DEFAULT_QUESTIONNAIRE = "satisfaction-cn-default"

SINGLE, MULTIPLE, SCALE, TEXT = "single", "multiple", "scale", "text"
KINDS = (SINGLE, MULTIPLE, SCALE, TEXT)
"""Kinds of items."""

LANGUAGES = ("zh", "en")

STEPS_MIN, STEPS_MAX = 3, 11
"""How many steps a scale has."""

ITEMS_MAX = 200

JOINT = "+"
"""Stands between the choices of an answer that has several."""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@frozen
class Choice:
    """One of the answers that can be chosen."""

    choice: str
    zh: str
    en: str


@frozen
class Item:
    """A question.

    Args:
        item: Its code.
        kind: One of `KINDS`.
        steps: Of a scale: answers run from 1, the worst, to this.
        choices: What can be chosen, where something can.
        required: Whether it counts as left out where it is; one that need not be answered does not.
    """

    item: str
    kind: str
    zh: str
    en: str
    steps: int = 0
    choices: tuple[Choice, ...] = ()
    required: bool = True

    def accepts(self, value: str) -> bool:
        """Whether it is an answer; nothing is one to every question."""
        if not value:
            return True
        if self.kind == SCALE:
            return value in self.accepted
        chosen = value.split(JOINT)
        once = len(set(chosen)) == len(chosen)
        return (
            once
            and set(chosen) <= set(self.accepted)
            and (self.kind == MULTIPLE or len(chosen) == 1)
        )

    @property
    def accepted(self) -> list[str]:
        """What can be answered, or chosen."""
        if self.kind == SCALE:
            return [str(step) for step in range(1, self.steps + 1)]
        return [one.choice for one in self.choices]

    def tidy(self, value: str) -> str:
        """The answer as it is kept: choices in the order of the questionnaire."""
        if self.kind != MULTIPLE or not value:
            return value
        chosen = set(value.split(JOINT))
        return JOINT.join(one for one in self.accepted if one in chosen)


@frozen
class _Contents:
    """The file of a questionnaire."""

    kind: str
    policy: Header
    title: dict[str, str]
    items: tuple[Item, ...]
    overall: str = ""


@define(frozen=True)
class Questionnaire:
    """What is asked.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        title: By language.
        items: In the order in which they are asked.
        overall: The item that asks for the satisfaction as a whole; empty where all of the scales
            together stand for it.
    """

    header: Header
    ref: PolicyRef
    title: dict[str, str]
    items: tuple[Item, ...]
    overall: str

    @property
    def marked(self) -> tuple[Item, ...]:
        """What is answered by a mark."""
        return tuple(one for one in self.items if one.kind != TEXT)

    @property
    def written(self) -> tuple[Item, ...]:
        """What is answered in one's own words."""
        return tuple(one for one in self.items if one.kind == TEXT)

    @classmethod
    def parse(cls, text: str) -> Questionnaire:
        """The questionnaire in TOML text.

        Raises:
            PolicyFault: the text is not such a questionnaire; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = list(_faults(contents))
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            title=contents.title,
            items=contents.items,
            overall=contents.overall,
        )


def _faults(contents: _Contents) -> Iterator[PathFault]:
    if contents.kind != KIND:
        yield wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND)
    yield from _languages("title", contents.title)
    if not 1 <= len(contents.items) <= ITEMS_MAX:
        yield wrong("items", "between_expected", least=1, most=ITEMS_MAX)
    yield from _codes("items", [one.item for one in contents.items])
    for number, item in enumerate(contents.items):
        yield from _of_item(f"items[{number}]", item)
    scales = [one.item for one in contents.items if one.kind == SCALE]
    if contents.overall and contents.overall not in scales:
        yield wrong("overall", "not_one_of", value=contents.overall, accepted=scales)


def _of_item(path: str, item: Item) -> Iterator[PathFault]:
    if item.kind not in KINDS:
        yield wrong(f"{path}.kind", "not_one_of", value=item.kind, accepted=KINDS)
        return
    yield from _languages(path, {"zh": item.zh, "en": item.en})
    if item.kind == SCALE and not STEPS_MIN <= item.steps <= STEPS_MAX:
        yield wrong(f"{path}.steps", "between_expected", least=STEPS_MIN, most=STEPS_MAX)
    if item.kind != SCALE and item.steps:
        yield wrong(f"{path}.steps", "unknown_key", key="steps")
    chosen = item.kind in (SINGLE, MULTIPLE)
    if chosen and len(item.choices) < 2:
        yield wrong(f"{path}.choices", "choices_expected")
    if not chosen and item.choices:
        yield wrong(f"{path}.choices", "unknown_key", key="choices")
    yield from _codes(f"{path}.choices", [one.choice for one in item.choices])
    for number, choice in enumerate(item.choices):
        yield from _languages(f"{path}.choices[{number}]", {"zh": choice.zh, "en": choice.en})


def _codes(path: str, codes: list[str]) -> Iterator[PathFault]:
    for number, code in enumerate(codes):
        if _CODE.fullmatch(code) is None:
            yield wrong(f"{path}[{number}]", "code_expected", value=code)
        elif code in codes[:number]:
            yield wrong(f"{path}[{number}]", "code_twice", value=code)


def _languages(path: str, words: Mapping[str, str]) -> Iterator[PathFault]:
    for lang in LANGUAGES:
        if not words.get(lang, "").strip():
            yield wrong(f"{path}.{lang}", "missing")
    for lang in sorted(set(words) - set(LANGUAGES)):
        yield wrong(path, "unknown_key", key=lang)


@frozen
class Filled:
    """A questionnaire as it was filled in.

    Args:
        marks: For each item that is marked, in their order.
        texts: For each item that is written, in theirs.
        seconds: How long it took, if that is known, and never more than makes a difference.
    """

    marks: tuple[str, ...]
    texts: tuple[str, ...]
    seconds: int | None = None


@frozen(order=True)
class Marked:
    """What is kept of an anonymous answer, but for what was written in it.

    Args:
        marks: As in `Filled`.
        wrote: For each item that is written, whether something was.
        seconds: As in `Filled`; -1 where it is not known.
    """

    marks: tuple[str, ...]
    wrote: tuple[bool, ...]
    seconds: int


@frozen(order=True)
class Written:
    """What was written to an item."""

    item: str
    text: str


@frozen
class Unfit:
    """Why something is no answer to a questionnaire.

    Args:
        code: `item_malformed`, `unknown_item`, `item_twice` or `answer_unfit`.
        accepted: What would be accepted, if that can be listed.
    """

    code: str
    item: str
    accepted: tuple[str, ...] = ()


def fill(asked: Questionnaire, said: Iterable[str], seconds: int | None) -> Filled | Unfit:
    """What was said, `ITEM=ANSWER` each, as it is kept; what was not said was left out."""
    answers: dict[str, str] = {}
    by_code = {one.item: one for one in asked.items}
    for one in said:
        code, mark, value = one.partition("=")
        if not mark:
            # What stands there instead may be anything, so it is not repeated.
            return Unfit("item_malformed", "", tuple(by_code))
        item = by_code.get(code)
        if item is None:
            return Unfit("unknown_item", "", tuple(by_code))
        if code in answers:
            return Unfit("item_twice", code)
        value = value.strip()
        if item.kind != TEXT and not item.accepts(value):
            return Unfit("answer_unfit", code, tuple(item.accepted))
        answers[code] = item.tidy(value)
    return Filled(
        marks=tuple(answers.get(one.item, "") for one in asked.marked),
        texts=tuple(answers.get(one.item, "") for one in asked.written),
        seconds=seconds,
    )
