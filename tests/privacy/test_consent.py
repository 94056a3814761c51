"""What may be done with whose data: only on a ground, and never after they said no (PRV-05)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import attrs
import pytest
from consenting import (
    CLERK,
    MANAGER,
    OWNER,
    TENANT,
    TEXT,
    agreed,
    household,
    marketing_book,
    published,
    waiting_note,
)
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Refused
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.word import Word
from crm_core.messages.commands import ChangePreference, ReleaseMessage
from crm_core.messages.events import MessageWithheld
from crm_core.owners import EndRole
from crm_core.privacy import (
    CONSENTS,
    Consents,
    ConsentTexts,
    GiveConsent,
    PublishConsentText,
    PurposesPolicy,
    Use,
    WithdrawConsent,
    may_use,
)
from crm_core.privacy.consent import ConsentGiven, ConsentWithdrawn, Heard
from crm_core.privacy.consent_texts import CONSENT_TEXTS, ConsentTextPublished, text_digest
from crm_core.slices import shipped
from crm_core.testing import given

DAY = date(2024, 3, 4)
NINE = datetime(2024, 3, 4, 1, tzinfo=UTC)  # 09:00 in Shanghai
HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
POLICY = shipped().find(PurposesPolicy, "purposes-cn-default", DAY)
WORD = Word(OWNER, "phone", "call 1")


def text(version: int = 1, since: date = date(2024, 1, 1), anew: bool = False, **of: str) -> object:
    purpose = of.get("purpose", "marketing")
    return ConsentTextPublished(
        anew=anew,
        digest=text_digest(purpose, version, TEXT, ""),
        en="",
        published_by=MANAGER.id,
        purpose=purpose,
        since=since,
        version=version,
        zh=TEXT,
    )


TEXTS = CONSENT_TEXTS.decider.fold([text()])
HEARD = Heard(DAY, frozenset({OWNER, TENANT}), frozenset({OWNER, TENANT}), POLICY, TEXTS)
GIVE = GiveConsent("V1", OWNER, "marketing", 1, NINE, WORD, by=CLERK, heard=HEARD)
GIVEN = ConsentGiven(
    entered_by=CLERK.id,
    guardian="",
    household="V1",
    kind="ordinary",
    member=OWNER,
    minor_until=None,
    on=DAY,
    purpose="marketing",
    receiver="",
    receiver_told="",
    said_at=NINE,
    text_digest=text_digest("marketing", 1, TEXT, ""),
    text_version=1,
    until=None,
    word=WORD,
)
WITHDRAW = WithdrawConsent("V1", OWNER, "marketing", NINE + HOUR, WORD, by=CLERK, heard=HEARD)
WITHDRAWN = ConsentWithdrawn(
    entered_by=CLERK.id,
    household="V1",
    member=OWNER,
    on=DAY,
    purpose="marketing",
    receiver="",
    said_at=NINE + HOUR,
    word=WORD,
)


def use(*said: object, on: date = DAY, texts: ConsentTexts = TEXTS, **more: str) -> Use:
    """Whether the owner's data may be used for marketing after what was said."""
    purpose, member = more.pop("purpose", "marketing"), more.pop("member", OWNER)
    consents = CONSENTS.decider.fold(said)
    return may_use(purpose, member, on, consents=consents, texts=texts, policy=POLICY, **more)


# --- the closed list -----------------------------------------------------------------------------


@pytest.mark.rule("PRV-05")
def test_every_purpose_has_its_ground_and_no_other_purpose_is_known() -> None:
    """Typed by hand from the law (PIPL, art. 13, 23, 24, 29)."""
    assert {name: (p.basis, p.consent, p.refusable) for name, p in POLICY.purposes.items()} == {
        "service": ("contract", "ordinary", False),
        "complaint": ("contract", "ordinary", False),
        "payment": ("contract", "ordinary", False),
        "grading": ("contract", "ordinary", False),
        "care": ("contract", "ordinary", True),
        "survey": ("contract", "ordinary", True),
        "legal_retention": ("legal_duty", "ordinary", False),
        "authority": ("legal_duty", "ordinary", False),
        "emergency": ("emergency", "ordinary", False),
        "marketing": ("consent", "ordinary", False),
        "birthday": ("consent", "ordinary", False),
        "interest": ("consent", "ordinary", False),
        "segment": ("consent", "ordinary", False),
        "third_party": ("consent", "third_party", False),
        "special_care": ("consent", "sensitive", False),
    }
    assert use(GIVEN, purpose="curiosity") == Use(allowed=False, basis="", reason="unknown_purpose")


