"""An estate that people have lived in, and every command of `crm` as a clerk gives it there.

The method's own story is told first; what it leaves out follows by the command line: a survey, a
leak of data, a publication, drafts of policies, files with faults, and wishes about messages.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from shutil import copy

from office import Office

TODAY = date(2026, 3, 16)
"""When the rows are said."""

SCALES = ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")

NAMES = {
    "clerk": "specialist:S17",
    "other": "specialist:S16",
    "keeper": "custodian:S18",
    "lead": "supervisor:S2",
    "manager": "manager:S3",
    "boss": "director:S1",
    "money": "finance:F1",
    "guard": "security:G1",
    "books": "auditor:A9",
}
"""Who acts, by what a row calls them."""

WORD_2, WORD_3 = (
    f"--word-member V0000{n}#owner --word-channel phone --word-reference 电话{n}" for n in (2, 3)
)

PASSPHRASE = "CRM_KEYS_PASSPHRASE=门前有两棵银杏树"

CHARGE = "--kind management_fee --period 2026-03 --amount-fen 112700 --due 2026-03-31"
DISPUTE = "--amount-fen 5000 --on 2026-03-16 --reason 有误"

ROWS: dict[str, list[str]] = {
    "account": [
        "money V00001 --on 2025-07-01",
        "money V00003 --on 2026-01-10 --late-charge late-charge-cn-default",
        "money V00009 --on 2025-07-01",
        "money V00003 --on 2025-7-1",
    ],
    "affected": ["lead", "lead 2024", "lead 20"],
    "ageing": [
        "clerk --on 2026-01-10 --per grade", "money --on 2026-01-10", "clerk --on 2026-01-10",
        "money",
    ],
    "arrears": [
        "money --on 2026-01-10",
        "money --on 2026-01-10 --purpose collection",
        "clerk --on 2026-01-10 --out 欠费.pdf",
        "money --on 2026-01-10 --purpose 催收 --out 欠费.csv",
    ],
    "automatic": [
        f"clerk V00003 refuse {WORD_3}",
        "clerk V00003 refuse",
        "clerk V00003 maybe",
    ],
    "backup": ["boss --out 副本.db", "boss --out 副本.db"],
    "care": ["clerk --year abc", "clerk", "clerk --year 2025", "clerk V00001", "clerk V00009"],
    "changes": ["clerk 2025-01-01 2025-12-31 V00003", "clerk 2025-12-31 2025-01-01 V00003"],
    "confirm": ["lead V00003 2025", "boss V00002 2025", "clerk V00001 2025", "manager V00001 2024"],
    "contest": [
        f"clerk V00002 2025 --reason 有误 {WORD_2}",
        "clerk V00002 2025 --reason 有误",
        "clerk V00002 2025 --reason 有误 --word-member V00002#owner",
        "clerk V00002 1999 --reason 有误",
    ],
    "cover": [
        "clerk 服务热线 --from 2026-03-01T00:00:00+08:00 --to 2026-03-02T00:00:00+08:00",
        "clerk 服务热线 --from 2026-03-01 --to 2026-03-02T00:00:00+08:00",
    ],
    "create": ["boss", "boss --db 另一个.db"],
    "credit": ["money --on 2026-01-10", "money --on 2026-01-10 --engine abc", "clerk --on x"],
    "credit-table": [
        "money --on 2026-01-10 --out 信用.csv", "money --on 2026-01-10 --out 信用.exe",
        "clerk --on 2026-01-10 --out 信用.html --purpose 对账",
    ],
    "data-map": ["clerk", "clerk --slice abc"],
    "directory": [
        "lead --on 1", "lead", "lead --on 2025-06-01", "lead --out 名录.csv --purpose 回访",
    ],
    "do": [
        "clerk --list", "clerk --list payments", "clerk", "clerk 没有", "clerk raise-charg",
        f"money raise-charge --household V00001 --charge X1 {CHARGE}",
        f"money raise-charge --household V00001 --charge X1 {CHARGE}",
        f"keeper raise-charge --household V00001 --charge X2 {CHARGE}",
        "money raise-charge --household V00001 --charge X3 --amount-fen 一 --due 1 --colour red",
        f"clerk dispute-charge --household V00001 --dispute D9 --charge X1 {DISPUTE}",
        "boss approve-plan --plan P3 --version 1 --approved --on 2026-03-16",
        "clerk renegotiate --request R2024-1",
    ],
    "do -": ["clerk"],
    "doctor": ["boss"],
    "document": [
        "lead --list",
        "lead customer-file V00001 --out 档案.html --purpose 回访",
        "lead --check 档案.html --purpose 回访",
        "lead",
        "lead 没有 --out 档案.html",
        "lead credit-table --out 表.html --on 2026-01-10 --purpose 回访",
        "lead --write-template 模板.docx",
    ],
    "erase": [
        "keeper P00001 --purpose 申请 --dry-run",
        "keeper V00004 --purpose 申请 --dry-run",
        "keeper V00004 --purpose 申请",
        "clerk V00004",
        "keeper V00004 --ground abc",
    ],
    "explain": [
        "lead V00001 2025",
        "lead V00002 2024 --for owner",
        "books V00003 2025 --for auditor",
        "lead V00003 2024 --for abc",
        "lead V00009 2024",
        "lead V00001 2020",
    ],
    "export": [
        "boss households --out 住户.csv --purpose 核对",
        "clerk households --out 住户.csv",
        "boss abc --out 住户.csv",
        "boss households --out 住户.txt --purpose 核对",
    ],
    "export-person": [
        "keeper V00001 --out 副本.json --purpose rights",
        "keeper V00001#owner --out 副本.html --purpose 查阅",
        "clerk V00001 --out 副本.json",
        "keeper V00001 --out 副本.txt --purpose 申请",
    ],
    "fairness": ["boss 2025", "boss 2020"],
    "find": ["clerk", "clerk 云溪苑", "clerk 张伟 --purpose 回访", "clerk 没有"],
    "generate": ["clerk --households 3 --out 小区", "clerk --households 0 --out 小区"],
    "demo": ["lead 小区 --out 演示", "clerk 没有的文件夹 --out 演示"],
    "grade": [
        "lead 2025 --dry-run",
        "lead 2026",
        "lead 2026 --trial",
        "lead 2025",
        "clerk 2025 --policy 没有",
        "lead 2025 --policy 没有.toml",
    ],
    "grades": ["lead 2025", "lead 2020", "lead 2025 --run 没有"],
    "greeting": ["clerk --on 1", "clerk"],
    "history": ["lead V00001", "lead account/V00003", "lead 没有", "lead request/R2024-2"],
    "import": [
        "clerk 有误",
        "clerk 有误 --skip-faulty",
        "clerk 没有",
        "clerk 有误 --suggest",
        "clerk 有误 --corrections",
        "clerk 新来",
        "clerk 新来 --dry-run",
        "clerk 有误 --encoding latin",
    ],
    "imports": ["lead"],
    "improvement": ["lead I1", "lead 没有"],
    "incident affected": [
        "keeper L1",
        "keeper L1 --list 名单.txt",
        "keeper L1 --list 名单.txt --reference 名单1",
        "clerk 没有",
    ],
    "incident list": ["keeper --now 1", "keeper"],
    "incident open": [
        "guard L2 --severity general --discovered 2026-03-01T09:00:00+08:00 --summary 误发",
        "guard L1 --severity serious --discovered 2026-03-01T09:00:00+08:00 --summary 误发",
        "guard L1 --severity abc --discovered 2026-03-01T09:00:00+08:00 --summary 误发",
    ],
    "incident report": ["keeper L1", "keeper 没有"],
    "incident show": ["keeper L1", "keeper 没有"],
    "limitation": ["money --on 1", "money --on 2026-01-10", "money --on 2026-01-10 --within 400"],
    "messages": ["lead", "lead V00003", "lead 没有"],
    "migrate": ["boss"],
    "notify": ["boss --once --to abc", "boss --once --to console:", "boss --once"],
    "plans": ["lead", "lead P1", "lead P2", "lead 没有"],
    "policy draft": ["lead 草案.toml --reason 试行", "lead 没有.toml --reason 试行"],
    "policy assess": [
        "manager new/1 --year 2024 --assessment 评估1", "manager 没有/1 --assessment 评估1",
    ],
    "policy approve": ["boss new/1", "boss 没有/1", "clerk new/1", "boss new"],
    "policy effective": ["manager new/1 --from 2026-04-01", "manager 没有/1 --from 2026-04-01"],
    "policy list": ["lead"],
    "preference": [
        "clerk V00003 V00003#owner survey refuse --word-channel phone --word-reference 电话1",
        "clerk V00003 V00003#owner abc refuse --word-channel phone --word-reference 电话1",
    ],
    "preferences": ["clerk V00003", "clerk V00001", "clerk 没有"],
    "projections": ["boss", "boss --catch-up", "boss --rebuild 没有", "boss --prune"],
    "propose-type": ["clerk V00001 2025 lively --reason 常来", "lead V00001 2025 abc"],
    "confirm-type": ["lead V00001 2025", "clerk V00002 2025"],
    "provisional": ["lead", "lead --all"],
    "purchases": ["money 2025 V00001", "money 2025", "money 2025 没有"],
    "quota": ["boss 2025", "boss 2020"],
    "relay": ["boss --once --to abc", "boss --once --to nats://127.0.0.1:1"],
    "replace-record": ["boss 2025 没有", "boss 2026 没有"],
    "replay": [
        "lead", "lead 2024 --verify", "lead 2020", "lead --engine abc", "lead --processes 0",
    ],
    "report": ["lead 2025 --out 报告.html --purpose 回访", "lead 2020 --out 报告.html"],
    "request": [
        "clerk R2024-1", "clerk R2024-2", "clerk R2025-3", "clerk R2025-2", "clerk 没有",
    ],
    "review": [
        "manager V00002 2025-1 upheld --reason 属实", "manager V00003 2025-1 upheld --reason 属实",
        "manager V00003 2025-1 upheld --reason 属实 --layer main",
        "manager V00003 2025-1 overridden --reason 属实",
        "manager V00003 没有 upheld --reason 属实",
    ],
    "runs": ["lead 20", "lead 2025", "lead 2020"],
    "sample": ["keeper K1", "keeper 没有"],
    "segments": [
        "lead occupation --purpose survey", "lead abc", "clerk occupation",
    ],
    "unkept": ["lead", "lead --estate 星河小区", "clerk"],
    "shares": ["lead 2020", "lead 2025"],
    "show": [
        "clerk V00001", "clerk V00001 --purpose 回访", "clerk V00002 --on 2024-02-01",
        "clerk 没有", "books V00001",
    ],
    "statistics": [
        "lead --from 2025-01-01 --to 2025-12-31",
        "lead --from 2025-01-01 --to 2025-12-31 --per household",
        "lead --from 2025-12-31 --to 2025-01-01",
        "lead --from 2025-01-01 --to 2025-12-31 --per abc",
    ],
    "survey cast": ["clerk --file 答卷.csv", "clerk 没有 --answer overall=5", "clerk"],
    "survey comments": ["lead Y1 --purpose 调查", "lead Y2", "clerk Y1"],
    "survey draft": [
        "lead B2 service --from 2025-01-01 --to 2025-12-31",
        "lead B3 abc --from 2025-01-01 --to 2025-12-31",
        "lead B1 service --from 2025-12-31 --to 2025-01-01",
    ],
    "survey form": ["lead Y1", "lead 没有"],
    "survey list": ["lead"],
    "survey report": ["lead B2", "lead 没有"],
    "survey result": ["lead Y1", "lead Y2"],
    "survey slip": ["clerk Y2 V00001 --channel app", "clerk Y1 V00001 --channel app"],
    "tick": ["boss", "boss --now 2030"],
    "todo": ["lead --now 1", "lead", "clerk", "boss", "manager", "keeper"],
    "undo": ["boss 1 --reason 有误", "boss 9 --reason 有误", "lead 1 --reason 有误 --dry-run"],
    "uplift": [
        "clerk V00003 2025",
        "clerk V00003 2025 --propose --reason 按期付清",
        "manager V00003 2025 --approve",
    ],
    "verify": ["boss", "boss --deep"],
    "visits coverage": [
        "lead --from 2025-01-01 --to 2025-12-31",
        "lead --from 2025-12-31 --to 2025-01-01",
    ],
    "visits draw": [
        "lead D1 random 2 --content affection", "lead D2 random 0", "lead D1 abc 1",
        "lead D3 round 2 --estate 云溪苑",
    ],
    "visits due": ["lead --now 1", "lead", "lead --all"],
    "visits of": ["lead V00001", "lead V00003", "lead 没有"],
    "visits redraw": ["lead D1", "lead 没有"],
    "visits script": ["lead V00001 months_10_12:in-2023-11-01", "lead V00001 没有"],
    "waiting": ["lead"],
    "warnings": ["lead --on 2025-05-20", "lead", "lead --record"],
    "what-if": ["lead 2025 --policy grade-cn-default/1", "lead 2025 --policy 没有"],
    "who-saw": ["keeper V00001", "keeper V00001#owner", "keeper S17 --staff", "clerk V00001"],
    "work": ["boss --poll 0", "boss --once"],
    "keys status": ["boss", f"{PASSPHRASE} boss"],
    "keys protect": ["boss", "boss --suite abc", f"{PASSPHRASE} boss"],
    "keys rotate": ["boss --suite abc", "boss", f"{PASSPHRASE} boss"],
    "keys recover": ["boss 没有", f"{PASSPHRASE} boss 钥匙.keys"],
}  # fmt: skip
"""For each command what is said of it behind its name: rightly, wrongly, and by who may not."""

WRONG = ["--没有", "--on", "--lang"]
"""What no command takes."""


def lived_in(folder: Path, office: Office) -> None:
    """Lets live in the empty log of an office; the files that the rows name lie beside it."""
    _files(folder)
    office.on(date(2026, 3, 2))
    assert office.run("import", "一期", "--as", NAMES["clerk"])[0] == 0
    _survey(office)
    office.on(date(2026, 3, 14))
    clerk = NAMES["clerk"]
    office.act(
        NAMES["guard"], "open-leak", "--leak", "L1", "--severity", "serious",
        "--discovered-at", "2026-03-14T09:00:00+08:00", "--summary", "表格误发",
    )  # fmt: skip
    office.act(
        NAMES["lead"], "draw-sample", "--sample", "K1", "--seed", "7", "--size", "2",
        "--items", "phone", "--items", "name", "--on", "2026-03-14",
    )  # fmt: skip
    office.act(
        clerk, "propose-improvement", "--plan", "I1", "--measure", "先派近处",
        "--metric", "late_share", "--dimension", "trade", "--value", "engineering",
        "--baseline-start", "2025-01-01", "--baseline-end", "2025-12-31",
        "--runs-from", "2026-04-01", "--runs-to", "2026-06-30", "--change-per-mille", "-300",
        "--responsible", "E5", "--supervisor", "S2",
    )  # fmt: skip
    office.json("work", "--once")
    copy(folder / "crm.db.keys", folder / "钥匙.keys")
    office.on(TODAY)


def _survey(office: Office) -> None:
    """One that is over, and one that is open."""
    lead, clerk = NAMES["lead"], NAMES["clerk"]
    day = office.on(date(2026, 3, 3))
    office.act(
        lead, "open-survey", "--survey", "Y1", "--opens-on", day, "--closes-on", "2026-03-10"
    )
    for home in ("V00001", "V00002", "V00003", *FIRST_PHASE):
        told = office.json("survey", "slip", "Y1", home, "--channel", "app", "--as", clerk)
        marks = [f"{name}={3 + at % 3}" for at, name in enumerate(SCALES)]
        said = [part for one in (*marks, "comment=谢谢") for part in ("--answer", one)]
        office.json("survey", "cast", told["slip"], *said, "--as", clerk)
    day = office.on(date(2026, 3, 13))
    office.json("tick")
    office.act(
        lead, "open-survey", "--survey", "Y2", "--opens-on", day, "--closes-on", "2026-03-30"
    )
    taken = [
        office.json("survey", "slip", "Y2", home, "--channel", "app", "--as", clerk)["slip"]
        for home in FIRST_PHASE[:2]
    ]
    rows = "".join(f"{slip},4,5\n" for slip in taken)
    (office.path.parent / "答卷.csv").write_text(f"slip,overall,staff\n{rows}", encoding="utf-8")


def _files(folder: Path) -> None:
    name = "grade-cn-default-2.toml"
    policy = (files("crm_core") / "gradings" / "policies" / name).read_text(encoding="utf-8")
    policy = policy.replace('name = "grade-cn-default"\nversion = 2', 'name = "new"\nversion = 1')
    policy = policy.replace('approved_by = "director"\n', "")
    (folder / "草案.toml").write_text(policy, encoding="utf-8")
    (folder / "名单.txt").write_text("V00001#owner\n", encoding="utf-8")
    for name, text in HOUSEHOLDS.items():
        (folder / name).mkdir()
        (folder / name / "households.csv").write_text(text, encoding="utf-8")


FIRST_PHASE = [f"V0002{number}" for number in range(1, 10)]
"""Households that one file brings."""

_HEADERS = "户号,小区,楼栋,单元,房号,类别,业主,电话,入住日期\n"

HOUSEHOLDS = {
    "一期": _HEADERS
    + "".join(
        f"{home},云溪苑,5号楼,1单元,{home[-3:]},person,钱多,13800138{home[-3:]},2025-01-01\n"
        for home in FIRST_PHASE
    ),
    "新来": _HEADERS + "V00011,云溪苑,3号楼,1单元,601,person,王芳,13800138011,2026-01-01\n",
    "有误": _HEADERS + "V00012,云溪苑,3号楼,1单元,602,person,赵云,13800138012,2026-01-01\n"
    ",云溪苑,3号楼,1单元,603,人,赵云,13800138012,2026-13-01\n"
    "V00013,云溪苑,3号楼,1单元,,person,赵云,138,2026/1/1\n",
}
"""Files of households: as they should be, and with faults."""
