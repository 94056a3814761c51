"""Stored names and stored bytes are public contract: what a log once held is read for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import cattrs
import msgspec
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters.codec import Codec, StoredRow
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.keys import LocalVault
from crm_core.errors import UnknownEvent, UnreadableEvent
from crm_core.kernel.canonical import GENESIS, canonical, stored_event
from crm_core.kernel.catalog import Catalog, EventType
from crm_core.kernel.dates import instant_text, parse_date, parse_instant
from crm_core.kernel.recorded import Commit, Envelope, Recorded, StreamAppend, Tip
from crm_core.kernel.rules import Operator, Value
from crm_core.kernel.sealed import PersonalValue, Sealed
from crm_core.slices import catalog
from crm_core.testing import any_events, check_codec, events_of

GOLDEN = Path(__file__).parent / "golden"
REWRITE = os.getenv("CRM_REWRITE_GOLDEN") == "1"
"""Set by hand: before the first release for any change, from then on for a new event type alone."""

KINDS = pytest.mark.parametrize("kind", catalog().types, ids=lambda kind: kind.stored)


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.rule("LOG-02")
def test_every_stored_name_is_written_down_and_none_ever_goes() -> None:
    """A line can be added to the list; a log that holds the name of a removed one is lost."""
    path = GOLDEN / "event_names.txt"
    if REWRITE:
        path.write_text("".join(f"{name}\n" for name in catalog().names()), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines() == catalog().names()


@KINDS
@pytest.mark.rule("LOG-02")
def test_a_stored_name_is_slice_fact_and_version_and_not_a_class_path(kind: EventType) -> None:
    slice_name, _, fact = kind.name.partition(".")
    assert kind.stored == f"{slice_name}.{fact}/{kind.version}"
    assert slice_name == kind.cls.__module__.split(".")[1]
    assert fact.replace("_", "").isalpha()
    assert fact == fact.lower()
    assert kind.cls.__name__ not in kind.stored


@KINDS
def test_the_day_an_event_is_true_from_is_one_of_its_fields(kind: EventType) -> None:
    if kind.effective is None:
        return
    told = get_type_hints(kind.cls).get(kind.effective)
    if told is None:  # it follows from a field: the last day of a year
        told = get_type_hints(getattr(kind.cls, kind.effective).fget)["return"]
    assert told in (date, date | None)


# --- bytes ---------------------------------------------------------------------------------------

_PLAIN: dict[Any, Any] = {
    bool: True,
    date: date(2011, 7, 1),
    datetime: datetime(2011, 7, 1, 4, 5, 6, 70, tzinfo=UTC),
    int: 12700,
    Operator: Operator.AT_LEAST,
    PersonalValue: Sealed("V00001#owner", "bm90LWEtcmVhbC10b2tlbg"),
}


def example(cls: type, *, full: bool) -> Any:
    """The same event for ever: every optional field filled, or none of them."""
    hints = get_type_hints(cls)
    return cls(**{f.name: _value(f.name, hints[f.name], full) for f in attrs.fields(cls)})


def _value(name: str, hint: Any, full: bool) -> Any:
    if Sealed in get_args(hint):
        return _PLAIN[PersonalValue] if full or type(None) not in get_args(hint) else None
    if hint is str:
        return f"{name} „星河“ \\ é\n"
    if hint in _PLAIN:
        return _PLAIN[hint]
    inner = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        if type(None) in inner and not full:
            return None
        return _value(name, next(one for one in inner if one is not type(None)), full)
    if get_origin(hint) is tuple:
        return (_value(name, inner[0], full),) if full else ()
    if get_origin(hint) is dict:
        return {"x": _value(name, inner[1], full)} if full else {}
    return example(hint, full=full)


@pytest.fixture(scope="module")
def codec() -> Iterator[Codec]:
    vault = LocalVault()
    yield Codec(catalog(), vault)
    vault.close()


def decoded(codec: Codec, name: str, data: bytes) -> Any:
    """The event that the codec reads from a stored row with these bytes as its data."""
    envelope = (
        b'{"actor":"system:crm","command":"c","data":%b,"effective":"2011-07-01","nth":0,'
        b'"recorded":"2011-07-01T04:00:00Z"}' % data
    )
    _, text = stored_event(GENESIS, "x/1", 1, name, envelope, "V00001")
    return codec.decode(StoredRow(1, "x/1", 1, name, "V00001", text)).event


@KINDS
@pytest.mark.rule("LOG-02", "GRD-08")
def test_the_stored_bytes_of_every_event_are_written_down(kind: EventType, codec: Codec) -> None:
    """One line with every field filled, one with every optional field empty."""
    path = GOLDEN / "events" / f"{kind.stored.replace('/', '-')}.json"
    events = [example(kind.cls, full=True), example(kind.cls, full=False)]
    lines = [codec.encode_event(event) for event in events]
    if REWRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(lines) + b"\n")
    golden = path.read_bytes().splitlines()
    assert lines == golden
    for event, line in zip(events, golden, strict=True):
        assert decoded(codec, kind.stored, line) == event
        assert json.loads(line).keys() == {field.name for field in attrs.fields(kind.cls)}


@pytest.mark.rule("LOG-02")
def test_nothing_is_written_down_for_names_that_are_not_in_the_catalog() -> None:
    """Such a file is left over; writing the others anew removes it."""
    names = {f"{kind.stored.replace('/', '-')}.json" for kind in catalog().types}
    assert left(GOLDEN / "events", names) == names
    assert left(GOLDEN / "upcasters", {OLD_ROWS.name}) == {OLD_ROWS.name}


def left(folder: Path, names: set[str]) -> set[str]:
    """What is written down in a folder, once others than these names are gone where they may."""
    for path in folder.iterdir():
        if REWRITE and path.name not in names:
            path.unlink()
    return {path.name for path in folder.iterdir()}


def test_a_file_that_is_left_over_is_removed_by_hand_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a-1.json", "b-1.json"):
        (tmp_path / name).touch()
    monkeypatch.setattr(sys.modules[__name__], "REWRITE", False)
    assert left(tmp_path, {"a-1.json"}) == {"a-1.json", "b-1.json"}
    monkeypatch.setattr(sys.modules[__name__], "REWRITE", True)
    assert left(tmp_path, {"a-1.json"}) == {"a-1.json"}


# --- two libraries, one answer -------------------------------------------------------------------


def _strict(kind: type) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{kind.__name__} is expected")
        return value

    return structure


def _from_text(parse: Any) -> Any:
    return lambda value, _: parse(_strict(str)(value, str))


def _scalar(value: Any, hint: Any) -> Any:
    if isinstance(value, list) and hint != Value:
        return tuple(_strict(str)(item, str) for item in value)
    if isinstance(value, bool | int | str):
        return value
    raise ValueError("a plain value is expected")


def _sealed(value: Any, _: Any) -> Sealed:
    return Sealed(
        subject=_strict(str)(value["subject"], str), token=_strict(str)(value["token"], str)
    )


def border() -> cattrs.Converter:
    """Events as the borders read and write them: cattrs, strict, the same types."""
    converter = cattrs.Converter()
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _strict(kind))
    converter.register_structure_hook(date, _from_text(parse_date))
    converter.register_structure_hook(datetime, _from_text(parse_instant))
    converter.register_structure_hook(Operator, lambda value, _: Operator(value))
    converter.register_structure_hook(PersonalValue, _sealed)
    converter.register_structure_hook_func(
        lambda hint: Sealed in get_args(hint),
        lambda value, hint: (
            value
            if isinstance(value, str) or (value is None and type(None) in get_args(hint))
            else _sealed(value, hint)
        ),
    )

    def several(hint: Any) -> Any:
        def structure(value: Any, _: Any) -> Any:
            if type(value) is not list:
                raise ValueError("a list is expected")
            return tuple(converter.structure(item, get_args(hint)[0]) for item in value)

        return structure

    converter.register_structure_hook_factory(lambda hint: get_origin(hint) is tuple, several)
    converter.register_structure_hook_func(
        lambda hint: hint in (Value, Value | tuple[str, ...]), _scalar
    )
    converter.register_structure_hook_func(
        lambda hint: get_origin(hint) is tuple and get_args(hint)[-1] is ...,
        lambda value, hint: tuple(
            converter.structure(item, get_args(hint)[0]) for item in _strict(list)(value, list)
        ),
    )
    converter.register_unstructure_hook(PersonalValue, attrs.asdict)
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_unstructure_hook(datetime, instant_text)
    return converter


BORDER = border()


@KINDS
def test_cattrs_and_msgspec_give_the_same_answer(kind: EventType, codec: Codec) -> None:
    """For any event of the type: the same bytes out, the same event back, from either side."""

    @settings(max_examples=25)
    @given(events_of(kind))
    def same(event: Any) -> None:
        data = codec.encode_event(event)
        plain = BORDER.unstructure(event, unstructure_as=kind.cls)
        assert canonical(plain) == data
        assert BORDER.structure(json.loads(data), kind.cls) == event
        assert decoded(codec, kind.stored, data) == event

    same()


@KINDS
def test_cattrs_and_msgspec_refuse_the_same(kind: EventType, codec: Codec) -> None:
    """A member that is missing, or not what its field says, is an event to neither of them."""
    for event in (example(kind.cls, full=True), example(kind.cls, full=False)):
        whole = json.loads(codec.encode_event(event))
        for name in whole:
            without = {key: value for key, value in whole.items() if key != name}
            assert _answers(codec, kind, without) == ["refused", "refused"], name
            for wrong in ({}, -0.5, {"x": []}, [[]], [None]):
                found = _answers(codec, kind, {**whole, name: wrong})
                assert found == ["refused", "refused"], (name, wrong)


def _answers(codec: Codec, kind: EventType, plain: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    try:
        found.append(BORDER.structure(plain, kind.cls))
    except Exception:  # noqa: BLE001 - whichever way it says no
        found.append("refused")
    try:
        found.append(decoded(codec, kind.stored, json.dumps(plain).encode()))
    except UnreadableEvent:
        found.append("refused")
    return found


def test_the_codec_keeps_its_law_for_every_event(codec: Codec) -> None:
    def decode(data: bytes, cls: type) -> Any:
        return decoded(codec, catalog().by_class[cls].stored, data)

    check_codec(codec.encode_event, decode, any_events())


@KINDS
def test_the_strategies_make_events_of_every_type(kind: EventType) -> None:
    @settings(max_examples=5)
    @given(events_of(kind), events_of(kind, stored=False))
    def made(stored: Any, fresh: Any) -> None:
        assert type(stored) is type(fresh) is kind.cls

    made()


# --- names nobody knows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "owners.household_registered",
        "owners.household_registered/0",
        "owners.household_registered/2",
        "Owners.household_registered/1",
        "crm_core.owners.events:HouseholdRegistered",
        "crm_core.owners.events.HouseholdRegistered/1",
        "antigravity/1",
        "",
    ],
)
@pytest.mark.rule("LOG-02")
def test_a_name_that_is_not_in_the_catalog_is_reported_with_its_place(
    name: str, codec: Codec
) -> None:
    """It is neither guessed, nor dropped, nor looked for in the code."""
    row = StoredRow(7, "household/V00001", 1, name, "V00001", "{}")
    with pytest.raises(UnknownEvent) as refused:
        codec.decode(row)
    assert (refused.value.name, refused.value.position) == (name, 7)


@pytest.mark.rule("LOG-02")
def test_reading_an_unknown_name_imports_nothing() -> None:
    """Whoever can write a row must not be able to choose what this process imports."""
    script = """
        import sys
        from crm_adapters.codec import Codec, StoredRow
        from crm_adapters.keys import LocalVault
        from crm_core.errors import UnknownEvent
        from crm_core.slices import catalog

        codec = Codec(catalog(), LocalVault())
        seen = []
        sys.addaudithook(lambda event, args: seen.append((event, args[0])) if event in
                         ("import", "open", "exec", "compile", "subprocess.Popen") else None)
        for name in ("antigravity/1", "this:zen/1", "os.system/1", "xmlrpc.client.Fault"):
            try:
                codec.decode(StoredRow(1, "x/1", 1, name, "", '{"digest":""}'))
            except UnknownEvent:
                continue
            raise SystemExit(f"`{name}` was read")
        if seen or "antigravity" in sys.modules or "this" in sys.modules:
            raise SystemExit(repr(seen))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.rule("LOG-02")
