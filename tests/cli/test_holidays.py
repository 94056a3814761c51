"""Years without an official notice on the command line, in an office that keeps public holidays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cli.office import WORD, Office
from crm_adapters.slices import installed
from crm_core.testing.strategies import sla_text

pytestmark = pytest.mark.rule("REQ-11")

SLICE = """
from crm_core.kernel.slice import Slice

SLICE = Slice(name="office_hours", package=__name__, shipped=("policies",))
"""

NOTICE = """
kind = "holidays"
country = "cn"
year = 2006

[policy]
name = "ours-cn-2006"
version = 1

[[holidays]]
name = "端午节"
off = ["06-05"]
"""


@pytest.fixture
def keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office with a package whose SLA policy closes requests in hours that keep holidays."""
    site = tmp_path / "site"
    policies = site / "office_hours" / "policies"
    policies.mkdir(parents=True)
    (site / "office_hours" / "__init__.py").write_text(SLICE)
    text = sla_text(version=2, general=4 * 3600, closing="office")
    text = text.replace("sla-generated", "sla-cn-default").replace(
        'zone = "Asia/Shanghai"',
        'zone = "Asia/Shanghai"\npublic_holidays = "cn"\nmake_up_day = "fri"',
    )
    (policies / "sla.toml").write_text(text)
    info = site / "office_hours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: office-hours\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crm_core.slices]\noffice_hours = office_hours:SLICE\n")
    monkeypatch.syspath_prepend(site)
    installed.cache_clear()
    yield Office(tmp_path, monkeypatch)
    installed.cache_clear()


def test_an_office_is_told_what_is_provisional_and_what_would_differ(
    keeping: Office, tmp_path: Path
) -> None:
    """A Monday of 2006, before the first notice; later somebody finds out that it was a holiday."""
    keeping.on(date(2006, 6, 7))
    keeping.register()
    keeping.act(
        "specialist:S1", "receive-request", "--request", "R1", "--household", "V1",
        "--channel", "phone", "--kind", "repair", "--trade", "engineering",
        "--severity", "general", "--summary", "水管漏水",
        "--received-at", "2006-06-05T09:00:00+08:00", "--first-asked", "S1",
    )  # fmt: skip
    done = ("--done-at", "2006-06-05T15:30:00+08:00")
    keeping.act("operator:E4", "report-done", "--request", "R1", *done)
    confirmed = ("--confirmed-at", "2006-06-06T09:00:00+08:00", "--opinion", "satisfied", *WORD)
    keeping.act("specialist:S1", "confirm-closing", "--request", "R1", *confirmed)
    shown = keeping.run("request", "R1")[1]
    assert "breached (provisional)" in shown
    assert "counted      working hours (provisional)" in shown
    assert "not counted  outside working hours (provisional)" in shown
    assert keeping.json("provisional") == {"verdicts": []}
    found = keeping.json("provisional", "--all")["verdicts"]
    [closing] = [one for one in found if one["clock"] == "closing-1"]
    assert (closing["kept"], closing["still_without"], closing["differs"]) == (False, [2006], False)

    (tmp_path / "notice.toml").write_text(NOTICE, encoding="utf-8")
    notice, first = str(tmp_path / "notice.toml"), ("--from", "2006-06-07")
    for who, *step in (
        ("supervisor:U1", "draft", notice, "--reason", "found"),
        ("manager:M1", "assess", "ours-cn-2006/1", "--assessment", "PIA-9"),
        ("director:D1", "approve", "ours-cn-2006/1"),
        ("manager:M1", "effective", "ours-cn-2006/1", *first),
    ):
        [row] = keeping.json("policy", *step, "--as", who)
    assert (row["stage"], row["approved_by"]) == ("effective", "D1")
    status, out, _ = keeping.run("--format", "json", "provisional")
    [closing] = [one for one in json.loads(out)["verdicts"] if one["clock"] == "closing-1"]
    assert (status, closing["differs"]) == (1, True)
    assert (closing["kept"], closing["would_be_kept"]) == (False, True)
    assert closing["still_without"] == []
    assert "kept" in keeping.run("provisional")[1]
    assert "breached (provisional)" in keeping.run("request", "R1")[1]


def test_the_doctor_finds_a_notice_that_is_missing_sixty_days_ahead(keeping: Office) -> None:
    keeping.on(date(2026, 11, 1))
    assert keeping.json("doctor")["notices_missing"] == {}
    keeping.on(date(2026, 11, 2))
    status, out, _ = keeping.run("--format", "json", "doctor")
    told = json.loads(out)
    assert (status, told["findings"]) == (1, ["notices_missing"])
    assert (told["holidays"], told["notices_missing"]) == ({"cn": 2026}, {"cn": [2027]})
    shown = keeping.run("doctor")[1]
    assert "official notices (cn) are missing for 2027" in shown
    assert "those years are counted by the regular week, provisionally" in shown
    # The warning, and that open requests count by the notices that there are.
    assert keeping.json("tick")["events"]["calendars"] == 2
    assert keeping.json("tick")["events"]["calendars"] == 0


def test_a_notice_that_cannot_be_meant_is_told_with_its_places(
    keeping: Office, tmp_path: Path
) -> None:
    (tmp_path / "notice.toml").write_text(NOTICE.replace("06-05", "06-31"), encoding="utf-8")
    notice = str(tmp_path / "notice.toml")
    told = keeping.refuses(
        "policy_malformed", "policy", "draft", notice, "--reason", "x", "--as", "supervisor:U1"
    )
    assert "notice.toml:holidays[0].off[0]" in told
