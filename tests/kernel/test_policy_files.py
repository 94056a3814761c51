"""Policies are data: read strictly, all faults at once, and known by a digest of their contents."""

from __future__ import annotations

import pickle
from datetime import date
from importlib.resources import files
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import crm_core
from crm_core.application.method import MethodPolicy
from crm_core.errors import Invalid, PolicyDigestMismatch, PolicyInactive, UnknownPolicy
from crm_core.gradings.policy import DEFAULT_GRADING, GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.studies.shares import SharesPolicy
from crm_core.gradings.uplift import UpliftPolicy
from crm_core.kernel.access import AccessPolicy
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.policy import PolicyFault, PolicyRef, digest_of_table, read_toml
from crm_core.kernel.public_holidays import COUNTRIES, HolidayNotice, shipped_notices
from crm_core.kernel.registry import Registry
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.template import Template
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.collection.policy import CollectionPolicy
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.late import LateChargePolicy
from crm_core.plans.policy import CarePolicy
from crm_core.policies import PolicyBook, parse_policy
from crm_core.privacy.leak_policy import LeaksPolicy
from crm_core.privacy.policy import RetentionPolicy
from crm_core.privacy.purposes import PurposesPolicy
from crm_core.privacy.rights_policy import RightsPolicy
from crm_core.requests.greeting import GreetingPolicy
from crm_core.requests.sla import SlaPolicy
from crm_core.slices import SLICES as PARTS
from crm_core.slices import registry, shipped
from crm_core.staff.policy import AwardPolicy, CoverPolicy
from crm_core.surveys import Questionnaire, SurveyPolicy
from crm_core.testing.strategies import sla_text
from crm_core.visits.policy import VisitPolicy
from policy_faults import said

SLICES = {
    "gradings": GradingPolicy,
    "messages": MessagePolicy,
    "payments": CreditPolicy,
    "requests": SlaPolicy,
    "visits": VisitPolicy,
}

SLA = sla_text().replace("sla-generated", "sla-x").replace("1990-01-01", "2000-01-01")


def shipped_text(slice_name: str, file: str) -> str:
    path = files("crm_core") / slice_name / "policies" / file
    return path.read_text(encoding="utf-8")


def faults_of(parse: Any, text: str) -> dict[str, str]:
    with pytest.raises(PolicyFault) as refused:
        parse(text)
    assert len(refused.value.faults) == len(dict(refused.value.faults))
    return said(refused.value)


@pytest.mark.rule("GRD-11")
def test_every_shipped_policy_is_approved_and_assessed() -> None:
    day = date(2011, 12, 31)
    for name in map(str, shipped().refs()):
        kind: Any = {
            "access": AccessPolicy,
            "allocation": AllocationPolicy,
            "authority": AuthorityPolicy,
            "award": AwardPolicy,
            "care": CarePolicy,
            "cover": CoverPolicy,
            "greeting": GreetingPolicy,
            "collection": CollectionPolicy,
            "credit": CreditPolicy,
            "grade": GradingPolicy,
            "holidays": HolidayNotice,
            "late": LateChargePolicy,
            "leaks": LeaksPolicy,
            "messages": MessagePolicy,
            "method": MethodPolicy,
            "purposes": PurposesPolicy,
            "reading": Reading,
            "retention": RetentionPolicy,
            "rights": RightsPolicy,
            "shares": SharesPolicy,
            "uplift": UpliftPolicy,
            "satisfaction": Questionnaire,
            "sla": SlaPolicy,
            "visit": VisitPolicy,
            "survey": SurveyPolicy,
        }.get(name.partition("-")[0], Template)
        found = shipped().find(kind, name, day)
        assert found.header.missing() == []
        assert str(found.ref) == name


# --- the digest ----------------------------------------------------------------------------------


@pytest.mark.rule("GRD-11")
def test_comments_and_layout_do_not_change_a_digest() -> None:
    text = shipped_text("gradings", "grade-cn-default.toml")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    rewritten = "# someone else's words\n\n" + "\r\n".join(
        line.replace(" = ", "=").replace('"', "'") for line in lines if line.strip()
    )
    assert rewritten != text
    assert GradingPolicy.parse(rewritten).ref == GradingPolicy.parse(text).ref


