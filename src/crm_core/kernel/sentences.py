"""The catalogue of sentences: whatever a person reads, by code, in Chinese and English.

The texts are data of the package, one file for each family, read when one of them is asked for.
Reading the package's own data counts as reading code, not as I/O (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from string import Formatter
from typing import Any, Literal, cast

from crm_core.kernel.yuan import yuan_shown

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")

WORDS = "words"
"""The family of the library's own words: layers, roles, kinds of things."""


class _Sentence(Formatter):
    """`{fen:yuan}` is an amount, `{names:list}` a list, `{why:faults}` what is wrong elsewhere.

    `{layer:word-layer}` is a word of the library's own as people say it, or several of them;
    `{purpose:typed-purpose}` has behind it what is typed for it, where that is another.
    A value that is not there leaves its placeholder as it is written.
    """

    def __init__(self, lang: Lang) -> None:
        self._lang = lang

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), f"{{{key}}}")

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "yuan" and isinstance(value, int):
            return yuan_shown(value)
        if format_spec == "list" and not isinstance(value, str):
            return ("、" if self._lang == "zh" else ", ").join(str(item) for item in value)
        if format_spec == "faults" and not isinstance(value, str):
            return told_faults(value, self._lang)
        how, _, kind = format_spec.partition("-")
        if how in ("word", "typed"):
            several = value if isinstance(value, list | tuple) else [value]
            words = [self._word(kind, str(one), is_typed=how == "typed") for one in several]
            return self.format_field(words, "list")
        return str(value)

    def _word(self, kind: str, code: str, *, is_typed: bool) -> str:
        told = word(kind, code, self._lang)
        if not is_typed or told == code:
            return told
        return f"{told}（{code}）" if self._lang == "zh" else f"{told} ({code})"


class Malformed(ValueError):
    """A value is not what it should be; its sentence stands in `faults.toml` of the catalogue.

    Args:
        sentence: Code of the sentence.
        values: What it is filled with; never personal data.
    """

    def __init__(self, sentence: str, /, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence: str = sentence
        self.values: dict[str, Any] = values

    def told(self, lang: Lang) -> str:
        """What is wrong and what would be accepted."""
        return say("faults", self.sentence, lang, **self.values)

    def within(self, where: str = "") -> dict[str, Any]:
        """As plain data for a sentence of somebody else's, which shows a list as `{why:faults}`."""
        return {"where": where, "sentence": self.sentence, "values": self.values}

    def __str__(self) -> str:
        return self.told("en")


def say(family: str, code: str, lang: Lang = "en", /, **values: Any) -> str:
    """The sentence of a code, filled in; the code itself where the catalogue has none.

    Args:
        family: File of the catalogue, e.g. `refused-pay`.
        code: Its code there.
    """
    texts = sentences(family).get(code)
    if texts is None:
        return code.replace("_", " ")
    text = texts[lang]
    return _Sentence(lang).vformat(text, (), values) if "{" in text else text


def word(kind: str, code: str, lang: Lang) -> str:
    """How one of the library's own words is said, e.g. that of a `layer`; else the word itself."""
    texts = sentences(WORDS).get(f"{kind}_{code}")
    return code if texts is None else texts[lang]


def told_faults(faults: Iterable[Mapping[str, Any]], lang: Lang) -> str:
    """What is wrong at several places; each as `Malformed.within` gives it."""
    told = []
    for fault in faults:
        what = say("faults", fault["sentence"], lang, **fault["values"])
        told.append(f"{fault['where']}: {what}" if fault["where"] else what)
    return ("；" if lang == "zh" else "; ").join(told)


@cache
def sentences(family: str) -> Mapping[str, Mapping[Lang, str]]:
    """All sentences of a family by their code; none if there is no such family."""
    found = _table("crm_core", f"sentences/{family}.toml")
    for package, file in _OF_OTHERS:
        for code, texts in _table(package, file).get(family, {}).items():
            found.setdefault(code, texts)
    return cast("dict[str, dict[Lang, str]]", found)


_OF_OTHERS: dict[tuple[str, str], None] = {}


def also_in(package: str, file: str) -> None:
    """Read the sentences of another package too, from here on and in this whole process.

    A sentence is added where the catalogue has none; none that it has is replaced.

    Args:
        package: Import package.
        file: A TOML file of it, with a table for each family.
    """
    if (package, file) not in _OF_OTHERS:
        _OF_OTHERS[package, file] = None
        sentences.cache_clear()


def _table(package: str, path: str) -> dict[str, Any]:
    import tomllib  # Slow to load, and most programs never say anything.
    from importlib.resources import files

    file = files(package).joinpath(*path.split("/"))
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
