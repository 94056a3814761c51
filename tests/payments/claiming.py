"""The word of a household, what it says of a charge, and how refusals are found and told."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from paying import day

from crm_core.kernel.decider import Refusal
from crm_core.kernel.sentences import LANGS, sentences
from crm_core.kernel.word import Word
from crm_core.owners.commands import owner_id
from crm_core.payments.events import ChargeDisputed, DisputeDecided, Instalment

WORD = Word(owner_id("V1"), "letter", "letter 3")


def parts(*told: tuple[str, int]) -> tuple[Instalment, ...]:
    return tuple(Instalment(fen, day(due)) for due, fen in told)


TWO = parts(("2011-03-31", 40_00), ("2011-04-30", 60_00))


def disputed(
    number: str = "D1", charge: str = "C1", fen: int = 100_00, on: str = "2011-03-01"
) -> ChargeDisputed:
    return ChargeDisputed(number, charge, fen, day(on), "no lift", WORD)


def decided(number: str = "D1", upheld: int = 0, on: str = "2011-04-10") -> DisputeDecided:
    return DisputeDecided(number, upheld, day(on), "looked at", "S1", "M1")


def refusal_codes(*modules: Any) -> set[str]:
    """Codes read from the source; `{what}_exists` stands for a code of any beginning."""
    codes = set()
    for node in (node for module in modules for node in ast.walk(parsed(module))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal":
            code = node.args[0]
            if isinstance(code, ast.JoinedStr):
                told = (str(getattr(part, "value", "")) for part in code.values)
                codes.add("".join(t if t.startswith("_") or t.endswith("_") else "*" for t in told))
            else:
                codes.add(str(ast.literal_eval(code)))
    return codes


def parsed(module: Any) -> ast.Module:
    return ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))


def assert_told(refusal: Refusal) -> None:
    """The catalogue has its sentence, and the refusal all that the sentence shows."""
    family = refusal.rule.partition("-")[0].lower()
    texts = sentences(f"refused-{family}")[refusal.sentence or refusal.code]
    for lang in LANGS:
        told = refusal.told(lang)
        assert not {"{", "}"} & {*told}
        assert bool(re.search(r"[\u4e00-\u9fff]", texts[lang])) == (lang == "zh")
