"""Messages and preferences go out by the access policy, too (PRV-01, 0057)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from access.town import CLERK, NOW, REQUEST, V1_OWNER, V2_OWNER, somebody, town
from crm_adapters.notify.outbox import notices
from crm_core import CRM, Refused
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.word import Word
from crm_core.messages import ChangePreference

pytestmark = pytest.mark.rule("PRV-01")


@pytest.fixture(scope="module")
def told() -> Iterator[CRM]:
    with town() as crm:
        word = Word("V1#owner", "phone", "rec 9")
        crm.do(ChangePreference("V1", "V1#owner", "survey", True, word, ""), by=CLERK)
        crm.do(attrs.evolve(REQUEST, received_at=NOW), by=CLERK)
        crm.views.catch_up(notices(crm))
        yield crm


def test_what_members_agreed_to_is_shown_for_a_purpose(told: CRM) -> None:
    [shown] = told.messages.preferences("V1", by=CLERK, purpose="service")
    assert (shown["member"], shown["about"], shown["allowed"]) == ("V1#owner", "survey", True)
    [hidden] = told.messages.preferences("V1", by=CLERK)
    assert {hidden[name] for name in ("member", "about", "word")} == {Withheld("purpose_missing")}
    [guard] = told.messages.preferences("V1", by=somebody("security"), purpose="service")
    assert guard["about"] == Withheld("tier")


def test_members_see_their_own_and_no_others(told: CRM) -> None:
    [own] = told.messages.preferences("V1", by=V1_OWNER)
    assert own["about"] == "survey"
    for ask in (told.messages.preferences, told.messages.every):
        with pytest.raises(Refused) as refused:
            ask("V1", by=V2_OWNER)
        assert refused.value.reason == "not_of_household"


def test_to_whom_messages_go_is_shown_for_a_purpose(told: CRM) -> None:
    """By number alone they are anybody's of the staff; of whom else they are left out."""
    assert [row["recipient"] for row in told.messages.every()] == ["V1#owner"]
    assert [row["recipient"] for row in told.messages.every(by=CLERK, purpose="service")] == [
        "V1#owner"
    ]
    [hidden] = told.messages.every(by=CLERK)
    assert (hidden["household"], hidden["recipient"]) == ("V1", Withheld("purpose_missing"))
    assert [row["recipient"] for row in told.messages.every(by=V1_OWNER)] == ["V1#owner"]
    assert told.messages.every(by=V2_OWNER) == []
