"""Samples taken in turns, medians, ratios, and the lines of the table."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from workers import environment

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Args:
        row: Id of the goal's row.
        work: What was done.
        ours: Our figure.
        rival: Beside whom.
        theirs: The rival's figure.
        ratio: How many times the rival's rate ours is, with its smallest and largest sample.
        goal: What was promised; empty where the line only informs.
        reached: Whether the median reached it; None without a goal.
    """

    row: str
    work: str
    ours: str
    rival: str = ""
    theirs: str = ""
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Spread:
    """A median with its extremes."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def times(self) -> str:
        """As a ratio."""
        return f"{self.middle:.2f} ({self.low:.2f}–{self.high:.2f})"

    def share(self) -> str:
        """As a percentage."""
        return f"{self.middle:.1%} ({self.low:.1%}–{self.high:.1%})"

    def seconds(self) -> str:
        return f"{self.middle:.2f} s ({self.low:.2f}–{self.high:.2f})"

    def milliseconds(self) -> str:
        return f"{self.middle * 1000:.0f} ms ({self.low * 1000:.0f}–{self.high * 1000:.0f})"

    def megabytes(self) -> str:
        return f"{self.high:.0f} MB"


Sample = Callable[[], float]
Samples = dict[str, list[float]]


def interleave(contenders: Mapping[str, Sample], rounds: int, warm_up: int = 1) -> Samples:
    """Sample all contenders in turns, so that a slow minute is slow for everybody.

    The order changes from round to round: nobody always comes after the same other.
    """
    taken: Samples = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-warm_up, rounds):
        turn = number % len(names)
        order = names[turn:] + names[:turn]
        for name in order if number % 2 else reversed(order):
            seconds = contenders[name]()
            if number >= 0:
                taken[name].append(seconds)
    return taken


def ratios(samples: Samples, rival: str, ours: str) -> Spread:
    """How many times faster ours is, from the samples of the same round."""
    return Spread.of([b / a for a, b in zip(samples[ours], samples[rival], strict=True)])


def rate(seconds: Sequence[float], events: int) -> str:
    """Events a second at the median."""
    return f"{events / median(seconds):,.0f}/s"


@dataclass(frozen=True)
class Ran:
    """A command that was run to its end."""

    seconds: float
    megabytes: float
    output: str


def run_command(arguments: Sequence[str], folder: Path, status: int = 0) -> Ran:
    """Run a command; wall time from start to end, and the most memory it ever held.

    A child begins with the peak of the process that starts it, so this process stays small.

    Args:
        status: With which it has to end.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = perf_counter()
        process = subprocess.Popen(
            arguments, stdout=output, stderr=errors, cwd=folder, env=environment()
        )
        _, ended, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(ended)
        output.seek(0)
        errors.seek(0)
        text = output.read().decode()
        if process.returncode != status:
            raise RuntimeError((errors.read().decode() or text).strip()[-500:])
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(seconds, usage.ru_maxrss * unit / MEGABYTE, text)


def processor_seconds(arguments: Sequence[str], folder: Path, seconds: float) -> float:
    """Processor time of a command that is told to end after so many seconds.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=output, cwd=folder, env=environment()
        )
        sleep(seconds)
        process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode().strip()[-500:])
    return usage.ru_utime + usage.ru_stime


HEADER = ("row", "work", "crm-core", "beside", "theirs", "ratio (min–max)", "goal", "")


def table(lines: Sequence[Line]) -> str:
    """The table, readable as it is and as Markdown."""
    verdict = {True: "reached", False: "**not reached**", None: ""}
    cells = [
        (
            line.row,
            line.work,
            line.ours,
            line.rival,
            line.theirs,
            line.ratio,
            line.goal,
            verdict[line.reached],
        )
        for line in lines
    ]
    widths = [max(len(row[i]) for row in (HEADER, *cells)) for i in range(len(HEADER))]

    def row(values: Sequence[str]) -> str:
        padded = (value.ljust(width) for value, width in zip(values, widths, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([row(HEADER), rule, *(row(line) for line in cells)])