def test_a_log_with_an_unknown_name_stops_there_and_verifies_all_the_same() -> None:
    """Reading reports it; checking the bytes needs no classes."""
    vault = LocalVault()
    store = MemoryStore()
    _write(CodecEventLog(store, Codec(FIRST, vault)), LiftServicedOnce("A1", 3))
    log = CodecEventLog(store, Codec(catalog(), vault))
    with pytest.raises(UnknownEvent, match=r"`lifts\.serviced/1` at position 1"):
        list(log.feed())
    assert log.verify().intact
    vault.close()


# --- old versions --------------------------------------------------------------------------------


@frozen
class LiftServicedOnce:
    """Version 1: a lift by its number, a cost in yuan."""

    lift: str
    cost_yuan: int


@frozen
class LiftServicedTwice:
    """Version 2: the cost in fen."""

    lift: str
    cost_fen: int


@frozen
class LiftServiced:
    """Version 3: and by whom."""

    lift: str
    cost_fen: int
    serviced_by: str
    on: date | None


def _to_fen(data: dict[str, Any]) -> dict[str, Any]:
    return {"lift": data["lift"], "cost_fen": data["cost_yuan"] * 100}


def _with_whom(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "serviced_by": "not recorded", "on": None}


FIRST = Catalog([EventType("lifts.serviced", 1, LiftServicedOnce)])
SECOND = Catalog([EventType("lifts.serviced", 2, LiftServicedTwice, None, {1: _to_fen})])
THIRD = Catalog([EventType("lifts.serviced", 3, LiftServiced, "on", {1: _to_fen, 2: _with_whom})])
NOON = datetime(2011, 7, 1, 4, tzinfo=UTC)

