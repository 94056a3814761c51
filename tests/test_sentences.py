"""What a person reads stands in the catalogue of sentences, in Chinese and English, and only there.

Of the families of the command line `tests/cli` says more.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import pytest

import crm_adapters
import crm_core
from crm_core import errors
from crm_core.errors import CrmError, Fault, Invalid
from crm_core.gradings.policy import GradingPolicy
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.sentences import LANGS, Malformed, say, sentences

FOLDER = Path(str(files("crm_core") / "sentences"))
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.toml"))
SAID = [name for name in FAMILIES if name.startswith("refused-") or name in ("faults", "failures")]
"""Families of what goes wrong: parts of a line, that other words may stand around."""

CORE, ADAPTERS = (Path(module.__path__[0]) for module in (crm_core, crm_adapters))
SOURCES = {
    f"{folder.name}/{path.relative_to(folder)}": path
    for folder in (CORE, ADAPTERS)
    for path in sorted(folder.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}

HAN = re.compile(r"[\u3400-\u9fff]")
BLANK_BETWEEN_WORDS = re.compile(r"\S[ \n]\S")


def placeholders(text: str) -> list[tuple[str, str]]:
    """Name and form of each `{name:form}`, sorted."""
    return sorted((name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name)


# --- the files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sentence_is_there_in_both_languages_with_the_same_values(family: str) -> None:
    for code, texts in sentences(family).items():
        assert sorted(texts) == sorted(LANGS), code
        assert all(texts.values()), code
        zh, en = (placeholders(texts[lang]) for lang in ("zh", "en"))
        assert set(zh) == set(en), code


@pytest.mark.parametrize("family", FAMILIES)
def test_the_codes_of_a_family_are_sorted_and_one_a_line(family: str) -> None:
    text = (FOLDER / f"{family}.toml").read_text(encoding="utf-8")
    codes = list(tomllib.loads(text))
    assert codes == sorted(codes)
    assert sum(not line.startswith("#") for line in text.splitlines()) == len(codes)


@pytest.mark.parametrize("family", SAID)
def test_what_goes_wrong_is_told_in_a_part_of_a_line(family: str) -> None:
    """In English lower-case and without a full stop, in Chinese with Chinese words in it."""
    for code, texts in sentences(family).items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code), code
        assert all(" ".join(text.split()) == text for text in texts.values()), code
        start = texts["en"][0]
        assert start in "`{" or start.islower() or start.isdigit(), code
        assert not texts["en"].endswith("."), code
        assert not texts["zh"].endswith(("。", ".")), code
        assert HAN.search(texts["zh"]), code
        assert not HAN.search(texts["en"]), code


# --- the code ------------------------------------------------------------------------------------


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    found: type[Any]
    for found in kind.__subclasses__():
        yield found
        yield from subclasses(found)


FAILURES = {kind.__name__ for kind in subclasses(CrmError) if kind.__module__ == errors.__name__}
PLAIN = {name for name in FAILURES if getattr(errors, name).__init__ is CrmError.__init__}
"""Failures that are made of a sentence and its values."""

PLACED = {"UnreadableEvent": 2, "NotDelivered": 0, "Conflict": 3}
"""Where among their arguments others have the code of a sentence."""

MAKERS = {"CellFault", "Fault", "ImportFault", "Malformed", "PolicyFault", "Refusal"}
OF_FAULTS = {"_fault", "wrong"}


def called(call: ast.Call) -> str:
    """The name that is called; `Invalid.one` for a method of ours."""
    func = call.func
    if isinstance(func, ast.Attribute):
        owner = getattr(func.value, "id", "")
        return f"{owner}.{func.attr}" if owner[:1].isupper() else func.attr
    return getattr(func, "id", "")


def calls() -> Iterator[tuple[str, ast.Call]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, node


def tells(name: str, call: ast.Call) -> bool:
    """Whether a call makes something of which a person reads a sentence."""
    what = called(call)
    if what == "ValueError":
        return name.startswith("crm_core/")
    return (
        what in MAKERS | OF_FAULTS | FAILURES
        or what.endswith(".one")
        or what == "Fault.of"
        or (what == "__init__" and name == "crm_core/errors.py")
    )


def texts_in(node: ast.AST) -> Iterator[str]:
    """Texts that stand in an expression; the values of an f-string as `{}`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        if isinstance(inner, ast.JoinedStr):
            yield "".join(
                str(v.value) if isinstance(v, ast.Constant) else "{}" for v in inner.values
            )


def given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def test_the_walk_finds_sentences() -> None:
    """It is no use if it passes over what it looks for."""
    for text in (
        'Refusal("a", "PAY-01", f"`{x}` is wrong")', 'Fault("a", "x", {"why": "it is wrong"})',
        'Invalid.one("a", "it is wrong")', 'ValueError("no " + "such thing")',
        'StoreUnreachable(f"{x} does not answer")', 'wrong("a", "is missing")',
        'Malformed("a", why="is wrong" if x else "")',
    ):  # fmt: skip
        call = ast.parse(text).body[0].value  # type: ignore[attr-defined]
        assert tells("crm_core/x.py", call), text
        assert any(BLANK_BETWEEN_WORDS.search(t) for one in given(call) for t in texts_in(one)), (
            text
        )


