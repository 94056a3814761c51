"""A list of households on its way out as a table: which columns somebody may take (PRV-01, PRV-10).

What is decided is decided for a whole column: a list is no case in hand and nobody's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from crm_core.application.looking import PAGE, QUIET, Look
from crm_core.errors import Invalid, Refused
from crm_core.kernel.access import IDENTIFYING, is_personal, leads
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.values import frozen

R = TypeVar("R")

_ONE_BY_ONE = ("name", "contact")
"""Classes of values that are opened, and their reads written down, each by itself."""


@frozen
class Listing:
    """What somebody may take of a list.

    Args:
        columns: Those that they may take.
        withheld: The others, each with its reason: one of `kernel.access.REASONS`.
        leads: Of those they may take the ones that lead to the door or the person, that people
            typed, or whose reading is one of personal data: with any of them the list leaves as
            `Privacy.leaving` says.
    """

    columns: tuple[str, ...]
    withheld: Mapping[str, str]
    leads: tuple[str, ...]
    _look: Look
    _logged: tuple[str, ...]
    _denied: Mapping[str, str]

    def check_whole(self) -> None:
        """That nothing of it is withheld.

        Raises:
            Refused: something is, and why.
        """
        for name, reason in self.withheld.items():
            self._look.deny((name,), reason, "")
            raise Refused(self._look.refusal(reason))

    def each(self, rows: Iterable[R], household: Callable[[R], str]) -> Iterator[R]:
        """The rows, page by page: of each the reads are written before it is handed out (PRV-06).

        Args:
            household: Whose a row is.

        Raises:
            Failed: the read log cannot be written, so nothing more is shown.
            Refused: they may not see it any more.
        """
        for reason in sorted(set(self._denied.values())):
            self._look.deny([n for n, why in self._denied.items() if why == reason], reason, "")
        left, first = iter(rows), True
        while page := list(islice(left, PAGE)):
            if not first:
                self._look.ask_anew()
            first = False
            if self._logged:
                if self._look.lacking:
                    self._look.deny(self._logged, self._look.lacking, "")
                    raise Refused(self._look.refusal(self._look.lacking))
                self._look.saw_of(map(household, page), self._logged)
            yield from page


def listing(look: Look, columns: Sequence[str], classes: Mapping[str, str]) -> Listing:
    """What somebody may take of a list.

    Args:
        look: Who asks.
        columns: In the order of the list.
        classes: The class of data of each.

    Raises:
        Invalid: `column_without_class` with the column, where its class is missing or unknown.
    """
    strange = [name for name in columns if classes.get(name) not in CLASSES]
    if strange:
        raise Invalid.one("column_without_class", column=strange[0], accepted=list(CLASSES))
    look.listed = True
    joined = any(classes[name] in IDENTIFYING for name in columns) and any(
        look.answer(data).granted for data in IDENTIFYING if data in classes.values()
    )
    answers = {name: look.answer(classes[name], joined=joined) for name in columns}
    withheld = {name: answer.reason for name, answer in answers.items() if not answer.granted}
    shown = tuple(name for name in columns if name not in withheld)
    personal = tuple(name for name in shown if answers[name].personal)
    return Listing(
        columns=shown,
        withheld=withheld,
        leads=tuple(n for n in shown if leads(CLASSES[classes[n]]) or n in personal),
        look=look,
        denied={
            name: why
            for name, why in withheld.items()
            if is_personal(CLASSES[classes[name]]) and look.by.role not in QUIET
        },
        logged=tuple(name for name in personal if classes[name] not in _ONE_BY_ONE),
    )
