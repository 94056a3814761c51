"""Shifts (班次): the working time of a day, and why a day has it."""

from __future__ import annotations

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen
from crm_core.kernel.wall_clock import DAY

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@frozen(order=True)
class Shift:
    """Working time of a day, from `start` up to and without `end`.

    Args:
        start: Seconds of the wall clock after midnight.
        end: The same; above 86,400 it lies on the day after.
    """

    start: int
    end: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.start < DAY or not self.start < self.end <= self.start + DAY:
            raise Malformed("shift_form")

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end if self.end <= DAY else self.end - DAY)}"


Shifts = tuple[Shift, ...]

Hours = tuple[Shifts, str, str]
"""Shifts of a day, why they count, and why the rest of it does not."""

REGULAR, OWN = "working hours", "hours of that day"
OUTSIDE, FREE = "outside working hours", "no working day"


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    text = f"{hours:02}:{rest // 60:02}"
    return f"{text}:{rest % 60:02}" if rest % 60 else text
