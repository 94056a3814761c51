"""Errors speak both languages, and go between processes whole."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from crm_core import errors
from crm_core.errors import (
    CommandReused,
    CommitUnknown,
    Conflict,
    CrmError,
    Fault,
    Invalid,
    KeyFileRefused,
    LogOutdated,
    NotDelivered,
    OtherPast,
    PersonErased,
    PolicyDigestMismatch,
    Refused,
    UnknownEvent,
    UnreadableEvent,
    ViewNotReady,
)
from crm_core.kernel.decider import Refusal

TOLD = (
    Conflict("a/1", 1, 2),
    CommitUnknown("c1"),
    Invalid([Fault("one", "a:1", {"first": 1}), Fault("two", sentence="second")]),
    KeyFileRefused("key_file_mode", file="crm.db.keys", mode="0644"),
    NotDelivered("unreachable", transient=True),
    OtherPast("requests.open", 7, "a" * 64, "b" * 64),
    PolicyDigestMismatch("p/1", "0", "1"),
    Refused(Refusal("code", "PAY-01", {"accepted": ["A"]})),
    UnknownEvent("wave.open/1", 7),
    UnreadableEvent(7, "a/1", "damage"),
)


SAID = (
    (Conflict("a/1", 1, 2), "stream `a/1` is at version 2, not at 1", "`a/1`"),
    (
        Conflict("a/1", 1, None),
        "stream `a/1` or a command id was written by another first",
        "`a/1`",
    ),
    (
        Conflict("c1", 0, 1, "command_conflict"),
        "command id `c1` was written by another first",
        "命令编号 `c1`",
    ),
    (CommandReused("c1"), "command id `c1` was used before, for another command", "`c1`"),
    (
        CommitUnknown("c1"),
        "it is unknown whether command `c1` was committed; repeat it",
        "不得而知",
    ),
    (UnknownEvent("a.b/1"), "event `a.b/1` is not known to this version", "不认识"),
    (
        UnknownEvent("a.b/1", 7),
        "event `a.b/1` at position 7 is not known to this version",
        "序号 7",
    ),
    (
        UnreadableEvent(7, "a/1", "event_gone"),
        "event at position 7 in `a/1` cannot be read: it was there before and is gone",
        "它曾经存在，现已不见",
    ),
    (
        UnreadableEvent(0, "?", "DecodeError", 3),
        "event of the log cannot be read: DecodeError at version 3",
        "DecodeError",
    ),
    (
        UnreadableEvent(0, "?", "bytes_not_text"),
        "event of the log cannot be read: the stored bytes are not text",
        "不是文本",
    ),
    (
        PolicyDigestMismatch("p/1", "0" * 64, "1" * 64),
        f"policy `p/1` has digest {'1' * 16}…, pinned is {'0' * 16}…",
        "摘要",
    ),
    (PersonErased("V1#owner"), "`V1#owner` was erased; nothing new about them is kept", "抹除"),
    (ViewNotReady("v", 2), "view `v` of version 2 has not caught up yet", "尚未跟上"),
    (
        LogOutdated("x.db", "0001", "0002"),
        "`x.db` has the tables of revision 0001, not 0002; `crm migrate` brings them forward",
        "表结构版本",
    ),
    (
        NotDelivered("unknown_outcome", transient=True),
        "not delivered: unknown outcome; it may be tried again",
        "结果不明；可以重试",
    ),
    (
        NotDelivered("a_word_of_the_hosts", transient=False),
        "not delivered: a word of the hosts; trying again will not help",
        "a word of the hosts",
    ),
    (
        Invalid([Fault("date_form", "a:1"), Fault("missing"), Fault("missing")]),
        "a:1: a date is written `YYYY-MM-DD` (and 2 more)",
        "另有 2 处错误",
    ),
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


@pytest.mark.parametrize(
    ("error", "english", "chinese"), SAID, ids=lambda said: type(said).__name__
)
def test_an_error_says_what_is_the_matter_in_both_languages(
    error: CrmError, english: str, chinese: str
) -> None:
    assert (error.message, str(error)) == (english, f"{english} [{error.code}]")
    assert chinese in error.told("zh")


def test_none_is_made_of_anything_else() -> None:
    """Every class revives without its constructor."""
    for kind in kinds():
        if kind.__module__ == errors.__name__:
            bare = kind.__new__(kind, "said")
            bare.sentence = "said"
            same = pickle.loads(pickle.dumps(bare))
            assert (type(same), same.args, same.sentence) == (kind, ("said",), "said")
