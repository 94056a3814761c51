"""Tables to be imported, as CSV and as workbooks: `tables.py FOLDER ROWS`.

A process of its own makes them, so that whoever measures stays small.
"""

from __future__ import annotations

import csv
import sys
import zipfile
from pathlib import Path

from crm_adapters.reports.workbook import workbook

HOUSEHOLDS = 2_000
HEADER = ["charge", "household", "kind", "period", "amount", "due"]
BOMB_BYTES = 4 << 30


def main(folder: Path, rows: int) -> None:
    """Write the tables: good and faulty rows of charges, and a workbook that is a bomb."""
    homes = [f"V{n:05}" for n in range(HOUSEHOLDS)]
    _csv(folder / "households.csv", ["household", "estate", "building", "unit", "room", "kind"],
         [[home, "estate", "1", "1", home, "person"] for home in homes])  # fmt: skip
    good = [
        [f"C{n}", homes[n % HOUSEHOLDS], "management_fee", f"{2000 + n // 24000}-07",
         f"{n % 900 + 100}.50", "2024-07-01"]
        for n in range(rows)
    ]  # fmt: skip
    for name in ("csv", "xlsx", "faulty"):
        (folder / name).mkdir()
    _csv(folder / "csv" / "charges.csv", HEADER, good)
    (folder / "xlsx" / "charges.xlsx").write_bytes(workbook("charges", [HEADER, *good]))
    faulty = [[*row[:4], "1.127,00", "7/1/2024"] for row in good[: rows // 2]]
    _csv(folder / "faulty" / "charges.csv", HEADER, faulty)
    _bomb(folder / "bomb.xlsx")


def _csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _bomb(path: Path) -> None:
    """A good workbook beside a part that unpacks to four gigabytes."""
    path.write_bytes(workbook("charges", [HEADER]))
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as parts,
        parts.open("xl/media/image1.bin", "w", force_zip64=True) as part,
    ):
        block = bytes(1 << 24)
        for _ in range(BOMB_BYTES // len(block)):
            part.write(block)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
