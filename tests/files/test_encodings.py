"""What is valid UTF-8 is never read as anything else, and rare names are read alike everywhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.encodings import Decoded, decode
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import import_files
from crm_core import CRM, Actor

WHO = Actor("tester", "host")
ENGLISH = "household,estate,building,unit,room,kind,owner\n"


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


@pytest.mark.rule("IMP-01", "IMP-03")
@pytest.mark.case("K40")
@pytest.mark.parametrize("declared", ["gb18030", "gbk"])
def test_utf_8_under_an_english_header_is_never_read_as_gb18030(
    declared: str, crm: CRM, tmp_path: Path
) -> None:
    path = made.written(f"{ENGLISH}V1,e,1,1,101,person,\nV2,星河,1,1,102,person,张三\n",
                        "households.csv")(tmp_path)  # fmt: skip
    [fault] = import_files(crm, [path], by=WHO, encoding=declared).faults
    assert (fault.row, fault.code) == (3, "encoding_wrong")
    assert "UTF-8" in fault.message
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K40")
def test_of_several_files_each_has_its_own_encoding(crm: CRM, tmp_path: Path) -> None:
    households = made.written(made.text(made.HOUSEHOLDS), "households.csv")(tmp_path)
    charges = made.written(made.text(made.CHINESE), "charges.csv", "gb18030")(tmp_path)
    both = [households, charges]
    assert import_files(crm, both, by=WHO, encoding="gb18030").faults
    declared = Declared(encodings={"charges.csv": "gb18030"})
    assert not import_files(crm, both, by=WHO, declared=declared).faults


@pytest.mark.rule("IMP-01")
@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["gb18030", "gbk"]))
def test_text_of_utf_8_beyond_ascii_is_told_as_that(text: str, declared: str) -> None:
    raw = text.encode()
    found = decode(raw, declared)
    if text.isascii() or text.startswith("\ufeff"):
        assert isinstance(found, Decoded)
        assert found.text == text.removeprefix("\ufeff")
    elif not isinstance(found, Decoded):
        assert found[1].code == "encoding_wrong"
    else:
        pytest.fail("it was read as something else")


@pytest.mark.rule("IMP-01")
@given(st.text(st.characters(codec="gb18030", exclude_categories=["Co", "Cn"])))
def test_text_of_gb18030_comes_back(text: str) -> None:
    found = decode(text.encode("gb18030"), "gb18030")
    if isinstance(found, Decoded):
        assert found.text == text.removeprefix("\ufeff")
    else:
        assert not text.isascii(), "only what is UTF-8 as well is doubtful"


EDITION_2022 = {
    "a6d9": "\ufe10", "a6da": "\ufe12", "a6db": "\ufe11", "a6dc": "\ufe13", "a6dd": "\ufe14",
    "a6de": "\ufe15", "a6df": "\ufe16", "a6ec": "\ufe17", "a6ed": "\ufe18", "a6f3": "\ufe19",
    "a8bc": "\u1e3f", "fe51": "\U00020087", "fe52": "\U00020089", "fe53": "\U000200cc",
    "fe59": "\u9fb4", "fe61": "\u9fb5", "fe66": "\u9fb6", "fe67": "\u9fb7", "fe6c": "\U000215d7",
    "fe6d": "\u9fb8", "fe76": "\U0002298f", "fe7e": "\u9fb9", "fe90": "\u9fba",
    "fe91": "\U000241fe", "fea0": "\u9fbb",
}  # fmt: skip
"""Two bytes that Python reads as a character for private use, and what they are."""


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("raw", EDITION_2022)
def test_gb18030_is_read_by_its_edition_of_2022(raw: str) -> None:
    found = decode(bytes.fromhex(raw), "gb18030")
    assert isinstance(found, Decoded)
    assert found.text == EDITION_2022[raw]


RARE = "王\U0003158e䶮㛃\U0002cb4e\U00031350"


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K41")
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_rare_names_and_joined_pictures_are_taken(encoding: str, crm: CRM, tmp_path: Path) -> None:
    households = f"{ENGLISH}V1,星河,1,1,101,person,{RARE}\n"
    requests = (
        "request,household,channel,kind,trade,severity,summary,received_at\n"
        "R1,V1,app,complaint,cleaning,general,没人打扫 👩\u200d🔧👨\u200d👩\u200d👧❤️,"
        "2024-07-01T09:00:00+08:00\n"
    )
    paths = [
        made.written(households, "households.csv", encoding)(tmp_path),
        made.written(requests, "requests.csv", encoding)(tmp_path),
    ]
    declared = encoding if encoding == "gb18030" else "utf-8"
    assert not import_files(crm, paths, by=WHO, encoding=declared).faults
    [received] = [
        e.event for e in crm.host.texts.each(crm.log.feed()) if e.name == "requests.received/1"
    ]
    assert "👩\u200d🔧" in str(received.summary)


TEXT_MODULE = """
import sys, types
source = open(sys.argv[1], encoding="utf-8").read()
class Malformed(ValueError):
    def __init__(self, *a, **k): pass
module = types.ModuleType("crm_core.kernel.sentences"); module.Malformed = Malformed
for name in ("crm_core", "crm_core.kernel"): sys.modules[name] = types.ModuleType(name)
sys.modules["crm_core.kernel.sentences"] = module
here = {}; exec(source, here)
def taken(check, text):
    try: check(text); return "1"
    except ValueError: return "0"
every = [chr(c) for c in (*range(0x33000), *range(0xe0000, 0xe1000), *range(0x10fff0, 0x110000))]
import hashlib
said = "".join(taken(here["check_text"], c) + taken(here["check_id"], c) for c in every)
print(hashlib.sha256(said.encode()).hexdigest())
"""
"""Which characters text and ids may have, as one digest; it needs nothing but the module."""


def other_pythons() -> list[Path]:
    found = []
    for root in (Path.home() / ".pyenv" / "versions", Path("/usr/bin"), Path("/usr/local/bin")):
        for version in ("3.11", "3.12", "3.13", "3.14"):
            found += sorted(root.glob(f"{version}*/bin/python")) + sorted(
                root.glob(f"python{version}")
            )
    return found


@pytest.mark.rule("IMP-01", "OWN-05")
@pytest.mark.case("K41")
def test_what_text_and_ids_may_hold_is_the_same_on_every_python() -> None:
    """Each has Unicode tables of its own; whichever are here are asked, 3.11 at least."""
    source = Path(__file__).parents[2] / "src" / "crm_core" / "kernel" / "text.py"
    said = {}
    for python in other_pythons():
        done = subprocess.run(
            [python, "-I", "-c", TEXT_MODULE, source], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            said[str(python)] = done.stdout.strip()
    if len(said) < 2:
        pytest.skip("there is one Python here")
    assert len(set(said.values())) == 1, said