OLD_ROWS = GOLDEN / "upcasters" / "lifts.serviced-1.json"
"""Rows of version 1, as the code of its day stored them."""


def _write(log: CodecEventLog, event: Any) -> None:
    tip = log.tips(["lift/A1"]).get("lift/A1", Tip())
    envelope = Envelope("system:crm", f"c{tip.version}", event, NOON.date(), NOON)
    log.append([Commit(f"c{tip.version}", "", (StreamAppend("lift/A1", tip, "", (envelope,)),))])


@pytest.mark.rule("LOG-02")
def test_every_version_ever_stored_is_read_as_today_s_event() -> None:
    """Two old versions and the current one in one stream, each written by the code of its day."""
    vault, store = LocalVault(), MemoryStore()
    _write(CodecEventLog(store, Codec(FIRST, vault)), LiftServicedOnce("A1", 3))
    _write(CodecEventLog(store, Codec(SECOND, vault)), LiftServicedTwice("A1", 450))
    today = CodecEventLog(store, Codec(THIRD, vault))
    _write(today, LiftServiced("A1", 500, "E4", date(2011, 7, 2)))
    read: list[Recorded[Any]] = list(today.read("lift/A1"))
    assert [recorded.event for recorded in read] == [
        LiftServiced("A1", 300, "not recorded", None),
        LiftServiced("A1", 450, "not recorded", None),
        LiftServiced("A1", 500, "E4", date(2011, 7, 2)),
    ]
    assert [recorded.name for recorded in read] == [f"lifts.serviced/{v}" for v in (1, 2, 3)]
    vault.close()


