"""Errors go between processes whole."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from crm_core import errors
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    CrmError,
    Fault,
    Invalid,
    PolicyDigestMismatch,
    Refused,
    UnknownEvent,
    UnreadableEvent,
)
from crm_core.kernel.decider import Refusal

TOLD = (
    Conflict("a/1", 1, 2),
    CommitUnknown("c1"),
    Invalid([Fault("one", "first", "a:1"), Fault("two", "second")]),
    PolicyDigestMismatch("p/1", "0", "1"),
    Refused(Refusal("code", "PAY-01", "no", {"accepted": ["A"]})),
    UnknownEvent("wave.open/1", 7),
    UnreadableEvent(7, "a/1", "damage"),
)


def kinds(base: type[CrmError] = CrmError) -> Iterator[type[CrmError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


@pytest.mark.parametrize("error", TOLD, ids=lambda error: type(error).__name__)
def test_an_error_that_was_sent_is_the_same(error: CrmError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(same) is type(error)
        assert (str(same), same.as_dict(), same.args) == (str(error), error.as_dict(), error.args)
        assert vars(same) == vars(error)


def test_none_is_made_of_anything_else() -> None:
    """Every class revives without its constructor."""
    for kind in kinds():
        if kind.__module__ == errors.__name__:
            bare = kind.__new__(kind, "said")
            bare.message = "said"
            same = pickle.loads(pickle.dumps(bare))
            assert (type(same), same.args, same.message) == (kind, ("said",), "said")
