"""Results on standard output, for people or machines; messages and progress beside it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import attrs

from crm_adapters.cli.language import column, field_told, say, why_withheld
from crm_adapters.cli.shown import cell, in_estate, told_value
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import PersonalValue, Sealed, Withheld
from crm_core.kernel.values import define

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_AFTER_SECONDS = 1.0

INPUT_SHOWN = 100
"""Characters of an input that an error repeats."""

_INPUT = re.compile(r"`([^`]*)`|(?<!\w)'([^']*)'")


@define
class Output:
    """Where results go.

    Args:
        json: Machine-readable results, and nothing else, on standard output.
    """

    json: bool = False

    def result(self, data: Any, show: Callable[[], None], *, partly: bool = False) -> None:
        """Print the result: as JSON, or as `show` prints it.

        Args:
            partly: Whether `show` prints it also where something is withheld.
        """
        try:
            if self.json:
                _write_json(data)
            elif not partly and withheld(data):
                # What is shown of it does not fill the tables that are drawn of all of it.
                self.rest(data)
            else:
                show()
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone, as `head` does. The work is done and its status stands.
            _drop_output()
        except OSError as error:
            raise _unwritten(error) from error

    def rest(self, data: Any) -> None:
        """What is left of a result of which something is withheld, a line for each part of it."""
        for row in data if isinstance(data, list | tuple) else [data]:
            for line in _told(row, "", ""):
                self.print(line)
            self.print()

    def line(self, data: Any) -> None:
        """One of many results, as a line of JSON, at once.

        Raises:
            Invalid: nobody takes it; what it tells of is done.
        """
        try:
            _write_json(data)
            sys.stdout.flush()
        except OSError as error:
            raise _unwritten(error) from error

    def print(self, text: str = "") -> None:
        """A line of a result for people."""
        _write(in_estate(text) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people; columns of numbers to the right.

        A narrow terminal cuts the last column short, and no other.

        Args:
            columns: Codes of the headings in `cli-columns` of the catalogue.
        """
        from crm_adapters.cli.drawing import table_text  # Help and JSON need nothing drawn.

        shown = [[cell(one) for one in row] for row in rows]
        _write(table_text([*map(column, columns)], shown, terminal=sys.stdout.isatty()))

    def say(self, text: str) -> None:
        """A message beside the result, on standard error."""
        sys.stderr.write(one_line(in_estate(text)) + "\n")

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar with rate and time left on standard error, after one second of work.

        Args:
            total: How much there is to do, or about that; None where nobody can say.
        """
        started = monotonic()
        done = 0
        bar: Progress | None = None
        task: Any = None

        def advance(count: int) -> None:
            nonlocal done, bar, task
            done += count
            if bar is None and monotonic() - started >= PROGRESS_AFTER_SECONDS:
                from crm_adapters.cli.drawing import progress_bar

                bar = progress_bar()
                task = bar.add_task(what, total=total, completed=done, rate="")
                bar.start()
            if bar is not None and (done % 500 < count or done == total):
                rate = say("rate", count=f"{done / (monotonic() - started):,.0f}")
                most = None if total is None else max(total, done)
                bar.update(task, completed=done, total=most, rate=rate)

        try:
            yield advance
        finally:
            if bar is not None:
                bar.stop()


def _drop_output() -> None:
    """What is still buffered must not fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritten(error: OSError) -> Invalid:
    _drop_output()
    return Invalid.one("output_unusable", why=error.strerror)


def one_line(text: str) -> str:
    """The text in one line that a terminal only shows: what was typed can hold anything."""
    short = _INPUT.sub(_shortened, text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def _shortened(found: re.Match[str]) -> str:
    said = found[1] or found[2] or ""
    return found[0] if len(said) <= INPUT_SHOWN else f"`{said[:INPUT_SHOWN]}…`"


def _write(text: str) -> None:
    """To standard output; characters its encoding does not have are replaced."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _write_json(data: Any) -> None:
    """One line; with escapes where the encoding of standard output does not have a character."""
    try:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, default=_plain) + "\n")
    except UnicodeEncodeError:
        sys.stdout.write(json.dumps(data, default=_plain) + "\n")


def withheld(value: Any) -> bool:
    """Whether something in it is withheld, however deep."""
    if isinstance(value, Withheld):
        return True
    if isinstance(value, dict):
        return any(map(withheld, value.values()))
    if isinstance(value, list | tuple):
        return any(map(withheld, value))
    return attrs.has(type(value)) and any(
        withheld(getattr(value, field.name)) for field in attrs.fields(type(value))
    )


def as_row(value: Any) -> dict[str, Any]:
    """A value with fields as plain data; what is withheld of it stays what it is."""
    return {field.name: _data(getattr(value, field.name)) for field in attrs.fields(type(value))}


def _data(value: Any) -> Any:
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(map(_data, value))
    if isinstance(value, dict):
        return {key: _data(one) for key, one in value.items()}
    if attrs.has(type(value)) and not isinstance(value, Withheld | PersonalValue):
        return as_row(value)
    return value


def _told(value: Any, name: str, told: str) -> Iterator[str]:
    """What is shown, each value behind the heading of its column, and why another is not."""
    if isinstance(value, dict):
        for key, one in value.items():
            head = field_told(str(key))
            yield from _told(one, str(key), say("within", whole=told, part=head) if told else head)
    elif isinstance(value, list | tuple) and any(isinstance(one, dict | list) for one in value):
        for number, one in enumerate(value, 1):
            yield from _told(one, name, say("nth", what=told, number=number))
    elif isinstance(value, Withheld):
        yield say("named_value", name=told, value=why_withheld(value))
    elif value not in (None, "", [], ()):
        yield say("named_value", name=told, value=told_value(name, value))


def _plain(value: Any) -> Any:
    if isinstance(value, Withheld):
        return {"withheld": value.reason}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Sealed):
        return {"subject": value.subject, "token": value.token}
    raise TypeError(f"`{type(value).__name__}` cannot be printed")