def test_no_sentence_stands_in_the_code() -> None:
    found = [
        f"{name}:{call.lineno}: {text}"
        for name, call in calls()
        if tells(name, call)
        for argument in given(call)
        for text in texts_in(argument)
        if BLANK_BETWEEN_WORDS.search(text)
    ]
    assert not found, "\n".join(found)


class Use(NamedTuple):
    """A sentence that the code asks for.

    Args:
        at: Where.
        family: Its family; a pattern where that is only known when it runs.
        code: Its code, or a pattern of codes.
        values: Names of the values it gets; None where that is only known when it runs.
    """

    at: str
    family: str
    code: str
    values: set[str] | None


CONSTANTS = {
    (name, node.targets[0].id): node.value.value
    for name, tree in TREES.items()
    for node in tree.body
    if isinstance(node, ast.Assign)
    and isinstance(node.targets[0], ast.Name)
    and isinstance(node.value, ast.Constant)
    and isinstance(node.value.value, str)
}
"""Texts that have a name in a module."""


def rule_of(name: str, node: ast.expr | None) -> str:
    """The rule that refuses, where it stands in the module."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return CONSTANTS.get((name, node.id), "") if isinstance(node, ast.Name) else ""


def patterns(node: ast.expr | None) -> list[str]:
    """The texts that an expression can be, as patterns; none if nobody can say."""
    match node:
        case ast.Constant(value=str(text)):
            return [re.escape(text)]
        case ast.JoinedStr(values=values):
            whole = [
                re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".+" for v in values
            ]
            return ["".join(whole)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*patterns(body), *patterns(orelse)]
    return []


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[place] if place < len(call.args) else None


def keys_of(node: ast.expr | None) -> set[str] | None:
    if node is None:
        return set()
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        return {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
    return None


def named(call: ast.Call, *others: str) -> set[str] | None:
    """The values a call gives by name."""
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    return {str(keyword.arg) for keyword in call.keywords} - set(others)


def codes_of(call: ast.Call, place: int, name: str, code: ast.expr | None) -> list[str]:
    """The sentences of something with a code and perhaps a sentence."""
    sentence = argument(call, place, name)
    if sentence is None:
        return patterns(code)
    return [found or other for found in patterns(sentence) for other in patterns(code) or [""]]


def uses() -> Iterator[Use]:
    for name, call in calls():
        at, what = f"{name}:{call.lineno}", called(call)
        first = call.args[0] if call.args else None
        codes: list[str] = []
        family, values = "faults", None
        if what == "Refusal":
            rule = rule_of(name, argument(call, 1, "rule"))
            family = f"refused-{rule.partition('-')[0].lower()}" if rule else ""
            codes = codes_of(call, 3, "sentence", first)
            values = keys_of(argument(call, 2, "details"))
        elif what == "Fault":
            codes = codes_of(call, 3, "sentence", first)
            values = keys_of(argument(call, 2, "values"))
        elif what.endswith(".one"):
            codes = codes_of(call, 2, "sentence", first)
            values = named(call, "where", "sentence")
        elif what == "Malformed":
            codes, values = patterns(first), named(call)
        elif what == "wrong":
            codes, values = patterns(argument(call, 1, "")), named(call)
        elif what == "_fault" and name.endswith("files/reading.py"):
            codes, values = codes_of(call, 4, "sentence", argument(call, 3, "")), named(call)
        elif what in PLAIN or (what == "__init__" and name == "crm_core/errors.py"):
            family, codes, values = "failures", patterns(first), named(call)
        elif what in PLACED and not name.startswith("crm_core/testing"):
            # The rest are the names of foreign errors.
            found = patterns(argument(call, PLACED[what], ""))
            family, codes = "failures", [code for code in found if "_" in code or code.islower()]
        yield from (Use(at, family, code, values) for code in codes if code)


USES = list(uses())


def matching(use: Use) -> dict[str, Any]:
    """The sentences that may be meant."""
    families = [use.family] if use.family else [name for name in SAID if name.startswith("refused")]
    return {
        f"{family}: {code}": texts
        for family in families
        for code, texts in sentences(family).items()
        if re.fullmatch(use.code, code)
    }


def test_every_code_in_the_code_has_its_sentence() -> None:
    assert len(USES) > 300
    found = [f"{use.at}: {use.family} {use.code}" for use in USES if not matching(use)]
    assert not found, "\n".join(found)


FILLED_IN_LATER = {
    ("failures", "first"), ("failures", "more"), ("failures", "reason"), ("faults", "notifier"),
}  # fmt: skip
"""Values that whoever tells a sentence adds: errors of their own class, and `open_notifier`."""


def test_every_sentence_gets_the_values_that_it_shows() -> None:
    found = []
    for use in USES:
        if use.values is None or ".+" in use.code:
            continue
        for code, texts in matching(use).items():
            lacking = {name for name, _ in placeholders(texts["en"])} - use.values
            lacking = {one for one in lacking if (use.family, one) not in FILLED_IN_LATER}
            if lacking:
                found.append(f"{use.at}: {code} lacks {', '.join(sorted(lacking))}")
    assert not found, "\n".join(found)


def test_no_sentence_is_dead() -> None:
    """Each is asked for: by its code, or by one that is put together of known words."""
    texts = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # A refusal may have a sentence for each state: its code, and the name of the state.
    refusals = {
        call.args[0].value
        for _, call in calls()
        if len(call.args) > 1
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[1], ast.Constant)
        and re.fullmatch(r"[A-Z]+-\d\d", str(call.args[1].value))
    }
    words = texts | {
        node.name.lower()
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    built = {use.code for use in USES if re.search(r"[a-z]{3}", use.code)} | {
        pattern
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for pattern in patterns(node)
        if re.match(r"[a-z]{3}\w*_", pattern)
    }

    def is_asked_for(code: str) -> bool:
        parts = [(code[:at], code[at + 1 :]) for at, sign in enumerate(code) if sign == "_"]
        return (
            code in texts
            or any(re.fullmatch(pattern, code) for pattern in built)
            or any(first in refusals and second in words for first, second in parts)
        )

    found = [
        f"{family}: {code}"
        for family in SAID
        for code in sentences(family)
        if not is_asked_for(code)
    ]
    assert not found, "\n".join(found)


# --- filling in ----------------------------------------------------------------------------------


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A sentence of a family `test`, for a test."""

    def put(zh: str, en: str) -> None:
        known = sentences.__wrapped__
        texts = {"it": {"zh": zh, "en": en}}
        monkeypatch.setattr(
            "crm_core.kernel.sentences.sentences",
            lambda name: texts if name == "test" else known(name),
        )

    return put