def test_the_order_of_fields_does_not_change_a_digest_but_that_of_rows_does() -> None:
    one = read_toml("a = 1\nb = 2\nrows = [1, 2]\n")
    assert digest_of_table(one) == digest_of_table(read_toml("rows = [1, 2]\nb = 2\na = 1\n"))
    assert digest_of_table(one) != digest_of_table(read_toml("a = 1\nb = 2\nrows = [2, 1]\n"))


@pytest.mark.parametrize("slice_name", SLICES)
@pytest.mark.rule("GRD-11")
def test_any_other_number_is_another_digest(slice_name: str) -> None:
    """No number of a shipped policy can be changed under its digest."""
    folder = files("crm_core") / slice_name / "policies"
    for file in folder.iterdir():
        data = read_toml(file.read_text(encoding="utf-8"))
        digest = digest_of_table(data)
        changed = 0
        for holder, key in _scalars(data):
            before = holder[key]
            holder[key] = before + 1 if type(before) is int else f"{before}!"
            assert digest_of_table(data) != digest, f"{file.name}: {key}"
            holder[key] = before
            changed += 1
        assert digest_of_table(data) == digest
        assert changed > 5


def _scalars(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    places = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, item in places:
        if isinstance(item, dict | list):
            found.extend(_scalars(item))
        else:
            found.append((value, key))
    return found


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.rule("GRD-11")
def test_all_faults_of_a_policy_come_at_once_with_their_paths() -> None:
    text = (
        shipped_text("gradings", "grade-cn-default.toml")
        .replace("version = 1", "version = 1.0\nvalid = true")
        .replace("effective_from = 2000-01-01", 'effective_from = "2000-01-01"')
        .replace('layers = ["important", "main"', 'layers = ["important", 7')
        .replace('op = "at_least", threshold = 4', 'op = "at_lest", threshold = 4')
        .replace('kind = "grading"\n', "")
    )
    assert faults_of(GradingPolicy.parse, text) == {
        "kind": "is missing",
        "layers[1]": "text is expected",
        "policy": "`valid` is not known here",
        "policy.effective_from": "a date is expected",
        "policy.version": "a whole number within ±2^53 is expected",
        "attention_level[0].when[0].op": "`at_lest` is not one of at_least, at_most, above, is,"
        " one_of, no_worse_than, no_better_than, at_least_percent_of",
    }


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("threshold = 4", "threshold = 4.0", "attention_level[0].when[0].threshold"),
        ("threshold = 4", 'threshold = "4"', "attention_level[0].when[0].threshold"),
        ("threshold = 4", "threshold = true", "attention_level[0].when[0].threshold"),
        ("threshold = 4", "threshold = 9007199254740993", "attention_level[0].when[0].threshold"),
        ('fact = "attention"', 'fact = "income"', "attention_level[0].when[0].fact"),
        ('fact = "attention"', 'fact = "credit"', "attention_level[0].when[0].fact"),
        ('"attention", op = "at_least"', '"attention", op = "no_worse_than"', None),
        ('op = "at_least", threshold = 4', 'op = "one_of", threshold = 4', None),
        ("threshold = 4 }", 'threshold = 4, of = "interests" }', "attention_level[0].when[0].of"),
        ('of = "previous_purchases_fen"', 'of = "credit"', "prospect[0].when[1].of"),
        (', of = "previous_purchases_fen"', "", "prospect[0].when[1].of"),
        ('outcome = "limited"', 'outcome = "unlimited"', "prospect[2].outcome"),
        ('kind = "grading"', 'kind = "sla"', "kind"),
    ],
)
@pytest.mark.rule("GRD-11")
def test_what_a_grading_policy_cannot_mean_is_refused(
    before: str, after: str, path: str | None
) -> None:
    """What is read can be decided with: no table fails only when a household meets it."""
    text = shipped_text("gradings", "grade-cn-default.toml")
    assert before in text
    found = faults_of(GradingPolicy.parse, text.replace(before, after, 1))
    assert len(found) == 1
    assert path is None or list(found) == [path]