@pytest.mark.rule("LOG-02")
def test_reading_with_new_code_leaves_the_old_bytes_and_their_digests() -> None:
    vault, store = LocalVault(), MemoryStore()
    for cost in (3, 4):
        _write(CodecEventLog(store, Codec(FIRST, vault)), LiftServicedOnce("A1", cost))
    before, verified = list(store.raw()), CodecEventLog(store, Codec(FIRST, vault)).verify()
    today = CodecEventLog(store, Codec(THIRD, vault))
    assert len(list(today.feed())) == 2
    assert list(store.raw()) == before
    assert today.verify() == verified
    assert verified.intact
    rows = [row[5] for row in before]
    if REWRITE:
        OLD_ROWS.parent.mkdir(parents=True, exist_ok=True)
        OLD_ROWS.write_bytes(b"\n".join(rows) + b"\n")
    assert rows == OLD_ROWS.read_bytes().splitlines()
    vault.close()


@pytest.mark.rule("LOG-02")
def test_what_was_written_down_of_an_old_version_is_read_through_every_step_since() -> None:
    """From the bytes alone, where nobody has the classes of their day any more."""
    codec = Codec(THIRD, LocalVault())
    rows = [
        StoredRow(n, "lift/A1", n, "lifts.serviced/1", "", line)
        for n, line in enumerate(OLD_ROWS.read_text(encoding="utf-8").splitlines(), 1)
    ]
    today = [LiftServiced("A1", cost, "not recorded", None) for cost in (300, 400)]
    assert [codec.decode(row).event for row in rows] == today
    assert [codec.fact(row[0], row[3], row[5])[2] for row in rows] == today
    folded = codec.fold([(row[2], row[3], row[5]) for row in rows], lambda s, e: [*s, e], [])
    assert folded == today
    codec.vault.close()


