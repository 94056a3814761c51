"""Classes of values compare, are hashed and are shown as attrs would have it."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import attrs
import pytest
from attrs import field

import crm_adapters
import crm_core
from crm_core.kernel import values

OURS = {"frozen": values.frozen, "define": values.define}
ATTRS = {"frozen": attrs.frozen, "define": attrs.define}
MADE = [
    ("frozen", {}),
    ("frozen", {"kw_only": True}),
    ("frozen", {"order": True}),
    ("frozen", {"eq": False}),
    ("frozen", {"repr": False}),
    ("define", {}),
    ("define", {"frozen": True}),
    ("define", {"frozen": True, "slots": False}),
    ("define", {"unsafe_hash": True}),
    ("define", {"eq": False}),
]


def _several(made, asked):
    class Charge:
        number: str
        fen: int
        note: str = field(default="", eq=False, repr=False)

    return made(**asked)(Charge)


def _one(made, asked):
    class Charge:
        number: str

    return made(**asked)(Charge)


def _none(made, asked):
    class Charge:
        pass

    return made(**asked)(Charge)


def _derived(made, asked):
    @made(**asked)
    class Movement:
        number: str

    class Charge(Movement):
        fen: int = 0

    return made(**asked)(Charge)


def _own(made, asked):
    class Charge:
        number: str

        def __eq__(self, other):
            return isinstance(other, type(self)) and self.number[:1] == other.number[:1]

        def __hash__(self):
            return hash(self.number[:1])

        def __repr__(self):
            return f"<{self.number}>"

    return made(**asked)(Charge)


SHAPES = {
    _several: [("a", 1, "x"), ("a", 1, "y"), ("a", 2, "x"), ("b", 1, "x")],
    _one: [("a",), ("a",), ("b",)],
    _none: [(), ()],
    _derived: [("a", 1), ("a", 1), ("a", 2)],
    _own: [("ab",), ("ac",), ("b",)],
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__.strip("_"))
@pytest.mark.parametrize(("name", "asked"), MADE)
def test_they_mean_what_attrs_means(shape, name, asked):
    ours, theirs = (shape(made[name], asked) for made in (OURS, ATTRS))
    rows = SHAPES[shape]

    def values_of(kind):
        names = [one.name for one in attrs.fields(kind)]
        return [kind(**dict(zip(names, row, strict=True))) for row in rows]

    mine, proper = values_of(ours), values_of(theirs)
    if asked != {"repr": False}:
        assert [repr(one) for one in mine] == [repr(one) for one in proper]
    pairs = list(product(range(len(rows)), repeat=2))
    assert [mine[a] == mine[b] for a, b in pairs] == [proper[a] == proper[b] for a, b in pairs]
    assert [mine[a] != mine[b] for a, b in pairs] == [proper[a] != proper[b] for a, b in pairs]
    assert mine[0] != proper[0]
    assert mine[0] != rows[0]
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    if theirs.__hash__ is not None:
        alike = [hash(mine[a]) == hash(mine[b]) for a, b in pairs]
        assert alike == [hash(proper[a]) == hash(proper[b]) for a, b in pairs]


def test_a_value_of_a_class_within_a_function_is_shown_by_its_own_name():
    @values.frozen
    class Charge:
        number: str

    assert repr(Charge("a")) == "Charge(number='a')"
    assert Charge.__eq__.__qualname__.endswith("Charge.__eq__")


def test_classes_that_differ_only_in_name_hash_apart():
    @values.frozen
    class Charge:
        number: str

    @values.frozen
    class Payment:
        number: str

    assert Charge("a") != Payment("a")
    assert len({Charge("a"), Payment("a"), Charge("a")}) == 2


def test_every_class_of_the_library_is_made_so():
    """A class made by attrs alone costs the start of `crm` what this module is there to save."""
    makers = {"frozen", "define", "mutable"}
    others = {
        path.name
        for package in (crm_core, crm_adapters)
        for path in Path(package.__file__ or "").parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in {"attr", "attrs"}
        if makers & {one.name for one in node.names} and path != Path(values.__file__)
    }
    assert not others
