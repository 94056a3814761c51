"""What is too large is refused at once, and what just fits is taken: the table of limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.cli.group import policy_file
from crm_core.errors import Invalid
from crm_core.gradings.events import Moved, RecordReplaced
from crm_core.kernel.limits import (
    COMMAND_EVENTS_MAX,
    COMPUTED_BYTES_MAX,
    LIMITS,
    LINE_BYTES_MAX,
    NESTING_MAX,
    PAYLOAD_BYTES_MAX,
    POLICY_BYTES_MAX,
    check_nesting,
)
from crm_core.kernel.recorded import Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import (
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    TEXT_BYTES_MAX,
    check_id,
    check_storable,
    check_text,
)
from crm_core.payments.events import ChargeRaised

SECONDS = 1.0
"""In which what is too large is refused, a thousand times as large too."""


def raised(period: str) -> ChargeRaised:
    return ChargeRaised("C1", "management_fee", period, 100, date(2024, 1, 31), None)


def commit(*periods: str) -> Commit:
    """One command that leaves an event for each."""
    envelopes = tuple(
        Envelope(
            "finance:F1", "c1", raised(period), date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC),
            nth=nth,
        )
        for nth, period in enumerate(periods, start=1)
    )  # fmt: skip
    return Commit("c1", "d", (StreamAppend("account/V1", Tip(), "V1", envelopes),))


def append(*periods: str) -> None:
    """To a new log, which holds all of it, or nothing and goes on."""
    with open_crm("memory:") as crm:
        try:
            crm.log.append([commit(*periods)])
        except Invalid:
            assert crm.log.empty()
            crm.log.append([commit("2024-01")])
            raise
        assert crm.log.head() == len(periods)
        assert crm.verify().intact


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, monkeypatch)


def code_of(act: Callable[[], object]) -> str | None:
    """The code with which it is refused, None if it is taken; at once either way."""
    started = perf_counter()
    try:
        act()
    except Invalid as error:
        return error.faults[0].code
    except Malformed as error:
        return error.sentence
    finally:
        assert perf_counter() - started < SECONDS
    return None


def nested(depth: int) -> Any:
    value: Any = []
    for n in range(depth - 1):
        value = [value] if n % 2 else {"in": value}
    return value


TRIED: dict[str, tuple[int, Callable[[int], object], str]] = {
    "characters of an id": (ID_LENGTH_MAX, lambda n: check_id("x" * n), "id_form"),
    "characters of a stream or command id": (
        NAME_LENGTH_MAX,
        lambda n: check_storable("x" * n),
        "text_unstorable",
    ),
    "bytes of a text that people write, in UTF-8": (
        TEXT_BYTES_MAX,
        lambda n: check_text("长" * (n // 3) + "x" * (n % 3)),
        "text_too_long",
    ),
    "events that one command leaves": (
        COMMAND_EVENTS_MAX,
        lambda n: append(*["2024-01"] * n),
        "command_too_large",
    ),
    "objects and lists within each other, in JSON": (
        NESTING_MAX,
        lambda n: check_nesting(nested(n)),
        "nested_too_deep",
    ),
}


@pytest.mark.parametrize("what", TRIED)
def test_what_just_fits_is_taken_and_one_more_is_not(what: str) -> None:
    most, act, code = TRIED[what]
    assert code_of(lambda: act(most - 1)) is None
    assert code_of(lambda: act(most)) is None
    assert code_of(lambda: act(most + 1)) == code
    assert code_of(lambda: act(most * 10)) == code


def test_an_event_has_so_many_bytes_and_no_more() -> None:
    """Counted as it is stored, with who and when; a thousand times as large is refused at once."""
    rest = _stored("")
    for more, code in ((-1, None), (0, None), (1, "payload_too_large")):
        text = "x" * (PAYLOAD_BYTES_MAX - rest + more)
        assert code_of(lambda text=text: append(text)) == code  # type: ignore[misc]
    assert code_of(lambda: append("x" * (1000 * PAYLOAD_BYTES_MAX))) == "payload_too_large"


def _stored(text: str) -> int:
    """Bytes of the event and its envelope."""
    [envelope] = commit(text).appends[0].events
    with open_crm("memory:") as crm:
        crm.log.append([commit(text)])
        [(_, _, _, _, _, state)] = crm.log.store.raw()  # type: ignore[attr-defined]
    whole = json.loads(state)
    assert whole["event"]["actor"] == envelope.actor
    return len(json.dumps(whole["event"], ensure_ascii=False, separators=(",", ":")).encode())


def test_a_line_of_commands_is_so_long_and_no_longer(office: Office) -> None:
    """The next line is taken all the same."""
    status = office.run("do", "--list")[0]
    assert status == 0
    line = {"act": "nothing", "id": ""}
    base = len(json.dumps(line))
    for more, code in ((-1, "act_unknown"), (0, "act_unknown"), (1, "line_malformed"),
                       (100 * LINE_BYTES_MAX, "line_malformed")):  # fmt: skip
        line["id"] = "x" * (LINE_BYTES_MAX - base + more)
        started = perf_counter()
        _, out, _ = office.run("do", "-", stdin=json.dumps(line) + "\n{}\n")
        assert perf_counter() - started < SECONDS
        first, second = map(json.loads, out.splitlines())
        assert (first["line"], first["invalid"][0]["code"]) == (1, code)
        assert (second["line"], second["invalid"][0]["code"]) == (2, "act_unknown")


def test_a_line_nests_so_deep_and_no_deeper(office: Office) -> None:
    """Also where Python itself would give up."""
    for depth, code in ((NESTING_MAX, "act_unknown"), (NESTING_MAX + 1, "line_malformed"),
                        (100_000, "line_malformed")):  # fmt: skip
        fields = "[" * (depth - 1) + "]" * (depth - 1)
        _, out, _ = office.run("do", "-", stdin=f'{{"act": "nothing", "fields": {fields}}}\n')
        assert json.loads(out)["invalid"][0]["code"] == code


def test_a_policy_file_is_so_large_and_no_larger(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    for more, code in ((-1, None), (0, None), (1, "policy_unreadable")):
        path.write_bytes(b"#" * (POLICY_BYTES_MAX + more))
        assert code_of(lambda: policy_file(str(path))) == code
    with path.open("wb") as file:
        file.truncate(1000 * POLICY_BYTES_MAX)
    assert code_of(lambda: policy_file(str(path))) == "policy_unreadable"


@pytest.mark.rule("GRD-17")
def test_what_lists_an_estate_may_be_longer() -> None:
    """A record whose replacement moves every household of a large estate can be replaced."""

    def replace(households: int) -> None:
        moved = tuple(
            Moved(f"V{number:06}", "main", "ordinary", "lively", "cautious")
            for number in range(households)
        )
        event = RecordReplaced(2011, "r2", "r1", moved, "late", "D1", date(2012, 2, 1))
        envelope = Envelope(
            "director:D1", "c1", event, date(2012, 2, 1), datetime(2012, 2, 1, tzinfo=UTC)
        )
        with open_crm("memory:") as crm:
            crm.log.append([Commit("c1", "d", (StreamAppend("s", Tip(), "", (envelope,)),))])

    assert code_of(lambda: replace(2_000)) is None
    assert code_of(lambda: replace(20_000)) is None
    [code] = {
        limit.code for limit in LIMITS if limit.most == COMPUTED_BYTES_MAX > PAYLOAD_BYTES_MAX
    }
    assert code == "payload_too_large"


def test_every_limit_of_the_table_is_tried_here() -> None:
    """A new one fails this until it is."""
    apart = {
        "bytes of one event as it is stored",
        "bytes of an event that is computed over an estate, or holds a policy file",
        "bytes of one line of `crm do -`",
        "bytes of one policy file",
    }
    assert {limit.what for limit in LIMITS} == {*TRIED} | apart
    assert {limit.what: limit.most for limit in LIMITS}.items() >= {
        (what, most) for what, (most, _, _) in TRIED.items()
    }