@pytest.mark.rule("PRV-05")
@pytest.mark.parametrize(
    ("purpose", "path", "code"),
    [
        ('basis = "whim"', "purposes.x.basis", "not_one_of"),
        ('basis = "consent"\nconsent = "loud"', "purposes.x.consent", "not_one_of"),
        ('basis = "contract"\nconsent = "sensitive"', "purposes.x.consent", "consent_of_no_use"),
        ('basis = "consent"\nrefusable = true', "purposes.x.refusable", "consent_always_refusable"),
    ],
)
def test_a_purpose_that_makes_no_sense_is_found(purpose: str, path: str, code: str) -> None:
    table = f'kind = "purposes"\n[policy]\nname = "ours"\nversion = 1\n[purposes.x]\n{purpose}\n'
    with pytest.raises(PolicyFault) as fault:
        PurposesPolicy.parse(table)
    assert [(where, what.sentence) for where, what in fault.value.faults] == [(path, code)]


# --- texts ---------------------------------------------------------------------------------------

PUBLISH = PublishConsentText("marketing", 1, date(2024, 1, 1), TEXT, by=MANAGER, policy=POLICY)


@pytest.mark.rule("PRV-05")
def test_a_text_is_published_once_and_never_changes() -> None:
    given(CONSENT_TEXTS).when(PUBLISH).then(text())
    given(CONSENT_TEXTS, text()).when(PUBLISH).then()
    other = attrs.evolve(PUBLISH, zh="别的内容")
    given(CONSENT_TEXTS, text()).when(other).refused("text_published", "PRV-05")
    given(CONSENT_TEXTS, text()).when(attrs.evolve(PUBLISH, anew=True)).refused(
        "text_published", "PRV-05"
    )


@pytest.mark.rule("PRV-05")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 3}, "version_out_of_turn"),
        ({"version": 2, "since": date(2023, 12, 31)}, "too_early"),
        ({"version": 2, "zh": " "}, "text_missing"),
        ({"version": 2, "purpose": "payment"}, "consent_not_needed"),
        ({"version": 2, "purpose": "curiosity"}, "unknown_purpose"),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused(changes: dict[str, object], code: str) -> None:
    given(CONSENT_TEXTS, text()).when(attrs.evolve(PUBLISH, **changes)).refused(code, "PRV-05")


# --- given ---------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-05")
def test_a_consent_keeps_the_text_that_was_shown_and_whose_word_it_is() -> None:
    given(CONSENTS).when(GIVE).then(GIVEN)
    in_person = attrs.evolve(GIVE, word=None, by=Actor(OWNER, "owner"))
    given(CONSENTS).when(in_person).then(attrs.evolve(GIVEN, word=None, entered_by=OWNER))


@pytest.mark.rule("PRV-05")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"word": None}, "evidence_missing"),
        ({"word": Word(TENANT, "phone", "call 2")}, "word_of_another"),
        ({"word": None, "by": Actor(TENANT, "user")}, "word_of_another"),
        ({"member": "V9#owner", "word": Word("V9#owner", "phone", "1")}, "no_member_then"),
        ({"purpose": "payment"}, "consent_not_needed"),
        ({"purpose": "curiosity"}, "unknown_purpose"),
        ({"version": 2}, "unknown_text"),
        ({"version": 0}, "unknown_text"),
        ({"receiver": "R1", "receiver_told": "保险公司"}, "receiver_of_no_use"),
        ({"purpose": "care"}, "text_of_no_use"),
        ({"until": DAY - DAYS}, "until_past"),
    ],
)
def test_nothing_else_is_a_consent(changes: dict[str, object], code: str) -> None:
    given(CONSENTS).when(attrs.evolve(GIVE, **changes)).refused(code, "PRV-05")