def test_a_table_must_end_with_a_row_that_always_matches() -> None:
    text = shipped_text("gradings", "grade-cn-default.toml")
    cut = text.replace('[[attention_level]]\noutcome = "low"\n', "")
    assert cut != text
    assert list(faults_of(GradingPolicy.parse, cut)) == ["attention_level"]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ("major = 21600", "", ["close_seconds.major"]),
        ("other = 900", "", ["promise_seconds.other"]),
        ("general = 1800\nmajor = 21600", "general = 0\nmajor = 21600", ["close_seconds.general"]),
        ("phone = 300", "phone = -300", ["promise_seconds.phone"]),
        ("attempts = 3", "attempts = 0", ["confirmation.attempts"]),
        ("days = 3", "hours = 3", ["confirmation", "confirmation.days"]),
        ('kind = "sla"', 'kind = "credit"', ["kind"]),
        ('closing = "24x7"', 'closing = "night"', ["calendars.closing"]),
        ('closing = "24x7"', "", ["calendars.closing"]),
        ('closing = "24x7"', 'closing = "24x7"\nwaiting = "24x7"', ["calendars.waiting"]),
        ('zone = "Asia/Shanghai"', 'zone = "Moon"', ["hours.office.zone"]),
        (
            "[hours.office]",
            '[hours.24x7]\nzone = "UTC"\nweek = {mon = ["09:00-17:00"]}\n[hours.office]',
            ["hours.24x7"],
        ),
        ("rings = 2", "rings = 0", ["answer.rings"]),
        ("[50, 80]", "[80, 50]", ["escalation.warn_percents"]),
        ("[50, 80]", "[50, 100]", ["escalation.warn_percents"]),
        ("step_percent = 50", "step_percent = 0", ["escalation.step_percent"]),
        ('["specialist", "supervisor", "manager", "director"]', "[]", ["escalation.roles"]),
        ("seconds_max = 86400", "seconds_max = 0", ["progress.seconds_max"]),
        ("version = 1", "version = true", ["policy.version"]),
        (
            "general = 1800\nmajor = 21600",
            'general = "x"\nmajor = 21600',
            ["close_seconds.general"],
        ),
        ("effective_from = 2000-01-01", "effective_from = 2000-01-01T00:00:00Z", None),
    ],
)
@pytest.mark.rule("GRD-11")
def test_an_sla_policy_has_a_target_for_every_request(
    before: str, after: str, paths: list[str] | None
) -> None:
    SlaPolicy.parse(SLA)
    assert before in SLA
    found = faults_of(SlaPolicy.parse, SLA.replace(before, after, 1))
    assert list(found) == (paths or ["policy.effective_from"])


@pytest.mark.rule("REQ-11")
def test_the_hours_of_a_clock_are_part_of_the_policy() -> None:
    """Whoever changes an hour, a zone or a holiday has another policy, with another digest."""
    before = SlaPolicy.parse(SLA)
    for old, new in (
        ('tue = ["09:00-12:00", "13:30-18:00"]', 'tue = ["09:00-12:00", "13:30-18:01"]'),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Urumqi"'),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Shanghai"\nholidays = [2026-03-09]'),
    ):
        assert old in SLA
        after = SlaPolicy.parse(SLA.replace(old, new))
        assert after.ref.digest != before.ref.digest
        assert after.calendars["progress"] != before.calendars["progress"]
        assert after.calendars["promise"] == before.calendars["promise"]


