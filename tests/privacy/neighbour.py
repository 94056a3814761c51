"""Another process that works on the same log, and stays alive from one test to the next."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from crm_core import CRM, Personal, Refused
from crm_core.application.texts import GONE
from crm_core.errors import Conflict, PersonErased
from crm_core.kernel.sealed import Plain
from crm_core.owners import AddMember, ChangeContact
from crm_core.owners.views import DIRECTORY
from privacy.forgetting import CLERK, DAY, KEEPER, WHY, Company, sealed_of

PATHS = f"import sys; sys.path[:] = {sys.path!r}\n"
HARMLESS = {"told", "lawsuit", "over"}
"""What is said that is nobody's name, beside the reason of an erasure that was said again."""


def name_of(person: str) -> str:
    """What a person is called."""
    return f"name of {person}"


def seen(crm: CRM, gone: set[str]) -> list[str]:
    """Who shows something although they are gone, or something that is not theirs."""
    wrong = []
    for place, value in sealed_of(crm):
        opened = crm.host.vault.open(value, place)
        if not isinstance(opened, Plain):
            continue
        of = {*value.subject.split(" ")}
        if of & gone or opened.text not in {name_of(value.subject), *HARMLESS, GONE}:
            wrong.append(f"{value.subject} at {place}")
    return wrong


def tell(crm: CRM, house: str, person: str) -> bool:
    """A value of somebody is told; whether it was kept."""
    name = Personal(person, name_of(person))
    with suppress(Refused, PersonErased, Conflict):
        crm.do(AddMember(house, person, "tenant", DAY, name), by=CLERK)
    try:
        crm.do(ChangeContact(house, person, "told", name=name), by=CLERK)
    except (Refused, PersonErased):
        return False
    return True


def erase(crm: CRM, house: str, person: str | None) -> list[str]:
    """Somebody is erased, if nothing speaks against it; whose keys are gone."""
    try:
        return [*crm.privacy.erase(house, person, by=KEEPER, purpose=WHY).keys]
    except Refused:
        return []


def build(crm: CRM) -> None:
    """Views are caught up with the log, made anew and caught up again."""
    crm.views.catch_up(DIRECTORY)
    crm.views.rebuild(DIRECTORY)
    crm.views.catch_up(DIRECTORY)


class Looker:
    """Searches the files of a folder, again only those that have changed."""

    def __init__(self) -> None:
        self._looked: dict[Path, Any] = {}

    def search(self, folder: str, shunned: list[str]) -> list[str]:
        """The files that hold one of these bytes, or a name where none may be."""
        found, told = [], [bytes.fromhex(one) for one in shunned]
        here: dict[Path, Any] = {}
        for path in Path(folder).iterdir():
            stat = path.stat()
            here[path] = stat.st_ino, stat.st_size, stat.st_mtime_ns, len(told)
            if self._looked.get(path) != here[path]:
                content = path.read_bytes()
                names = () if path.name.startswith("copy-") else (b"name of ",)
                if any(one in content for one in (*names, *told)):
                    found.append(path.name)
        self._looked = here
        return found


class Neighbour:
    """The other process, as it is asked from here."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{PATHS}from privacy.neighbour import serve\nserve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, what: str, *told: Any) -> Any:
        """Let it do something, and hear what came of it."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(json.dumps([what, *told]) + "\n")
        asked.flush()
        answer = json.loads(answered.readline() or '["failed", "the process is gone"]')
        assert answer[0] == "done", answer[1]
        return answer[1]

    def end(self) -> None:
        """It goes home."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


def serve() -> None:
    """What the other process does until nobody asks any more."""
    crm: CRM | None = None
    looker = Looker()
    for line in sys.stdin:
        what, *told = json.loads(line)
        try:
            answer: Any = None
            if what == "open":
                crm = Company(Path(told[0])).open()
            if what == "search":
                answer = looker.search(*told)
            elif what == "close":
                assert crm is not None
                crm.close()
                crm = None
            elif what == "see":
                assert crm is not None
                answer = seen(crm, {*told[0]})
            elif what == "tell":
                assert crm is not None
                answer = tell(crm, *told)
            elif what == "erase":
                assert crm is not None
                answer = erase(crm, *told)
            elif what == "build":
                assert crm is not None
                build(crm)
            said = ["done", answer]
        except Exception as error:  # noqa: BLE001 - whatever it was is told to who asked.
            said = ["failed", repr(error)]
        print(json.dumps(said), flush=True)
