"""Nothing runs because of what is stored or imported (S14)."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from access.town import BOSS, NOW, town

HOSTILE = "__import__('os').system('id')"
WATCHED = {"compile", "exec", "import", "pickle.find_class", "os.system", "subprocess.Popen"}


@pytest.mark.rule("LOG-02")
def test_what_is_stored_imports_compiles_and_runs_nothing() -> None:
    """A town with such texts is read, graded, replayed and asked about; an audit hook listens."""
    from crm_core.kernel.sealed import Personal
    from crm_core.owners import RegisterHousehold

    happened: list[tuple[str, Any]] = []
    listening = False

    def hook(event: str, arguments: Any) -> None:
        if listening and event in WATCHED:
            happened.append((event, arguments[:1]))

    def everything(crm: Any) -> None:
        for purpose in (None, "grading", HOSTILE):
            list(crm.history("V9", by=BOSS, purpose=purpose))
            crm.owners.file("V9", by=BOSS, purpose=purpose)
            crm.owners.find(HOSTILE, by=BOSS, purpose=purpose)
        crm.replay(2023)
        crm.privacy.who_saw("V9", by=BOSS)
        crm.privacy.export("V9", by=BOSS, purpose="rights")

    with town() as crm:
        who = Personal("V9#owner", HOSTILE)
        crm.do(RegisterHousehold("V9", HOSTILE, "1", "1", "!!python/object", owner=who), by=BOSS,
               at=NOW)  # fmt: skip
        everything(crm)  # What is loaded late is loaded now.
        sys.addaudithook(hook)
        listening = True
        try:
            everything(crm)
        finally:
            listening = False
    assert happened == []
