"""Every reader of bytes from outside, with sound samples of what it reads."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
from attrs import frozen

import crm_core
from crm_adapters.codec import Codec
from crm_adapters.codec.rows import StoredRow
from crm_adapters.files.importing import import_files
from crm_adapters.files.mapping import mapping_of
from crm_adapters.keys import LocalVault
from crm_adapters.tombstones import FileTombstones
from crm_adapters.urns import FileUrns
from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor, Personal
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.policies import parse_policy
from crm_core.ports import Place, Tombstone
from crm_core.slices import SLICES, catalog

ROOT = Path(crm_core.__file__).parent
HOST = Actor("M1", "manager")


@frozen
class Reader:
    """What reads bytes.

    Args:
        samples: Sound inputs, which are read without an error.
        read: Takes bytes and a folder of its own for files.
    """

    samples: tuple[bytes, ...]
    read: Callable[[bytes, Path], Any]


TABLES: dict[str, str] = {
    "households": "户号,小区,楼栋,单元,房号,类别,业主,电话,入住日期\n"
    "V1,星河小区,1号楼,1单元,101,person,张三,13800000001,2010-03-01\n"
    "V2,星河小区,1号楼,1单元,102,company,星河物业服务社,010-5550000,\n",
    "charges": "账单号,户号,费用类别,账期,金额,应缴日期\n"
    "C1,V1,management_fee,2024-07,1127.00,2024-07-01\nC2,V2,parking,2024-07,340.50,2024-07-01\n",
}


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, text in TABLES.items():
        sheet = book.create_sheet(name)
        for line in text.splitlines():
            sheet.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _imported(suffix: str) -> Callable[[bytes, Path], Any]:
    def read(content: bytes, folder: Path) -> Any:
        path = folder / f"households{suffix}"
        path.write_bytes(content)
        with open_crm("memory:") as crm:
            return import_files(crm, [path], by=HOST)

    return read


def _policies() -> Iterator[tuple[str, Reader]]:
    kinds = {kind.cls for part in SLICES for kind in part.policies}
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("policies/*.toml"))]
    for kind in sorted(kinds, key=lambda cls: cls.__name__):
        fitting = []
        for text in texts:
            try:
                parse_policy(kind, text, "")
            except crm_core.Invalid:
                continue
            fitting.append(text.encode())
        if fitting:
            yield f"policy {kind.__name__}", Reader(tuple(fitting), _policy(kind))


def _policy(kind: type) -> Callable[[bytes, Path], Any]:
    def read(content: bytes, _folder: Path) -> Any:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return None  # callers read text
        return parse_policy(kind, text, "ours.toml")

    return read


def _lived() -> CRM:
    crm = open_crm("memory:")
    crm.do(
        RegisterHousehold("V1", "星河", "1", "1", "101", owner=Personal("V1#owner", "张三")),
        by=HOST,
    )
    crm.do(RaiseCharge("V1", "C1", "parking", "2024", 12700, date(2024, 3, 1)), by=HOST)
    return crm


def _rows() -> Iterator[bytes]:
    with _lived() as crm:
        log: Any = crm.log
        for stream in ("V1", "account/V1"):
            for row in log.store.read(stream, 0):
                yield f"{row.name}\n{row.state}".encode()


def _record(content: bytes, _folder: Path) -> Any:
    """The whole of a row as text: its name, then its state."""
    try:
        name, _, state = content.decode().partition("\n")
    except UnicodeDecodeError:
        return None  # the store gives text
    row = StoredRow(1, "account/V1", 1, name, "V1", state)
    codec = Codec(catalog(), LocalVault())
    return codec.recorded(row), codec.decode(row)


OWNER = Personal("V1#owner", "张三")
PLACE = Place("V1", 1, "owner")


def _vault(content: bytes, folder: Path) -> Any:
    path = folder / "crm.keys"
    path.write_bytes(content)
    path.chmod(0o600)
    vault = LocalVault(path)
    try:
        vault.fingerprint(OWNER)
        return vault.open(vault.seal(OWNER, PLACE), PLACE), vault.is_erased(OWNER.subject)
    finally:
        vault.close()


def _kept_keys(folder: Path) -> bytes:
    path = folder / "sample.keys"
    vault = LocalVault(path)
    vault.seal(OWNER, PLACE)
    vault.flush()
    vault.close()
    return path.read_bytes()


def _kept_stones(folder: Path) -> bytes:
    stones = FileTombstones(folder / "sample.erased")
    for version in (1, 2):
        stones.add(Tombstone("V1", ("V1#owner",), version, f"{version:064x}"))
    stones.settle(f"{1:064x}")
    return stones.path.read_bytes()


def _kept_urns(folder: Path) -> bytes:
    path = folder / "sample.urn"
    urns = FileUrns(path)
    [slip, _] = urns.issue("S1", 2)
    urns.cast("S1", [(slip, ["well", "badly"])])
    return path.read_bytes()


def _stones(content: bytes, folder: Path) -> Any:
    path = folder / "crm.erased"
    path.write_bytes(content)
    path.chmod(0o600)
    return FileTombstones(path).read()


def _urns(content: bytes, folder: Path) -> Any:
    path = folder / "crm.urn"
    path.write_bytes(content)
    path.chmod(0o600)
    urns = FileUrns(path)
    return [urns.emptied(survey) for survey in urns.surveys()]


@cache
def readers() -> Mapping[str, Reader]:
    """Every reader by its name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys, stones, urns = _kept_keys(folder), _kept_stones(folder), _kept_urns(folder)
    mappings = sorted((Path(__file__).parents[1] / "files/mappings").glob("*.toml"))
    return {
        "csv": Reader(tuple(text.encode() for text in TABLES.values()), _imported(".csv")),
        "xlsx": Reader((_workbook(),), _imported(".xlsx")),
        "mapping": Reader(
            tuple(path.read_bytes() for path in mappings),
            lambda content, _: mapping_of(content, "ours.toml"),
        ),
        "record": Reader(tuple(_rows()), _record),
        "keys": Reader((keys,), _vault),
        "tombstones": Reader((stones,), _stones),
        "urns": Reader((urns,), _urns),
        **dict(_policies()),
    }