@pytest.mark.rule("GRD-11")
def test_no_table_in_the_package_decides_nothing() -> None:
    """Every TOML file is a policy or template of the book, or a table of its public holidays."""
    package = Path(crm_core.__file__).parent
    tables = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.toml")
        if path.parent.name != "sentences" and path.name not in ("data-map.toml", "answers.toml")
    }
    holidays = {f"kernel/holidays/{country}.toml" for country in COUNTRIES}
    assert holidays <= tables
    digests = {
        digest_of_table(read_toml((package / path).read_text("utf-8")))
        for path in tables - holidays
    }
    declared = AuthorityPolicy.parse(registry().authority)
    notices = {notice.ref.digest for country in COUNTRIES for notice in shipped_notices(country)}
    assert len(notices) == 20
    expected = digests | notices | {declared.ref.digest}
    assert expected == {ref.digest for ref in shipped().refs()}


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('kind = "credit"', 'kind = "sla"', "kind"),
        ('unit = "days"', 'unit = "weeks"', "unit"),
        ("upto = 0", "upto = 1", "buckets"),
        ("upto = 90", "upto = 30", "buckets"),
    ],
)
@pytest.mark.rule("GRD-11")
def test_a_credit_policy_covers_every_day_once(before: str, after: str, path: str) -> None:
    text = shipped_text("payments", "credit-cn-default.toml")
    assert before in text
    assert list(faults_of(CreditPolicy.parse, text.replace(before, after, 1))) == [path]


@pytest.mark.parametrize("text", ["", "=", "kind = ", "a = 1\na = 2", "\x00", "{}", "[policy"])
def test_what_is_no_policy_at_all_is_a_fault_too(text: str) -> None:
    for parse in (GradingPolicy.parse, CreditPolicy.parse, SlaPolicy.parse):
        assert faults_of(parse, text)


@given(st.text(max_size=30))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    for parse in (GradingPolicy.parse, CreditPolicy.parse, SlaPolicy.parse):
        with pytest.raises(PolicyFault):
            parse(text)


def test_a_file_of_somebody_else_is_invalid_with_every_fault_and_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        parse_policy(GradingPolicy, "kind = 1\n", "candidate.toml")
    assert {fault.code for fault in refused.value.faults} == {"policy_malformed"}
    assert "candidate.toml:kind" in {fault.where for fault in refused.value.faults}
    assert "candidate.toml:policy" in {fault.where for fault in refused.value.faults}
    assert len(refused.value.faults) == 9


# --- the book ------------------------------------------------------------------------------------


def sla(version: int, lines: str = "", general: int = 1800) -> SlaPolicy:
    text = SLA.replace("version = 1", f"version = {version}\n{lines}")
    return SlaPolicy.parse(text.replace("general = 1800", f"general = {general}"))


def sla_from(version: int, start: str, lines: str = "") -> SlaPolicy:
    text = SLA.replace("version = 1", f"version = {version}\n{lines}")
    return SlaPolicy.parse(text.replace("2000-01-01", start))


@pytest.mark.rule("GRD-11")
def test_the_highest_version_in_force_on_the_day_is_used() -> None:
    book = PolicyBook([sla(1), sla_from(2, "2011-07-01"), sla_from(3, "2012-01-01")])
    used = [
        book.find(SlaPolicy, "sla-x", day).ref.version
        for day in (date(2011, 6, 30), date(2011, 7, 1), date(2011, 12, 31), date(2012, 1, 1))
    ]
    assert used == [1, 2, 2, 3]


@pytest.mark.rule("GRD-11")
def test_of_versions_in_force_from_the_same_day_it_is_the_newest_in_whatever_order_they_come() -> (
    None
):
    """None of them ends on its own: a later version takes the place of one that has no last day."""
    every = [sla(1), sla(2), sla_from(3, "2012-01-01"), sla(10)]
    for some in permutations(every):
        book = PolicyBook(some)
        assert book.find(SlaPolicy, "sla-x", date(2011, 1, 1)).ref.version == 10
        assert book.find(SlaPolicy, "sla-x/1", date(2011, 1, 1)).ref.version == 1
    # A version that has ended, or has not begun, leaves the day to the one before it.
    ended = PolicyBook([sla(1), sla(2, "effective_to = 2010-12-31"), every[2]])
    days = (date(2010, 12, 31), date(2011, 1, 1), date(2012, 1, 1))
    assert [ended.find(SlaPolicy, "sla-x", day).ref.version for day in days] == [2, 1, 3]


