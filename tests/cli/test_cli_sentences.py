"""What the command line says stands in the catalogue, in both languages, and nowhere else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import click
import pytest

from crm_adapters import cli
from crm_adapters.cli.acts import acts
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.app import run
from crm_adapters.cli.commands import COMMANDS
from crm_adapters.cli.helping import Told
from crm_adapters.cli.language import ACTS, COLUMNS, HELP, MESSAGES, WORDS, language_asked
from crm_core.kernel.sentences import LANGS, sentences

FAMILIES = (ACTS, COLUMNS, HELP, MESSAGES, WORDS)
FILES = sorted(Path(cli.__file__).parent.glob("*.py"))
TREES = {file.name: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}

TELLING = {
    "_bad", "echo", "print", "write", "fail", "progress", "secho", "section", "write_paragraph",
    "write_text", "BadParameter", "ClickException", "UsageError", "ValueError", "SystemExit",
}  # fmt: skip
"""What shows people whatever it is given; so does `out.say`, but `say` itself takes a code."""

TOLD_BY_CODE = {"act_told", "column", "encode", "get", "getattr", "help_of", "say", "word"}
CODES = re.compile(r"\[[^\]]*\]|\bcrm:")
WORDY = re.compile(r"[A-Za-z]{2}|[\u3400-\u9fff]")
CJK = re.compile(r"[\u3400-\u9fff]")


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def calls() -> Iterator[tuple[str, ast.Call]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, node


def literals(node: ast.AST) -> Iterator[str]:
    """Texts that an expression shows as they stand there: no codes, keys or comparisons."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in values)
            for value in values:
                if isinstance(value, ast.FormattedValue):
                    yield from literals(value.value)
        case ast.Call() if called(node) in TOLD_BY_CODE and not is_output(node):
            return
        case ast.Subscript(value=value) | ast.Attribute(value=value):
            yield from literals(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from literals(body)
            yield from literals(orelse)
        case ast.Compare() | ast.Lambda():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from literals(child)


def is_output(call: ast.Call) -> bool:
    """Whether it is `out.say`, which shows what it is given, rather than `say`, which asks."""
    if called(call) != "say" or not isinstance(call.func, ast.Attribute):
        return False
    return getattr(call.func.value, "id", "") != "sentences"


def is_sentence(text: str) -> bool:
    return WORDY.search(CODES.sub("", text)) is not None


def test_the_walker_finds_sentences() -> None:
    """It is no use if it passes over what it looks for."""
    for wrong in (
        'out.print("done")', 'out.say(f"{n} events")', 'self.fail(f"`{v}` is wrong", p, c)',
        'out.print("all" if x else "none")', 'raise click.UsageError("no " + name)',
        'out.print(f"{say(1)} 完成")',
    ):  # fmt: skip
        [call] = [n for n in ast.walk(ast.parse(wrong)) if isinstance(n, ast.Call)][:1]
        assert any(is_sentence(text) for arg in call.args for text in literals(arg)), wrong
    for right in (
        'out.print(say("done", n=row["events"]))', '_bad(f"{x} [{code} usage_wrong]")',
        'out.print(f"{a}: {b}")', 'out.print("" if x == "credit" else word("layer", x))',
    ):  # fmt: skip
        [call, *_] = [n for n in ast.walk(ast.parse(right)) if isinstance(n, ast.Call)]
        assert not any(is_sentence(text) for arg in call.args for text in literals(arg)), right


def test_nothing_that_people_read_stands_in_the_code() -> None:
    """Neither what is printed, nor what is wrong, nor help."""
    found = [
        f"{name}:{call.lineno}: {text}"
        for name, call in calls()
        if called(call) in TELLING or is_output(call)
        for argument in call.args
        for text in literals(argument)
        if is_sentence(text)
    ]
    found += [
        f"{name}:{call.lineno}: {keyword.arg}"
        for name, call in calls()
        for keyword in call.keywords
        if keyword.arg in ("epilog", "help", "short_help", "deprecated")
    ]
    assert not found, "\n".join(found)


def test_errors_of_the_command_line_are_codes() -> None:
    """`Invalid.one(code, place, sentence)`: none of them is a sentence."""
    for name, call in calls():
        if called(call) in ("one", "Fault", "Failed"):
            for argument in call.args:
                for text in literals(argument):
                    assert " " not in text.strip(), f"{name}:{call.lineno}: {text}"


# --- the catalogue and the code ------------------------------------------------------------------


def codes_said() -> Iterator[tuple[str, ast.Call, list[str]]]:
    """Each call of `say`, and the codes that it may say."""
    for name, call in calls():
        if getattr(call.func, "id", "") == "say":
            yield name, call, [*literals(call.args[0])]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_code_is_in_the_catalogue_and_every_sentence_is_said() -> None:
    texts = sentences(MESSAGES)
    said: set[str] = set()
    for name, call, codes in codes_said():
        for code in codes:
            fits = re.compile(re.escape(code).replace(r"\{\}", ".+"))
            found = {one for one in texts if fits.fullmatch(one)}
            assert found, f"{name}:{call.lineno}: {code}"
            said |= found
    # Codes that a variable holds stand somewhere as they are.
    everywhere = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not set(texts) - said - everywhere


def test_what_a_sentence_shows_is_given_to_it() -> None:
    texts = sentences(MESSAGES)
    for name, call, codes in codes_said():
        given = {keyword.arg for keyword in call.keywords}
        if None not in given:
            for code in codes:
                for lang, text in texts.get(code, {}).items():
                    assert placeholders(text) <= given, f"{name}:{call.lineno}: {code} {lang}"


def test_headings_of_tables_are_in_the_catalogue() -> None:
    for name, call in calls():
        if called(call) == "table":
            for code in literals(call.args[0]):
                known = code in ("", "_fen") or code in sentences(COLUMNS)
                assert known, f"{name}:{call.lineno}: {code}"


@pytest.mark.parametrize("family", FAMILIES)
def test_both_languages_say_the_same(family: str) -> None:
    """Filled with the same values; Chinese in Chinese, English without it; sorted by code."""
    texts = sentences(family)
    assert texts
    assert [*texts] == sorted(texts)
    for code, by_lang in texts.items():
        assert set(by_lang) == set(LANGS), code
        zh, en = by_lang["zh"], by_lang["en"]
        assert placeholders(zh) == placeholders(en), code
        assert not CJK.search(en.replace("信用等级表", "")), code
        # What has words of its own, and not only names and values, has them in Chinese.
        own = re.sub(r"\{[^}]*\}|`[^`]*`", "", en)
        assert CJK.search(zh) or not re.search("[a-z]{2}", own), code
        if family in (ACTS, HELP):
            assert zh.endswith(("。", "）")), code
            assert en.endswith((".", ")")), code
        elif code != "who_may":
            assert not zh.endswith("。"), code
            assert not en.endswith((".", "。")) or code == "lines_shortly", code


# --- help ----------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Told]]:
    """Every command by its path, but for the single acts."""
    assert isinstance(command_line, click.Group)
    context = click.Context(command_line)
    for name in COMMANDS:
        command = command_line.get_command(context, name)
        assert isinstance(command, Told)
        yield name, command
        if isinstance(command, click.Group):
            for inner, sub in command.commands.items():
                assert isinstance(sub, Told)
                yield f"{name} {inner}", sub


def test_every_command_and_option_has_help_and_there_is_no_other() -> None:
    texts = sentences(HELP)
    used = {"crm", "do -", "do -:more", "do.concerns", "do.id", "*.help"}
    for path, command in [*commands(), ("", command_line)]:
        if path:
            assert path in texts
            used |= {path, f"{path}:more"} & {*texts}
        for option in (*command.params, *Told.behind):
            if isinstance(option, click.Option):
                name = max(option.opts, key=len).lstrip("-")
                own, common = f"{path}.{name}", f"*.{name}"
                assert {own, common} & {*texts}, own
                used.add(own if own in texts else common)
    assert used == {*texts}


def test_every_act_is_told() -> None:
    assert {*sentences(ACTS)} == {*acts()}


@pytest.mark.parametrize("lang", LANGS)
def test_help_is_in_the_language_asked_for(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is asked for; every line of it but names and what is typed."""
    other = {"zh": "en", "en": "zh"}[lang]
    shown = {"en": ("Usage:", "Options:"), "zh": ("用法：", "选项：")}
    for words in ("", "explain", "policy", "policy draft", "do", "do raise-charge", "do -"):
        line = words.split()
        for options in (["--lang", lang, *line, "--help"], [*line, f"--lang={lang}", "--help"]):
            assert run(options) == 0
            out = capsys.readouterr().out
            assert all(title in out for title in shown[lang])
            assert not any(title in out for title in shown[other])


SAID = [
    ("verify --nonsense", "there is no option `--nonsense`", "没有选项 `--nonsense`"),
    ("verify --fromat json", "there is --format", "相近的有：--format"),
    ("explian H1 2024", "there is explain", "相近的有：explain"),
    ("nonsense", "there is no command `nonsense`", "没有命令 `nonsense`"),
    ("verify one two", "`one, two`", "`one、two`"),
    ("credit", "--on is missing", "缺少 --on"),
    ("explain H1", "YEAR is missing", "缺少 年度"),
    ("credit --on", "option `--on` takes one value", "选项 `--on` 后面须有一个值"),
    ("grade 2O24", "a year is written like `2011`", "年度写作 `2011`"),
    ("verify --format xml", "is not one of table, json", "不是下列之一：table、json"),
    ("verify --format tabel", "did you mean table?", "是指 table 吗？"),
    ("generate --out x --seed pi", "`pi` is no whole number", "`pi` 不是整数"),
    ("work --poll 0", "`0` is out of range", "`0` 超出范围"),
    ("verify --as boss:1", "there is no role `boss`", "没有角色 `boss`"),
    ("policy frobnicate", "there is no command `frobnicate`", "没有命令 `frobnicate`"),
    ("do raise-charg", "there is raise-charge", "相近的有：raise-charge"),
]


@pytest.mark.parametrize(("line", "en", "zh"), SAID, ids=[line for line, _, _ in SAID])
def test_what_is_wrong_with_a_line_is_said_in_both_languages(
    line: str, en: str, zh: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for lang, words in (("en", en), ("zh", zh)):
        assert run(["--lang", lang, *line.split()]) == 2
        err = capsys.readouterr().err
        assert words in err
        assert err.endswith("[CRM-I001 usage_wrong]\n")
        assert (CJK.search(err) is not None) is (lang == "zh")


# --- which language ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN", "LANG": "en_US"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "CRM_LANG": "en"}, "en"),
        ({"LANG": "en_GB", "CRM_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN", "CRM_LANG": "la"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_system_unless_another_is_asked_for(
    environment: dict[str, str], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "CRM_LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_asked(["verify"]) == lang
    assert language_asked(["verify", "--lang", "zh"]) == "zh"
    assert language_asked(["--lang=en", "verify"]) == "en"
    assert language_asked(["verify", "--lang"]) == lang


def test_results_for_machines_are_the_same_in_any_language(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = []
    for lang in LANGS:
        assert run(["--lang", lang, "--format", "json", "do", "--list"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
