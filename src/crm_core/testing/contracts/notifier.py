"""The contract of the port `Notifier`."""

from __future__ import annotations

from typing import Any, cast

import pytest

from crm_core.errors import NotDelivered
from crm_core.kernel.sealed import Personal
from crm_core.ports import Notifier, Outgoing

HEADER_INJECTIONS = (
    "subject\r\nBcc: all@example.com",
    "subject\nBcc: all@example.com",
    "subject\rBcc: all@example.com",
    "subject\r\n\r\nanother body",
    "subject\x00",
    "subject\x0b\x0cTo: all@example.com",
    "subject\x85Bcc: all@example.com",
    "subject\u2028Bcc: all@example.com",
    "subject\r\n.\r\nMAIL FROM:<a@example.com>",
)
"""Subjects that would become headers, or another message, if they were taken as they are."""


class NotifierContract:
    """What every notifier promises (OUT-01).

    A subclass says how to make one, and what the other side took.
    """

    ADDRESS = "mei@example.com"
    """An address that the notifier can use."""

    def make(self) -> Notifier:
        """A notifier whose other side takes every message."""
        raise NotImplementedError

    def taken(self) -> list[tuple[str, str]]:
        """Id and text (subject and body) of what the other side took, in order."""
        raise NotImplementedError

    def refusing(self) -> Notifier | None:
        """A notifier whose other side takes nothing, or None if there is no such thing."""
        return None

    def unreachable(self) -> Notifier | None:
        """A notifier whose other side is not there, or None."""
        return None

    def outgoing(self, id: str = "m1", **changes: str) -> Outgoing:
        """A message to somebody."""
        address = changes.pop("address", self.ADDRESS)
        fields = {"subject": "已收到报事 R1010", "body": "您好：\n谢谢 👍 {x} %s", **changes}
        return Outgoing(
            id=id,
            channel="email",
            purpose="service",
            language="zh",
            address=Personal("V1#owner", address),
            **cast("Any", fields),
        )

    def test_a_message_is_taken_with_its_id_and_its_text(self) -> None:
        outgoing = self.outgoing()
        _told(self.make(), outgoing)
        [(id, text)] = self.taken()
        assert id == "m1"
        assert outgoing.subject in text
        assert all(line in text for line in outgoing.body.splitlines())

    def test_a_message_that_is_sent_again_has_the_same_id(self) -> None:
        notifier = self.make()
        for id in ("m1", "m2", "m1"):
            _told(notifier, self.outgoing(id))
        assert [id for id, _ in self.taken()] == ["m1", "m2", "m1"]

    def test_a_receipt_is_one_line_without_anything_personal(self) -> None:
        outgoing = self.outgoing(body="Dear Ouyang Xiu")
        receipt = self.make().send(outgoing)
        assert 0 < len(receipt) <= 200
        assert receipt.isprintable()
        for secret in (self.ADDRESS, "Ouyang", outgoing.subject):
            assert secret not in receipt

    @pytest.mark.parametrize("subject", HEADER_INJECTIONS)
    def test_a_line_break_in_a_subject_becomes_neither_header_nor_message(
        self, subject: str
    ) -> None:
        try:
            self.make().send(self.outgoing(subject=subject))
        except NotDelivered as error:
            assert error.transient is False, "it will say the same again"  # noqa: PT017
        assert len(self.taken()) <= 1

    def test_nothing_personal_shows_itself(self) -> None:
        outgoing = self.outgoing(body="Dear Ouyang Xiu", subject="for Ouyang Xiu")
        for shown in (repr(outgoing), str(outgoing), repr(self.make())):
            assert self.ADDRESS not in shown
            assert "Ouyang" not in shown

    def test_a_refusal_is_told_as_such_and_names_nobody(self) -> None:
        notifier = self.refusing()
        if notifier is None:
            pytest.skip("nothing refuses here")
        with pytest.raises(NotDelivered) as refused:
            notifier.send(self.outgoing())
        assert self.ADDRESS not in f"{refused.value} {refused.value.as_dict()}"
        assert refused.value.__cause__ is None
        assert self.taken() == []

    def test_what_is_not_there_today_may_be_there_tomorrow(self) -> None:
        notifier = self.unreachable()
        if notifier is None:
            pytest.skip("it is always there")
        with pytest.raises(NotDelivered) as refused:
            notifier.send(self.outgoing())
        assert refused.value.transient

    def test_closing_it_twice_is_allowed(self) -> None:
        notifier = self.make()
        notifier.close()
        notifier.close()


def _told(notifier: Notifier, outgoing: Outgoing) -> None:
    assert notifier.send(outgoing), "a receipt says something"