@pytest.mark.rule("GRD-11", "GRD-03")
@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2011, 12, 31), date(2099, 12, 31)])
def test_the_default_is_its_newest_version_and_those_before_it_stay(day: date) -> None:
    book = shipped()
    assert str(book.find(GradingPolicy, DEFAULT_GRADING, day).ref) == "grade-cn-default/2"
    for name in ("grade-cn-default/1", "grade-cn-default/2", "grade-cn-monotone/1"):
        assert str(book.find(GradingPolicy, name, day).ref) == name


@pytest.mark.rule("GRD-11")
def test_a_draft_does_not_stand_in_the_way_of_the_version_in_force() -> None:
    draft = SlaPolicy.parse(SLA.replace("version = 1", "version = 2").replace('"director"', '""'))
    book = PolicyBook([sla(1), draft])
    assert book.find(SlaPolicy, "sla-x", date(2011, 1, 1)).ref.version == 1
    with pytest.raises(PolicyInactive, match="approved_by"):
        book.find(SlaPolicy, "sla-x/2", date(2011, 1, 1))


@pytest.mark.parametrize("field", ["effective_from", "approved_by", "impact_assessment"])
@pytest.mark.rule("GRD-11")
def test_without_approval_or_assessment_a_policy_cannot_be_used(field: str) -> None:
    text = "\n".join(line for line in SLA.splitlines() if not line.startswith(field))
    book = PolicyBook([SlaPolicy.parse(text)])
    with pytest.raises(PolicyInactive) as refused:
        book.find(SlaPolicy, "sla-x", date(2011, 1, 1))
    assert [fault.where for fault in refused.value.faults] == [field]


@pytest.mark.rule("GRD-11")
def test_a_policy_is_used_on_its_days_alone() -> None:
    book = PolicyBook([sla(1, "effective_to = 2011-12-31")])
    assert book.find(SlaPolicy, "sla-x", date(2011, 12, 31))
    assert book.find(SlaPolicy, "sla-x", date(2000, 1, 1))
    for day in (date(2012, 1, 1), date(1999, 12, 31)):
        with pytest.raises(PolicyInactive, match="not in force"):
            book.find(SlaPolicy, "sla-x", day)


def test_an_unknown_policy_is_named_with_those_there_are() -> None:
    with pytest.raises(
        UnknownPolicy, match=r"`grade-x`; there are grade-cn-default/1, grade-cn-default/2"
    ):
        shipped().find(GradingPolicy, "grade-x", date(2011, 12, 31))
    with pytest.raises(UnknownPolicy):
        shipped().find(GradingPolicy, "grade-cn-default/3", date(2011, 12, 31))
    with pytest.raises(UnknownPolicy):
        shipped().find(GradingPolicy, "credit-cn-default", date(2011, 12, 31))


@pytest.mark.rule("GRD-11")
def test_a_book_of_what_is_shipped_reads_each_kind_when_it_is_asked_for() -> None:
    every = Registry(PARTS)
    book, whole = PolicyBook(shipped=Registry(PARTS)), PolicyBook(every.shipped)
    for policy in every.shipped:
        assert book.pinned(type(policy), policy.ref) == policy
    for kind in {type(policy) for policy in every.shipped}:
        assert PolicyBook(shipped=Registry(PARTS)).every(kind) == whole.every(kind)
    assert PolicyBook(shipped=Registry(PARTS)).refs() == whole.refs()
    assert PolicyBook(shipped=Registry(PARTS)).standing(date(2024, 1, 1)) == whole.standing(
        date(2024, 1, 1)
    )


def test_whoever_asks_while_another_thread_reads_is_told_all_of_it() -> None:
    """A host's threads share one book: what one has begun to read is not half there for others."""
    meanwhile: list[list[Any]] = []

    class Slow(Registry):
        def shipped_of(self, cls: type[Any]) -> tuple[Any, ...]:
            found = super().shipped_of(cls)
            if not meanwhile:
                meanwhile.append([])
                meanwhile.append(book.every(cls))
            return found

    book = PolicyBook(shipped=Slow(PARTS))
    assert book.every(SlaPolicy) == meanwhile[1] == PolicyBook(registry().shipped).every(SlaPolicy)
    assert len(book.refs()) == len(registry().shipped)


