"""Who asked stands in a file of requests, and what is written about it is about them (PRV-02)."""

from __future__ import annotations

from pathlib import Path

import made
import pytest

from crm_adapters import open_crm
from crm_adapters.files.importing import ImportReport, import_files
from crm_core import CRM, Actor
from crm_core.kernel.sealing import sealed_in

WHO = Actor("tester", "host")
HEADER = [
    "工单号", "户号", "渠道", "类型", "专业", "级别", "内容", "受理时间", "完成时间", "报事人",
]  # fmt: skip
MEMBERS = [
    ["户号", "成员", "角色", "姓名", "起"],
    ["V1", "V1#son", "family_member", "王", "2024-01-01"],
]


def imported(crm: CRM, folder: Path, *rows: list[str]) -> ImportReport:
    """An import of requests, beside those of whom they name."""
    folder.mkdir(exist_ok=True)
    files = {"业主资料": made.HOUSEHOLDS, "成员": MEMBERS, "报事": [HEADER, *rows]}
    paths = [made.written(made.text(table), f"{name}.csv")(folder) for name, table in files.items()]
    return import_files(crm, paths, by=WHO)


def row(number: str, asked_by: str) -> list[str]:
    return [
        number, "V1", "电话", "维修", "工程", "一般", "漏水", "2024-03-04T09:00:00+08:00", "",
        asked_by,
    ]  # fmt: skip


@pytest.mark.rule("PRV-02", "IMP-01")
def test_what_is_imported_about_a_request_is_about_who_asked_else_the_household(
    tmp_path: Path,
) -> None:
    with open_crm("memory:") as crm:
        assert imported(crm, tmp_path, row("R1", "V1#son"), row("R2", "")).faults == []
        for number, subject in (("R1", "V1#son"), ("R2", "V1~1")):
            [received] = crm.log.read(f"request/{number}")
            [(summary, _)] = sealed_in(received.stream, 1, received.event)
            assert summary.subject == subject
        crm.host.vault.erase("V1#son")
        said = [next(crm.history(f"request/{n}")).event.summary for n in ("R1", "R2")]
        assert said[1] == "漏水"
        assert said[0] != "漏水"


@pytest.mark.rule("IMP-01")
def test_who_asked_and_is_no_member_is_a_fault_of_that_cell(tmp_path: Path) -> None:
    with open_crm("memory:") as crm:
        report = imported(crm, tmp_path, row("R1", "V9#owner"))
        assert [(f.file, f.row, f.column, f.code) for f in report.faults] == [
            ("报事.csv", 2, "报事人", "not_a_member")
        ]
        assert crm.log.head() == 0
