"""Spoils sound inputs of every reader: only errors with a code may come out, and none hangs.

`python tests/fuzz/fuzzing.py SECONDS [READER...]` spoils for so many seconds each; what did worse
than being refused is printed with its bytes, and ends the run with 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same inputs in every run

from crm_core.errors import CrmError
from crm_core.kernel.policy import PolicyFault
from fuzz.readers import Reader, readers

SECONDS_MAX = 5.0
"""A reader that takes longer for one small input hangs."""

WORDS = [
    b"", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n\n", b'"', b"'", b"[",
    b"]", b"{", b"}", b"[[", b"{}", b"[]", b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"inf",
    b"99999999999999999999999", b"0x10", b"1_0", b"-0", b"2024-02-30", b"0000-00-00", b"9999-12-31",
    b"0001-01-01", b"24:00", b"1979-05-27T07:32:00Z", b"=1+1", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80",
    b"\\ud800", b"[" * 300, b"a.b", b"# x", b",", b";", b"\t", b"\x1e", b"\xc2\xa0", b" " * 50,
]  # fmt: skip


def spoiled(chance: Random, sample: bytes, others: tuple[bytes, ...]) -> bytes:
    """A sample with one to four small changes, by bytes, by words or by lines."""
    content = bytearray(sample)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(content) + 1)
        to = min(len(content), at + chance.choice((0, 1, 1, 2, 4, 8, 30, 200)))
        match chance.randrange(8):
            case 0 if content:
                content[min(at, len(content) - 1)] ^= 1 << chance.randrange(8)
            case 1:
                del content[at:to]
            case 2:
                content[at:to] = chance.choice(WORDS)
            case 3:
                content[at:at] = content[at:to] * chance.choice((1, 2, 50))
            case 4:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                content[at:to] = other[start : start + chance.choice((4, 30, 200))]
            case 5:  # a word between what parts words
                _swap_word(chance, content)
            case 6:
                lines = bytes(content).splitlines(keepends=True)
                if lines:
                    moved = lines.pop(chance.randrange(len(lines)))
                    if chance.random() < 0.5:
                        lines.insert(chance.randrange(len(lines) + 1), moved)
                content = bytearray(b"".join(lines))
            case _:
                del content[at:]
    return bytes(content)


def _swap_word(chance: Random, content: bytearray) -> None:
    parting = b' ",=[]{}:\n\t'
    ends = [-1, *(i for i, byte in enumerate(content) if byte in parting), len(content)]
    which = chance.randrange(len(ends) - 1)
    content[ends[which] + 1 : ends[which + 1]] = chance.choice(WORDS)


def inputs(reader: Reader, seed: int) -> Iterator[bytes]:
    """Without end, the same for each seed."""
    for number in count():
        chance = Random(f"{seed}/{number}")
        yield spoiled(chance, chance.choice(reader.samples), reader.samples)


def wrong(reader: Reader, content: bytes) -> str | None:
    """What is wrong with how bytes were read, or None."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        try:
            reader.read(content, Path(name))
        except (CrmError, PolicyFault) as error:
            if isinstance(error, CrmError) and not error.code:
                return "an error without a code"
        except Exception:  # noqa: BLE001 - that is what is looked for
            return traceback.format_exc()
    took = time.process_time() - began
    return f"took {took:.0f} s" if took > SECONDS_MAX else None


def main(seconds: str, *names: str) -> int:
    failed = 0
    for name, reader in readers().items():
        if names and name not in names:
            continue
        end = time.monotonic() + float(seconds)
        seen, found = 0, set()
        for content in inputs(reader, 1):
            if time.monotonic() > end:
                break
            seen += 1
            told = wrong(reader, content)
            if told is not None:
                last = "\n".join(told.strip().splitlines()[-5:])
                if last not in found:
                    print(f"{name}: {content[:3000]!r}\n{told[-2500:]}")
                found.add(last)
        print(f"{name}: {seen} inputs, {len(found)} faults", flush=True)
        failed += len(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