def test_another_process_is_given_the_whole_book() -> None:
    book = PolicyBook(shipped=Registry(PARTS))
    assert pickle.loads(pickle.dumps(book)).refs() == book.refs()


def test_a_policy_beside_the_shipped_ones_is_compared_with_them() -> None:
    every = Registry(PARTS)
    [ours] = [one for one in every.shipped if type(one) is SlaPolicy]
    other = evolve(ours, ref=evolve(ours.ref, digest="0" * 64))
    book = PolicyBook(shipped=every)
    with pytest.raises(PolicyDigestMismatch):
        book.add(other)
    with pytest.raises(PolicyDigestMismatch):
        PolicyBook([other], shipped=Registry(PARTS))
    assert book.add(ours).refs() == book.refs()


def test_a_shipped_policy_that_cannot_be_read_keeps_no_other_from_being_read() -> None:
    """Nothing is read that nobody asks for: the start of every process waits for it."""

    def unreadable(_: str) -> SlaPolicy:
        raise PolicyFault([])

    slices = [
        evolve(
            one,
            policies=tuple(
                evolve(kind, parse=unreadable) if kind.cls is SlaPolicy else kind
                for kind in one.policies
            ),
        )
        for one in PARTS
    ]
    book = PolicyBook(shipped=Registry(slices))
    assert book.every(AwardPolicy)
    with pytest.raises(PolicyFault):
        book.every(SlaPolicy)


def test_one_name_and_version_has_one_content() -> None:
    assert len(PolicyBook([sla(1), sla(1)]).refs()) == 1
    with pytest.raises(PolicyDigestMismatch):
        PolicyBook([sla(1), sla(1, general=1801)])


@pytest.mark.rule("GRD-11")
def test_a_record_finds_the_very_policy_it_pins_or_none() -> None:
    book = PolicyBook([sla(1), sla(2, general=3600)])
    pinned = sla(1).ref
    assert book.pinned(SlaPolicy, pinned).close_seconds["general"] == 1800
    with pytest.raises(PolicyDigestMismatch):
        book.pinned(SlaPolicy, PolicyRef("0" * 64, "sla-x", 1))
    with pytest.raises(UnknownPolicy):
        book.pinned(SlaPolicy, PolicyRef(pinned.digest, "sla-x", 3))


_LONG = 100_000


@pytest.mark.case("K59")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = " + "[" * 32 + "]" * 32, None),
        ("a = " + "[" * 33 + "]" * 33, "toml_too_deep"),
        ("a = " + "[" * _LONG, "toml_too_deep"),
        ("a = " + "{b = " * (_LONG // 4), "toml_too_deep"),
        ("a." * 31 + "b = 1", None),
        ("a." * 32 + "b = 1", "toml_too_deep"),
        ("a . " * (_LONG // 4) + "b = 1", "toml_too_deep"),
        ('"a".' * (_LONG // 4) + "b = 1", "toml_too_deep"),
        ("[" + "a." * (_LONG // 2) + "b]", "toml_too_deep"),
        ('a = "' + "[" * 100 + "." * 100 + '"', None),
        ("a = '''" + "[" * 100 + "." * 100 + "'''", None),
        ("# " + "[" * 100 + "." * 100, None),
        ('a = "' + '\\"' * (_LONG // 2), "not_toml"),
        ('a = """' + '"" ' * (_LONG // 3), "not_toml"),
        ("#" * (256 * 1024), None),
        ("#" * (256 * 1024 + 1), "toml_too_long"),
        ("#" + "户" * (256 * 1024 // 3 + 1), "toml_too_long"),
    ],
    ids=range(17),
)
def test_a_file_that_is_deep_or_long_is_refused_before_it_is_read(
    text: str, sentence: str | None
) -> None:
    if sentence is None:
        read_toml(text)
        return
    with pytest.raises(PolicyFault) as refused:
        read_toml(text)
    assert [fault.sentence for _, fault in refused.value.faults] == [sentence]