@pytest.mark.rule("PRV-05")
def test_a_version_is_agreed_to_only_while_it_is_shown() -> None:
    both = CONSENT_TEXTS.decider.fold([text(), text(2, date(2024, 3, 1))])
    late = attrs.evolve(GIVE, heard=attrs.evolve(HEARD, texts=both))
    given(CONSENTS).when(late).refused("text_not_shown", "PRV-05")
    ahead = CONSENT_TEXTS.decider.fold([text(since=date(2024, 3, 5))])
    early = attrs.evolve(GIVE, heard=attrs.evolve(HEARD, texts=ahead))
    given(CONSENTS).when(early).refused("text_not_shown", "PRV-05")
    # On the day of the change either may have been the one.
    on = attrs.evolve(HEARD, on=date(2024, 3, 1), texts=both)
    for version in (1, 2):
        asked = attrs.evolve(GIVE, version=version, heard=on)
        assert not isinstance(CONSENTS.decider.decide(asked, Consents()), type(None))
        assert CONSENTS.decider.decide(asked, Consents())[0].text_version == version


@pytest.mark.rule("PRV-05")
def test_a_third_party_is_named_and_agreed_to_alone() -> None:
    texts = CONSENT_TEXTS.decider.fold([text(purpose="third_party")])
    heard = attrs.evolve(HEARD, texts=texts)
    asked = attrs.evolve(GIVE, purpose="third_party", heard=heard)
    given(CONSENTS).when(asked).refused("receiver_missing", "PRV-05")
    untold = attrs.evolve(asked, receiver="R1")
    given(CONSENTS).when(untold).refused("receiver_untold", "PRV-05")
    told = attrs.evolve(untold, receiver_told="甲保险公司，电话 95500，报价，姓名和电话")
    [said] = CONSENTS.decider.decide(told, Consents())
    assert (said.kind, said.receiver) == ("third_party", "R1")
    about = {"purpose": "third_party", "texts": texts}
    assert use(said, receiver="R1", **about).allowed
    assert use(said, receiver="R2", **about).reason == "no_consent"
    assert use(said, **about).reason == "no_consent"
    # A withdrawal that names nobody is one from all of them.
    nobody = attrs.evolve(WITHDRAWN, purpose="third_party")
    assert use(said, nobody, receiver="R1", **about).reason == "withdrawn"
    other = attrs.evolve(nobody, receiver="R2")
    assert use(said, other, receiver="R1", **about).allowed


@pytest.mark.rule("PRV-05")
def test_a_child_is_agreed_for_by_a_guardian_until_it_is_fourteen() -> None:
    until = date(2024, 6, 30)
    for_child = attrs.evolve(GIVE, member=TENANT, minor_until=until)
    [said] = CONSENTS.decider.decide(for_child, Consents())
    assert said.guardian == OWNER
    assert use(said, member=TENANT, on=until).allowed
    assert use(said, member=TENANT, on=until + DAYS).reason == "of_age"
    own = attrs.evolve(GIVE, minor_until=until)
    given(CONSENTS).when(own).refused("guardian_missing", "PRV-05")
    late = attrs.evolve(for_child, minor_until=DAY - DAYS)
    given(CONSENTS).when(late).refused("not_a_minor", "PRV-05")
    gone = attrs.evolve(for_child, heard=attrs.evolve(HEARD, members=frozenset({TENANT})))
    given(CONSENTS).when(gone).refused("no_member_then", "PRV-05")
    # Who agreed for the child withdraws for it, and nobody else but the child.
    back = attrs.evolve(WITHDRAW, member=TENANT)
    given(CONSENTS, said).when(back).then(attrs.evolve(WITHDRAWN, member=TENANT))
    other = attrs.evolve(back, word=Word("V1#m2", "phone", "call 3"))
    given(CONSENTS, said).when(other).refused("word_of_another", "PRV-05")


@pytest.mark.rule("PRV-05")
def test_sensitive_data_needs_a_consent_of_its_own_kind() -> None:
    texts = CONSENT_TEXTS.decider.fold([text(purpose="special_care")])
    heard = attrs.evolve(HEARD, texts=texts)
    asked = attrs.evolve(GIVE, purpose="special_care", heard=heard)
    [said] = CONSENTS.decider.decide(asked, Consents())
    assert said.kind == "sensitive"
    assert use(said, purpose="special_care", texts=texts).allowed
    ordinary = attrs.evolve(said, kind="ordinary")
    assert use(ordinary, purpose="special_care", texts=texts).reason == "not_separate"


# --- withdrawn -----------------------------------------------------------------------------------