@pytest.mark.rule("LOG-02")
def test_upcasters_are_steps_from_dict_to_dict() -> None:
    first = {"lift": "A1", "cost_yuan": 3}
    kind, data = THIRD.upcast("lifts.serviced/1", first)
    assert (kind.version, data) == (
        3,
        {"lift": "A1", "cost_fen": 300, "serviced_by": "not recorded", "on": None},
    )
    assert first == {"lift": "A1", "cost_yuan": 3}
    assert THIRD.upcast("lifts.serviced/2", {"lift": "A1", "cost_fen": 300})[1] == data
    assert THIRD.names() == ["lifts.serviced/1", "lifts.serviced/2", "lifts.serviced/3"]
    with pytest.raises(KeyError):
        THIRD.upcast("lifts.serviced/4", {})


@pytest.mark.rule("LOG-02")
def test_an_old_event_that_no_step_can_read_is_unreadable_and_not_dropped() -> None:
    vault, store = LocalVault(), MemoryStore()
    _write(CodecEventLog(store, Codec(FIRST, vault)), LiftServicedOnce("A1", 3))
    [row] = store.read("lift/A1", 0)
    damaged = row._replace(state=row.state.replace('"cost_yuan":3', '"cost":3'))
    with pytest.raises(UnreadableEvent, match="position 1"):
        Codec(THIRD, vault).decode(damaged)
    vault.close()


@pytest.mark.parametrize(
    "upcasters",
    [{}, {1: _to_fen}, {2: _with_whom}, {1: _to_fen, 2: _with_whom, 3: _to_fen}, {0: _to_fen}],
)
@pytest.mark.rule("LOG-02")
def test_a_gap_in_the_upcasters_is_refused_when_the_catalog_is_made(upcasters: Any) -> None:
    """Not years later, by the first log that still holds the version."""
    with pytest.raises(ValueError, match="an upcaster for each older version"):
        Catalog([EventType("lifts.serviced", 3, LiftServiced, None, upcasters)])


@pytest.mark.rule("LOG-02")
def test_a_name_or_a_class_is_listed_once() -> None:
    one = EventType("lifts.serviced", 1, LiftServicedOnce)
    for other in (
        EventType("lifts.serviced", 1, LiftServicedTwice),
        EventType("lifts.repaired", 1, LiftServicedOnce),
    ):
        with pytest.raises(ValueError, match="listed twice"):
            Catalog([one, other])


@given(st.binary(max_size=60))
def test_no_bytes_do_worse_than_being_unreadable(data: bytes) -> None:
    codec = Codec(catalog(), LocalVault())
    state = data.decode("utf-8", "surrogateescape")
    with pytest.raises(UnreadableEvent):
        codec.decode(StoredRow(1, "x/1", 1, "requests.closed/1", "", state))
    codec.vault.close()


def test_the_codec_and_the_plain_encoder_of_msgspec_agree() -> None:
    """No hook of the codec changes bytes: whoever has the classes can write them."""
    encoder = msgspec.json.Encoder(order="sorted")
    codec = Codec(catalog(), LocalVault())
    for kind in catalog().types:
        event = example(kind.cls, full=True)
        assert encoder.encode(event) == codec.encode_event(event)
    codec.vault.close()
