"""Compare many lives with the library, and tell each kind of difference with its shortest life.

python -m slow FIRST LAST [--without KIND ...] [--doubts] [--office]
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict

from slow.calendar import A_DAY, OFFICE, SHIPPED
from slow.comparing import compared
from slow.life import life_of, told
from slow.model import KINDS, Life

_MARKS = ((r"entry \d+ ", "entry "), (r"\d\d-\d\d \d\d:\d\d:\d\d", "T"), (r"\d+", "N"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="slow", description=__doc__)
    parser.add_argument("first", type=int, help="seed of the first life")
    parser.add_argument("last", type=int, help="seed after the last one")
    parser.add_argument(
        "--without", nargs="*", default=[], choices=KINDS, help="pass over lives with these"
    )
    parser.add_argument("--doubts", action="store_true", help="what the rules leave open as well")
    parser.add_argument("--office", action="store_true", help="work in office hours")
    asked = parser.parse_args()
    rules = OFFICE if asked.office else SHIPPED
    found: dict[str, list[tuple[int, int, str, Life]]] = defaultdict(list)
    lived = differ = 0
    for seed in range(asked.first, asked.last):
        life = life_of(seed, rules)
        if any(entry.kind in asked.without for entry in life):
            continue
        ticks = [number for number in range(len(life)) if (seed + number) % 2]
        now = life[-1].at + 5 * A_DAY
        lines = compared(life, now, rules, ticks, doubts=asked.doubts)
        lived, differ = lived + 1, differ + bool(lines)
        for line in lines:
            found[_kind(line)].append((len(life), seed, line, life))
    print(f"{lived} lives, of {differ} the library and the model say different things")
    for kind, lives in sorted(found.items(), key=lambda item: -len(item[1])):
        _, seed, line, life = min(lives)
        print(f"\n{len(lives)} times {kind}\n  seed {seed}: {line}")
        print("\n".join(f"    {entry}" for entry in told(life).splitlines()))


def _kind(line: str) -> str:
    for pattern, mark in _MARKS:
        line = re.sub(pattern, mark, line)
    return line


main()