@pytest.mark.rule("PRV-05")
def test_a_withdrawal_needs_no_evidence_and_no_consent_before_it() -> None:
    silent = attrs.evolve(WITHDRAW, word=None)
    given(CONSENTS, GIVEN).when(silent).then(attrs.evolve(WITHDRAWN, word=None))
    given(CONSENTS).when(WITHDRAW).then(WITHDRAWN)


@pytest.mark.rule("PRV-05")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "payment"}, "purpose_not_refusable"),
        ({"purpose": "emergency"}, "purpose_not_refusable"),
        ({"purpose": "curiosity"}, "unknown_purpose"),
        ({"member": "V9#owner", "word": None}, "unknown_member"),
        ({"word": Word(TENANT, "phone", "call 2")}, "word_of_another"),
        ({"word": None, "by": Actor(TENANT, "user")}, "word_of_another"),
    ],
)
def test_a_withdrawal_ends_no_service_and_speaks_for_nobody_else(
    changes: dict[str, object], code: str
) -> None:
    given(CONSENTS).when(attrs.evolve(WITHDRAW, **changes)).refused(code, "PRV-05")


@pytest.mark.rule("PRV-05")
def test_what_was_agreed_to_under_another_list_can_still_be_withdrawn() -> None:
    fewer = attrs.evolve(POLICY, purposes={"service": POLICY.purposes["service"]})
    asked = attrs.evolve(WITHDRAW, heard=attrs.evolve(HEARD, policy=fewer))
    given(CONSENTS, GIVEN).when(asked).then(WITHDRAWN)


@pytest.mark.rule("PRV-05")
def test_who_has_moved_out_can_withdraw_and_not_agree() -> None:
    left = attrs.evolve(HEARD, members=frozenset({TENANT}))
    given(CONSENTS, GIVEN).when(attrs.evolve(WITHDRAW, heard=left)).then(WITHDRAWN)
    given(CONSENTS).when(attrs.evolve(GIVE, heard=left)).refused("no_member_then", "PRV-05")


# --- what holds ----------------------------------------------------------------------------------


@pytest.mark.rule("PRV-05")
def test_consent_carries_the_use_from_its_day_to_its_last() -> None:
    assert use().reason == "no_consent"
    assert use(GIVEN) == Use(allowed=True, basis="consent", reason="consent")
    assert use(GIVEN, on=DAY - DAYS).reason == "no_consent"
    limited = attrs.evolve(GIVEN, until=DAY + DAYS)
    assert use(limited, on=DAY + DAYS).allowed
    assert use(limited, on=DAY + 2 * DAYS).reason == "expired"
    assert use(GIVEN, WITHDRAWN).reason == "withdrawn"
    assert use(GIVEN, WITHDRAWN, on=DAY - DAYS).reason == "no_consent"


@pytest.mark.rule("PRV-05")
def test_what_was_said_last_holds_however_late_it_is_known() -> None:
    again = attrs.evolve(GIVEN, said_at=NINE + 10 * DAYS, on=DAY + 10 * DAYS)
    between = attrs.evolve(WITHDRAWN, said_at=NINE + 5 * DAYS, on=DAY + 5 * DAYS)
    later = DAY + 20 * DAYS
    # The withdrawal of the fifth day comes to be known behind the consent of the tenth.
    assert use(GIVEN, again, between, on=later).allowed
    assert not use(GIVEN, again, between, on=DAY + 5 * DAYS).allowed
    assert not use(GIVEN, again, between, on=DAY + 9 * DAYS).allowed
    assert use(GIVEN, again, between, on=DAY + 4 * DAYS).allowed
    # A consent that is entered behind a later withdrawal brings nothing back.
    assert not use(between, GIVEN, on=later).allowed
    # And of two words of the same instant the one that stops counts.
    same = attrs.evolve(WITHDRAWN, said_at=NINE)
    assert not use(GIVEN, same).allowed
    assert not use(same, GIVEN).allowed


@pytest.mark.rule("PRV-05")
def test_a_second_consent_is_kept_though_it_changes_nothing_today() -> None:
    """A withdrawal that was said between the two may still come to be known."""
    again = attrs.evolve(GIVE, said_at=NINE + HOUR)
    given(CONSENTS, GIVEN).when(again).then(attrs.evolve(GIVEN, said_at=NINE + HOUR))
    given(CONSENTS, GIVEN).when(GIVE).then()
    given(CONSENTS, WITHDRAWN).when(WITHDRAW).then()


