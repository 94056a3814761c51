"""A log in a file, the command line over it, and a clock that is set by hand."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core.kernel.dates import start_of_day


class Office:
    """People at work on one log.

    Args:
        folder: Where the log lies.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = folder / "crm.db"
        self.db = str(self.path)
        self.now = datetime.now(UTC)
        office = self

        class Clock:
            def now(self) -> datetime:
                return office.now

        patch.setattr("crm_adapters.wiring.SystemClock", Clock)
        self._patch = patch
        open_crm(f"sqlite:///{self.path}", create=True).close()

    def on(self, day: date) -> str:
        """Noon of that day at the estate."""
        self.now = start_of_day(day) + timedelta(hours=12)
        return day.isoformat()

    def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Status, standard output and standard error of a command."""
        out, err = io.StringIO(), io.StringIO()
        said = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="ascii")
        with self._patch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", said)
            status = run(["--db", self.db, *arguments])
        assert "Traceback" not in err.getvalue()
        return status, out.getvalue(), err.getvalue()

    def json(self, *arguments: str) -> Any:
        """What a command tells that is done."""
        status, out, err = self.run("--format", "json", *arguments)
        assert status == 0, err
        return json.loads(out)

    def act(self, who: str, act: str, *fields: str) -> Any:
        """The receipt of an act that is done."""
        return self.json("do", act, *fields, "--as", who)

    def refuses(self, code: str, *arguments: str) -> str:
        """The line that says why not; nothing is written."""
        before = self.json("verify")
        status, out, err = self.run(*arguments)
        assert (status, out) == (2, ""), err
        assert err.count("\n") == 1, err
        assert f" {code}]" in err, err
        assert self.json("verify") == before
        return err

    def refuses_act(self, code: str, who: str, act: str, *fields: str) -> str:
        """The line that says why somebody may not do it."""
        return self.refuses(code, "do", act, *fields, "--as", who)

    def events(self, stream: str, name: str) -> list[dict[str, Any]]:
        """The contents of the events of that name."""
        return [e["data"] for e in self.json("history", stream) if e["name"] == f"{name}/1"]

    def register(self, household: str = "V1", room: str = "101") -> None:
        """A household with its owner."""
        place = ("--estate", "Anhe", "--building", "1", "--unit", "1", "--room", room)
        self.act(
            "specialist:S1", "register-household", "--household", household, *place,
            "--owner", "张三",
        )  # fmt: skip

    def charge(self, due: date, charge: str = "C1", fen: int = 10_000, home: str = "V1") -> None:
        """A charge of the household."""
        self.act(
            "finance:F1", "raise-charge", "--household", home, "--charge", charge,
            "--kind", "management_fee", "--period", f"{due:%Y-%m}", "--amount-fen", str(fen),
            "--due", due.isoformat(),
        )  # fmt: skip


WORD = ("--word.member", "V1#owner", "--word.channel", "phone", "--word.reference", "call 7")
"""What the owner said, as it is on record."""
