"""The urn of a log in a file of its own, which is neither the log nor the keys (SUR-02, 0063).

The file is written anew and whole whenever a slip or an answer comes to it, sorted, so that it
shows which slips are open and what was answered, and not what came when. Once a survey was counted
nothing of it is left there. No backup has it in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from attrs import evolve

from crm_adapters.outputs import written_whole
from crm_core.application.urns import Lying, read, written
from crm_core.errors import StoreUnreachable
from crm_core.ports import Urn

T = TypeVar("T")

SLIP_BYTES = 12
"""Of chance in a slip: 96 bits, in 24 letters and digits."""


class FileUrns:
    """In a file, readable and writable by its owner only; it is made with the first slip.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def issue(self, survey: str, number: int = 1) -> Sequence[str]:
        slips = tuple(token_hex(SLIP_BYTES) for _ in range(number))
        self._change(survey, lambda lying: (lying.issued(slips), None))
        return slips

    def withdraw(self, survey: str, slips: Collection[str]) -> None:
        self._change(survey, lambda lying: (lying.without(slips), None))

    def cast(self, survey: str, filled: Sequence[tuple[str, Sequence[str]]]) -> Sequence[int]:
        def cast(lying: Lying) -> tuple[Lying, list[int]]:
            strange = lying.strange([slip for slip, _ in filled])
            return (lying if strange else lying.cast(filled)), strange

        return self._change(survey, cast)

    def surveys(self) -> Sequence[str]:
        with self._errors():
            return sorted(self._read()[1])

    def emptied(self, survey: str) -> Urn | None:
        if survey not in self.surveys():
            return None
        name = ""

        def seal(lying: Lying) -> tuple[Lying, Lying]:
            sealed = evolve(lying, sealed=True)
            return sealed, sealed

        lying = self._change(survey, seal)
        with self._errors():
            name, _ = self._read()
        return Urn(name, lying.said, len(lying.slips))

    def destroy(self, survey: str) -> None:
        with self._errors(), self._turn():
            name, found = self._read()
            if found.pop(survey, None) is not None:
                self._write(name, found)

    # --- the file --------------------------------------------------------------------------

    def _change(self, survey: str, change: Callable[[Lying], tuple[Lying, T]]) -> T:
        with self._errors(), self._turn():
            name, found = self._read()
            before = found.get(survey, Lying())
            after, answer = change(before)
            if after != before:
                found.pop(survey, None)
                self._write(name, found if after.empty else {**found, survey: after})
            return answer

    def _read(self) -> tuple[str, dict[str, Lying]]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return f"urn-{token_hex(8)}", {}
        data: dict[str, Any] = json.loads(content)
        return data["urn"], read(data["surveys"])

    def _write(self, name: str, found: dict[str, Lying]) -> None:
        content = json.dumps({"surveys": written(found), "urn": name}, ensure_ascii=False)
        written_whole(self.path, content.encode(), private=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open(self.path.with_name(f"{self.path.name}-turn"), flags, 0o600)
        try:
            flock(number, LOCK_EX)
            yield
        finally:
            os.close(number)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = {"file": str(self.path), "reason": (error.strerror or str(error)).lower()}
            raise StoreUnreachable("urn_unusable", **told) from error
        except (ValueError, LookupError, TypeError) as error:
            # What is in it is nobody's business, so the error does not say it.
            told = {"file": str(self.path), "reason": type(error).__name__.lower()}
            raise StoreUnreachable("urn_unusable", **told) from None
