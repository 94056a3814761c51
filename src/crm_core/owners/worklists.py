"""What waits for a decision about a household's file (OWN-08)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm_core.kernel.roles import LEADERS
from crm_core.kernel.worklists import Asker, Task, Waits, Worklist, waiting
from crm_core.owners.card.commands import DecideChange
from crm_core.owners.card.events import EVENTS, ChangeDecided, ChangeProposed
from crm_core.owners.card.state import Card


def _number(event: Any) -> str:
    return str(event.change)


def _of_change(subject: str, household: str) -> dict[str, object]:
    return {"household": household, "change": subject}


def _keeper(state: Card, _subject: str) -> dict[str, str]:
    keeper = state.keeper()
    return {} if keeper is None else {"keeper": keeper}


_CHANGES = waiting(
    "owners",
    {kind.cls: kind.stored for kind in EVENTS},
    (
        Waits(
            what="change",
            command=DecideChange,
            opens={ChangeProposed: _number},
            settles={ChangeDecided: _number},
            fields=_of_change,
            details=_keeper,
        ),
    ),
)


def _tasks(row: Any, asker: Asker) -> Iterable[Task]:
    """Changes wait for the file's keeper and for those above; without one for whoever may."""
    for task in _CHANGES.tasks(row, asker):
        keeper = task.details.get("keeper")
        if keeper in (None, asker.id) or asker.role in (*LEADERS, "custodian"):
            yield task


WORKLIST = Worklist(_CHANGES.view, _tasks)