@pytest.mark.rule("PRV-05")
def test_a_text_that_changes_much_asks_everybody_anew() -> None:
    since = date(2024, 5, 1)
    mild = CONSENT_TEXTS.decider.fold([text(), text(2, since)])
    anew = CONSENT_TEXTS.decider.fold([text(), text(2, since, anew=True)])
    assert use(GIVEN, on=since, texts=mild).allowed
    assert use(GIVEN, on=since - DAYS, texts=anew).allowed
    assert use(GIVEN, on=since, texts=anew).reason == "text_changed"
    renewed = attrs.evolve(GIVEN, text_version=2, said_at=NINE + 60 * DAYS, on=DAY + 60 * DAYS)
    assert use(GIVEN, renewed, on=DAY + 60 * DAYS, texts=anew).allowed


@pytest.mark.rule("PRV-05")
def test_an_objection_ends_what_needs_no_consent_but_can_be_refused() -> None:
    none = {"purpose": "care", "texts": ConsentTexts()}
    assert use(**none) == Use(allowed=True, basis="contract", reason="basis")
    objected = attrs.evolve(WITHDRAWN, purpose="care")
    assert use(objected, **none) == Use(allowed=False, basis="contract", reason="objected")
    lifted = attrs.evolve(GIVEN, purpose="care", said_at=NINE + 2 * HOUR, text_version=0)
    assert use(objected, lifted, **none).allowed
    limited = attrs.evolve(lifted, until=DAY)
    assert use(objected, limited, **none).allowed
    assert use(objected, limited, on=DAY + DAYS, **none).reason == "expired"
    # What cannot be refused goes on, whatever was said under another list.
    assert use(attrs.evolve(WITHDRAWN, purpose="complaint"), purpose="complaint").allowed


@pytest.mark.rule("PRV-05")
@hypothesis_given(st.data())
def test_a_day_at_a_time_the_answer_is_that_of_a_slow_reader(data: st.DataObject) -> None:
    """Every day is asked by going through all that was said, in the order in which it was said."""
    said = []
    for number in range(data.draw(st.integers(0, 8))):
        at = NINE + data.draw(st.integers(0, 30)) * DAYS + data.draw(st.integers(0, 2)) * HOUR
        on = DAY + timedelta(days=(at - NINE).days)
        if data.draw(st.booleans()):
            until = data.draw(st.none() | st.integers(0, 10).map(lambda d, on=on: on + d * DAYS))
            said.append(
                attrs.evolve(
                    GIVEN, said_at=at, on=on, until=until, word=Word(OWNER, "app", f"{number}")
                )
            )
        else:
            said.append(attrs.evolve(WITHDRAWN, said_at=at, on=on))
    for ahead in range(45):
        on = DAY + ahead * DAYS
        allowed = False
        for hour in range(24 * (ahead + 1)):
            at = NINE + hour * HOUR
            spoken = [s for s in said if s.said_at == at]
            if any(isinstance(s, ConsentWithdrawn) for s in spoken):
                allowed, until = False, None
            elif spoken:
                # Of several consents of one instant the first entered is as good as any.
                allowed, until = True, spoken[0].until
        if allowed and until is not None and until < on:
            allowed = False
        assert use(*said, on=on).allowed == allowed, on


# --- at work -------------------------------------------------------------------------------------


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:", policies=marketing_book()) as opened:
        household(opened)
        published(opened)
        yield opened


@pytest.mark.rule("PRV-05")
@pytest.mark.rule("OUT-01")
def test_a_consent_carries_a_message_and_its_withdrawal_calls_it_back_at_once(crm: CRM) -> None:
    """Trap 27: what was scheduled vanishes, what the service owes stays."""
    agreed(crm)
    advert, complaint = waiting_note(crm, "marketing"), waiting_note(crm, "service")
    now = crm.clock.now()
    crm.do(WithdrawConsent("V1", OWNER, "marketing", now, WORD), by=CLERK)
    found = [e.event for e in crm.log.read("messages/V1")]
    assert [e for e in found if isinstance(e, MessageWithheld)] == [
        MessageWithheld(advert, "consent_ended")
    ]
    receipt = crm.do(ReleaseMessage("V1", complaint), by=Actor("crm", "system"))
    assert [type(e).__name__ for e in receipt.events] == ["MessageReleased"]


