"""Vectors for implementations in other languages: JSON files beside this module.

`docs/reference/vectors.md` says what each holds and how it is computed; `made` makes them from the
code, and a test compares. `read` gives one as data.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import islice
from typing import Any

from crm_core.gradings.criteria import AWAITING, COMPUTED
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GRADES, GradingPolicy
from crm_core.kernel.canonical import canonical, digest_of, first_link, stored_event
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.policy import read_toml
from crm_core.testing.towns.chance import Chance

NAMES = ("canonical.json", "chain.json", "policies.json", "tree.json")
"""The files."""

DRAWN, KEPT = 4000, 3
"""Facts that are drawn for each policy, and how many are kept that the same rows decide."""

TREES = (*range(18), 31, 32, 33, 255, 256, 257, 513)
"""Sizes of trees."""

POLICIES = ("grade-cn-default", "grade-cn-default-2", "grade-cn-monotone")
"""Files of grading policies."""


def read(name: str) -> Any:
    """One of the files, as data.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return json.loads((files(__name__) / name).read_text(encoding="utf-8"))


def made() -> Mapping[str, bytes]:
    """The bytes of every file, as the code makes them today."""
    contents = (_canonical(), _chain(), _policies(), _tree())
    return {name: _text(value) for name, value in zip(NAMES, contents, strict=True)}


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"


# --- canonical bytes ---------------------------------------------------------------------------

_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**53,
    -(2**53),
    "",
    "owner",
    "业主",
    "é is one letter, e\u0301 two",
    '"\\/',
    "\b\f\n\r\t\x00\x1f\x7f",
    "\u2028\u2029\ufeff",
    "😀 and \uffff",
    [],
    {},
    [[], {}, [{}]],
    {"b": 1, "a": 2, "A": 3, "": 4},
    {"\uffff": 1, "😀": 2, "é": 3, "z": 4, "业": 5},
    {"amount_fen": 12700, "due": "2024-03-01", "household": "V1", "lines": [{"n": 2, "m": None}]},
)

_REFUSED = ("0.5", "1e3", "1.0", "9007199254740993", "-9007199254740993", "NaN", "Infinity")


def _canonical() -> dict[str, Any]:
    return {
        "values": [
            {"value": value, "canonical": canonical(value).decode(), "sha256": digest_of(value)}
            for value in _VALUES
        ],
        "refused": list(_REFUSED),
    }


# --- the chain of a stream ---------------------------------------------------------------------

_EVENTS: tuple[tuple[str, Any], ...] = (
    ("payments.charge_raised/1", {"data": {"amount_fen": 12700, "charge": "C1"}, "command": "c1"}),
    ("payments.payment_received/1", {"data": {"note": "“现金”\n谢谢 😀"}, "command": "c2"}),
    ("payments.payment_received/1", {"data": {}, "command": "c3"}),
)


def _chain() -> dict[str, Any]:
    chains = (("", "account/V1"), ("north", "account/V1"), ("", "account/户-1"))
    return {"chains": [_chain_of(tenant, stream) for tenant, stream in chains]}


def _chain_of(tenant: str, stream: str) -> dict[str, Any]:
    digest = first_link(tenant, stream)
    household = stream.partition("/")[2]
    told = {"tenant": tenant, "stream": stream, "household": household, "first_link": digest}
    events = []
    for version, (name, event) in enumerate(_EVENTS, start=1):
        digest, text = stored_event(digest, stream, version, name, canonical(event), household)
        kept = {"version": version, "name": name, "event": event, "digest": digest, "text": text}
        events.append(kept)
    return {**told, "events": events}


# --- the tree over a log -----------------------------------------------------------------------


def _tree() -> dict[str, Any]:
    roots = []
    for size in TREES:
        tree = MerkleTree()
        tree.extend(leaf_of(number) for number in range(size))
        roots.append({"leaves": size, "root": tree.root()})
    return {"leaf": "event NUMBER, from 0", "roots": roots}


def leaf_of(number: int) -> bytes:
    """The data of a leaf of the trees here."""
    return f"event {number}".encode()


# --- decisions ---------------------------------------------------------------------------------

_COUNTS = ("attention", "b2_entries", "charges_due", "complaints", "conduct", "interests")
_AMOUNTS = ("previous_purchases_fen", "purchases_fen")
_GRADES = ("credit", "worst_credit")


def _policies() -> dict[str, Any]:
    folder = files("crm_core.gradings") / "policies"
    texts = [(folder / f"{name}.toml").read_text(encoding="utf-8") for name in POLICIES]
    told = {"grades": list(GRADES.values)}
    return {**told, "policies": [_policy(n, text) for n, text in enumerate(texts)]}


def _policy(number: int, text: str) -> dict[str, Any]:
    policy = GradingPolicy.parse(text)
    contents = json.loads(json.dumps(read_toml(text), default=str))
    assert digest_of(contents) == policy.ref.digest, "dates are told as they are digested"
    drawn = _drawn(Chance(2011, number), _edges(contents))
    return {
        "contents": contents,
        "digest": policy.ref.digest,
        "decisions": list(_decisions(drawn, policy)),
    }


def _decisions(drawn: Iterator[Facts], policy: GradingPolicy) -> Iterator[dict[str, Any]]:
    """Few of those that the same rows decide, so that every row has its turn."""
    seen: Counter[tuple[int, ...]] = Counter()
    for facts in islice(drawn, DRAWN):
        values = facts.values()
        outcomes: dict[str, Any] = {}
        rows = []
        for table in policy.tables:
            verdict = table.decide({**values, **outcomes})
            outcomes[table.name] = verdict.outcome
            rows.append(verdict.row)
        seen[tuple(rows)] += 1
        if seen[tuple(rows)] <= KEPT:
            awaits = outcomes["layer"] in policy.needs_confirmation
            status = AWAITING if awaits else COMPUTED
            yield {"facts": values, "outcomes": outcomes, "status": status}


def _edges(contents: Mapping[str, Any]) -> Mapping[str, list[int]]:
    """For each number that a table looks at, its thresholds and what lies beside them."""
    found: dict[str, set[int]] = {name: {0, 1} for name in (*_COUNTS, *_AMOUNTS)}
    for table in ("attention_level", "prospect", "type", "layer"):
        for row in contents[table]:
            for condition in row.get("when", ()):
                threshold = condition["threshold"]
                if type(threshold) is int and "of" not in condition:
                    near = (threshold - 1, threshold, threshold + 1)
                    found[condition["fact"]].update(one for one in near if one >= 0)
    return {name: sorted(values) for name, values in found.items()}


def _drawn(chance: Chance, edges: Mapping[str, list[int]]) -> Iterator[Facts]:
    while True:
        numbers = {name: chance.one_of(edges[name]) for name in (*_COUNTS, *_AMOUNTS)}
        if not chance.below(3):
            # Beside the eleven tenths of the year before, from which on purchases grow.
            before = numbers["previous_purchases_fen"]
            grown = -(-before * 110 // 100) + chance.between(-1, 1)
            numbers["purchases_fen"] = max(grown, 0)
        if chance.below(4):
            numbers["charges_due"] = 12
        credit = chance.below(len(GRADES.values) if not chance.below(3) else 2)
        worst = min(credit + chance.below(3), len(GRADES.values) - 1)
        yield Facts(
            **numbers,
            credit=GRADES.values[credit],
            worst_credit=GRADES.values[worst],
            overdue_days=chance.below(400),
            overdue_fen=chance.below(100_000),
        )