def test_amounts_and_lists_are_shown_as_people_write_them(family: Callable[..., None]) -> None:
    family("{fen:yuan} 元：{names:list}", "{fen:yuan} yuan: {names:list}")
    values = {"fen": -5, "names": ("a", "b", 3)}
    assert say("test", "it", "en", **values) == "-0.05 yuan: a, b, 3"
    assert say("test", "it", "zh", **values) == "-0.05 元：a、b、3"
    assert say("test", "it", "en", fen="?", names="?") == "? yuan: ?"


def test_a_value_that_is_not_there_leaves_its_placeholder(family: Callable[..., None]) -> None:
    """A sentence with a gap is better than none, and the gap is seen."""
    family("{here}、{gone}、{fen:yuan}、{names:list}、{why:faults}", "{gone}")
    assert say("test", "it", "zh", here=1) == "1、{gone}、{fen}、{names}、{why}"


def test_values_are_not_looked_at_again(family: Callable[..., None]) -> None:
    """What somebody typed is no part of the sentence, and no attribute of it can be asked for."""
    family("`{x}`", "`{x}`")
    assert say("test", "it", "en", x="{y:yuan} {x.__class__}", y=1) == "`{y:yuan} {x.__class__}`"


def test_what_is_wrong_elsewhere_is_told_within_a_sentence(family: Callable[..., None]) -> None:
    family("政策有误：{why:faults}", "the policy is faulty: {why:faults}")
    with pytest.raises(PolicyFault) as raised:
        GradingPolicy.parse("colour = 1")
    why = raised.value.within()
    assert say("test", "it", "en", why=why) == f"the policy is faulty: {raised.value}"
    assert say("test", "it", "zh", why=why) == f"政策有误：{raised.value.told('zh')}"
    assert "kind: is missing; " in str(raised.value)
    assert "kind: 缺少这一项；" in raised.value.told("zh")
    one = [Malformed("date_form").within("a.b")]
    assert say("test", "it", "zh", why=one) == "政策有误：a.b: 日期须写成 `YYYY-MM-DD`"


def test_a_code_without_a_sentence_is_told_itself() -> None:
    """A host's own reason is still a word, and nothing fails over it."""
    assert say("faults", "a_word_of_the_hosts") == "a word of the hosts"
    assert say("no-such-family", "of_the_host", "zh") == "of the host"
    assert Refusal("of_the_host", "OWN-99").message == "of the host"


def test_the_sentence_is_that_of_the_code_unless_it_has_another() -> None:
    assert Fault("household_unknown", "x", {"household": "V1"}).told("en") == (
        "x: household `V1` has no file"
    )
    assert Fault("amount_malformed", sentence="yuan_form").message.startswith("an amount is yuan")
    assert Fault.of("id_malformed", Malformed("id_form", most=64), "y").told("zh") == (
        "y: 编号须为 1 至 64 个字母、数字、汉字或 `. _ : # -`，并以字母、数字或汉字开头"
    )
    assert Invalid.one("zone_unknown", "--zone", zone="Moon").told("zh") == (
        "--zone: 没有 `Moon` 这个时区"
    )