@pytest.mark.rule("PRV-05")
def test_nothing_is_queued_after_a_withdrawal_whatever_preferences_say(crm: CRM) -> None:
    agreed(crm)
    crm.do(WithdrawConsent("V1", OWNER, "marketing", crm.clock.now()), by=CLERK)
    crm.do(ChangePreference("V1", OWNER, "marketing", True, WORD), by=CLERK)
    message = waiting_note(crm, "marketing")
    last = [e.event for e in crm.log.read("messages/V1")][-1]
    assert last == MessageWithheld(message, "consent_ended")


@pytest.mark.rule("PRV-05")
def test_a_consent_that_ends_while_a_message_waits_keeps_it_back(crm: CRM) -> None:
    today = crm.clock.now().date()
    agreed(crm, until=today + DAYS)
    message = waiting_note(crm, "marketing")
    crm.clock.advance(3 * DAYS)
    receipt = crm.do(ReleaseMessage("V1", message), by=Actor("crm", "system"))
    assert receipt.events == (MessageWithheld(message, "consent_ended"),)


@pytest.mark.rule("PRV-05")
def test_without_a_word_about_consent_preferences_decide_as_before(crm: CRM) -> None:
    waiting_note(crm, "marketing")
    assert [e.event for e in crm.log.read("messages/V1")][-1].reason == "no_consent"
    crm.do(ChangePreference("V1", OWNER, "marketing", True, WORD), by=CLERK)
    waiting_note(crm, "marketing", cause="second:0")
    assert type([e.event for e in crm.log.read("messages/V1")][-1]).__name__ == "MessageQueued"


@pytest.mark.rule("PRV-05")
def test_a_member_who_refuses_by_preference_is_left_alone_in_spite_of_a_consent(crm: CRM) -> None:
    agreed(crm)
    crm.do(ChangePreference("V1", OWNER, "marketing", False), by=CLERK)
    message = waiting_note(crm, "marketing")
    last = [e.event for e in crm.log.read("messages/V1")][-1]
    assert last == MessageWithheld(message, "opted_out")


@pytest.mark.rule("PRV-05")
def test_consent_is_a_member_s_of_the_day_on_which_it_was_said(crm: CRM) -> None:
    now = crm.clock.now()
    stranger = GiveConsent("V1", "V9#owner", "marketing", 1, now, Word(OWNER, "phone", "1"))
    with pytest.raises(Refused) as refused:
        crm.do(stranger, by=CLERK)
    assert refused.value.reason == "no_member_then"
    before = GiveConsent("V1", OWNER, "marketing", 1, now - 9000 * DAYS, WORD)
    with pytest.raises(Refused) as refused:
        crm.do(before, by=CLERK)
    assert refused.value.reason == "no_member_then"
    crm.do(EndRole("V1", TENANT, "tenant", now.date() - DAYS, "moved out"), by=CLERK)
    gone = GiveConsent("V1", TENANT, "marketing", 1, now, Word(TENANT, "phone", "2"))
    with pytest.raises(Refused) as refused:
        crm.do(gone, by=CLERK)
    assert refused.value.reason == "no_member_then"
    late = GiveConsent("V1", TENANT, "marketing", 1, now - 30 * DAYS, Word(TENANT, "phone", "2"))
    assert crm.do(late, by=CLERK).events


@pytest.mark.rule("PRV-05")
def test_whether_a_purpose_may_be_pursued_is_asked_in_one_place(crm: CRM) -> None:
    asked = {"on": crm.clock.now().date(), "by": CLERK}
    assert crm.privacy.may_use("V1", OWNER, "marketing", **asked).reason == "no_consent"
    agreed(crm)
    assert crm.privacy.may_use("V1", OWNER, "marketing", **asked).allowed
    assert crm.privacy.may_use("V1", OWNER, "service", **asked) == Use(
        allowed=True, basis="contract", reason="basis"
    )
    with pytest.raises(Refused) as refused:
        crm.privacy.may_use("V1", OWNER, "service", on=asked["on"], by=Actor(OWNER, "owner"))
    assert refused.value.reason == "role_insufficient"
