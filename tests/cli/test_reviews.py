"""What people decide about gradings, on the command line; and what members want to be told."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import Actor
from crm_core.application.host import present_day
from crm_core.payments import CancelCharge

TOP, MAIN, SECOND, SMALL = "H00031", "H00017", "H00008", "H00003"
"""Of the generated estate: one household of the layer important, two of main, one of small."""

STANDING = {
    "household", "tenure", "year", "run", "layer", "type", "status", "computed_layer",
    "computed_type", "type_confirmed", "proposed_type", "confirmed_by", "uplifted", "review",
    "until", "replaced_by", "conflicts", "waits_for",
}  # fmt: skip

CONFIRM_TOP = ("confirm", TOP, "2024", "--as")
UPLIFT = ("uplift", MAIN, "2024")
CONTEST = ("contest", MAIN, "2024", "--as", f"owner:{MAIN}#owner")
REVIEW = ("review", MAIN, "2024-1")


class Estate:
    """A graded estate in a file."""

    def __init__(self, folder: Path) -> None:
        self.db = f"sqlite:///{folder / 'crm.db'}"

    def ask(self, *arguments: str, status: int = 0) -> str:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert run(["--db", self.db, *arguments]) == status, err.getvalue() + out.getvalue()
        assert "Traceback" not in err.getvalue()
        assert bool(out.getvalue()) is (status == 0)
        return err.getvalue() if status else out.getvalue()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ask("--format", "json", *arguments))

    def refuses(self, code: str, *arguments: str) -> None:
        """One line with the code, and nothing written."""
        before = self.json("verify")
        said = self.ask(*arguments, status=2)
        assert said.count("\n") == 1
        assert f" {code}]" in said
        assert self.json("verify") == before


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    files, made = str(tmp_path_factory.mktemp("files")), Estate(folder)
    made.ask("generate", "--households", "60", "--years", "2023-2024", "--out", files)
    made.ask("import", files)
    rows = {row["household"]: row for row in made.json("grade", "2024")["gradings"]}
    layers = [rows[name]["layer"] for name in (TOP, MAIN, SECOND, SMALL)]
    assert layers == ["important", "main", "main", "small"]
    assert (rows[SECOND]["type"], rows[SMALL]["type"]) == ("cautious", "problem")
    return folder


@pytest.fixture
def estate(graded: Path, tmp_path: Path) -> Estate:
    """A copy of the graded estate to do things to."""
    shutil.copytree(graded, tmp_path / "home")
    return Estate(tmp_path / "home")


# --- type and top layer ------------------------------------------------------------------------


@pytest.mark.rule("GRD-02")
def test_a_type_is_proposed_waits_and_is_confirmed(estate: Estate) -> None:
    propose = ("propose-type", SECOND, "2024", "ordinary", "--as", "specialist:S1")
    estate.refuses("reason_missing", *propose)
    estate.refuses("reason_missing", *propose, "--reason", "  ")
    told = estate.json(*propose, "--reason", "no prospect")
    assert {*told} == STANDING | {"recorded"}
    assert (told["type"], told["proposed_type"], told["waits_for"]) == (
        "cautious", "ordinary", ["type"]
    )  # fmt: skip
    waiting = {row["household"]: row["waits_for"] for row in estate.json("waiting")}
    assert waiting == {SECOND: ["type"], TOP: ["manager", "director"]}
    assert "to confirm the type ordinary" in estate.ask("waiting")
    confirm = ("confirm-type", SECOND, "2024", "--as")
    estate.refuses("role_insufficient", *confirm, "specialist:S2")
    # The same person under another role is still the same person.
    estate.refuses("own_proposal", *confirm, "supervisor:S1")
    told = estate.json(*confirm, "supervisor:U1")
    assert (told["type"], told["computed_type"], told["type_confirmed"], told["waits_for"]) == (
        "ordinary", "cautious", True, []
    )  # fmt: skip
    estate.refuses("nothing_proposed", *confirm, "supervisor:U1")
    estate.refuses(
        "hard_fact_missing", "propose-type", SECOND, "2024", "problem", "--as", "specialist:S1",
        "--reason", "complains",
    )  # fmt: skip
    assert estate.json("replay")["differing"] == []


@pytest.mark.rule("GRD-03")
def test_manager_and_director_confirm_the_top_layer(estate: Estate) -> None:
    told = estate.json(*CONFIRM_TOP, "manager:M1")
    assert (told["status"], told["waits_for"]) == ("awaiting_confirmation", ["director"])
    shown = estate.ask(*CONFIRM_TOP, "manager:M2")
    assert "waits for the director" in shown
    assert "nothing recorded" in shown
    estate.refuses("same_person", *CONFIRM_TOP, "director:M1")
    estate.refuses("role_insufficient", *CONFIRM_TOP, "supervisor:U1")
    told = estate.json(*CONFIRM_TOP, "director:D1")
    assert (told["status"], told["waits_for"], told["recorded"]) == ("confirmed", [], True)
    assert told["confirmed_by"] == ["manager:M1", "director:D1"]
    assert estate.json("waiting") == []
    estate.refuses("nothing_to_confirm", *CONFIRM_TOP, "director:D1")


# --- whatever is asked for wrongly -------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("household_unknown", ("confirm", "H99999", "2024", "--as", "manager:M1")),
        (
            "household_unknown",
            ("review", "H99999", "1", "upheld", "--reason", "x", "--as", "manager:M1"),
        ),
        ("household_unknown", ("automatic", "H99999", "refuse", "--as", "owner:X")),
        ("year_without_record", ("confirm", TOP, "2023", "--as", "manager:M1")),
        ("usage_wrong", (*CONFIRM_TOP, "manager:M1", "--run", "2024-0")),
        ("usage_wrong", ("confirm", TOP, "24", "--as", "manager:M1")),
        ("role_insufficient", ("confirm", TOP, "2024")),
        ("usage_wrong", (*CONFIRM_TOP, "M1")),
        ("usage_wrong", (*CONFIRM_TOP, "manager:")),
        ("usage_wrong", (*CONFIRM_TOP, "manager: M1")),
        ("usage_wrong", (*CONFIRM_TOP, " manager:M1")),
        ("usage_wrong", (*CONFIRM_TOP, "boss:M1")),
        ("usage_wrong", (*CONFIRM_TOP, "system:crm")),
        ("from_the_future", (*CONFIRM_TOP, "manager:M1", "--on", "2199-12-31")),
        ("usage_wrong", (*CONFIRM_TOP, "manager:M1", "--on", "31.12.2024")),
        ("usage_wrong", ("propose-type", TOP, "2024", "lovely", "--as", "specialist:S1")),
        ("usage_wrong", ("automatic", TOP, "maybe", "--as", f"owner:{TOP}#owner")),
        ("usage_wrong", ("contest", TOP, "2024", "--as", f"owner:{TOP}#owner")),
        ("usage_wrong", (*CONTEST, "--reason", "x", "--review", "a/b")),
        ("policy_unreadable", ("confirm-type", TOP, "2024", "--policy", "no.toml")),
        ("usage_wrong", (*UPLIFT, "--as", "specialist:S1", "--reason", "keeps every word")),
        ("usage_wrong", (*CONTEST, "--reason", "x", "--word-member", f"{MAIN}#owner")),
        ("usage_wrong", (*CONTEST, "--reason", "x", "--word-channel", "dream")),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    estate: Estate, code: str, arguments: tuple[str, ...]
) -> None:
    estate.refuses(code, *arguments)


def test_without_a_log_nothing_is_decided(tmp_path: Path) -> None:
    said = Estate(tmp_path).ask(*CONFIRM_TOP, "manager:M1", status=2)
    assert "log_missing" in said
    assert [*tmp_path.iterdir()] == []


# --- uplift ------------------------------------------------------------------------------------


@pytest.mark.rule("GRD-05", "LOG-08")
@pytest.mark.case("K29")
def test_an_uplift_is_proposed_by_one_and_decided_by_another(estate: Estate) -> None:
    on = ("--on", "2025-01-10")
    propose = (*UPLIFT, "--propose", "--reason", "keeps every word", "--as")
    approve, reject = (*UPLIFT, "--approve", "--as"), (*UPLIFT, "--reject")
    estate.refuses("nothing_proposed", *approve, "director:D1", *on)
    estate.refuses("reason_missing", *UPLIFT, "--propose", "--as", "specialist:S1", *on)
    # The account of the generated estate ends with 2024: today nothing of twelve months is there.
    estate.refuses("promises_missing", *propose, "specialist:S1")
    told = estate.json(*propose, "specialist:S1", *on)
    assert (told["layer"], told["uplifted"], told["waits_for"]) == ("main", False, ["uplift"])
    assert "a manager or director to decide the uplift" in estate.ask("waiting")
    estate.refuses("uplift_proposed_already", *propose, "specialist:S2", *on)
    estate.refuses("role_insufficient", *approve, "specialist:S2", *on)
    # Into the layer important a director lifts, and nobody what they proposed themselves.
    estate.refuses("role_insufficient", *approve, "manager:M1", *on)
    estate.refuses("own_proposal", *approve, "director:S1", *on)
    estate.refuses("reason_missing", *reject, "--as", "director:D1", *on)
    told = estate.json(*reject, "--reason", "too early", "--as", "director:D1", *on)
    assert (told["layer"], told["uplifted"], told["waits_for"]) == ("main", False, [])
    estate.json(*propose, "specialist:S1", *on)
    told = estate.json(*approve, "director:D1", *on)
    assert (told["layer"], told["computed_layer"], told["status"], told["uplifted"]) == (
        "important", "main", "overridden", True
    )  # fmt: skip
    estate.refuses("uplifted_already", *propose, "specialist:S1", *on)
    applied = estate.json("explain", MAIN, "2024")["applied"]
    assert applied["uplift"]["reason"] == "keeps every word"
    assert applied["uplift"]["on"] == "2025-01-10"


# --- contest and review ------------------------------------------------------------------------


@pytest.mark.rule("GRD-13")
def test_an_owner_contests_and_one_review_is_open(estate: Estate) -> None:
    estate.refuses("reason_missing", *CONTEST, "--reason", " ")
    why = ("--reason", "I paid in July")
    contest = ("contest", MAIN, "2024", *why, "--as")
    estate.refuses("role_insufficient", *contest, "auditor:A1")
    estate.refuses("not_of_household", *contest, f"owner:{SMALL}#owner")
    told = estate.json(*CONTEST, *why)
    assert (told["status"], told["review"], told["waits_for"]) == (
        "contested", "2024-1", ["review"]
    )  # fmt: skip
    assert "review 2024-1 by a supervisor, manager or director" in estate.ask("waiting")
    estate.refuses("contested_already", *CONTEST, *why)
    estate.refuses("grading_contested", "confirm", MAIN, "2024", "--as", "manager:M1")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_staff_enter_a_contest_on_the_word_of_a_member(estate: Estate) -> None:
    """With the channel and where it is on record; the word is never that of somebody else."""
    contest = ("contest", MAIN, "2024", "--reason", "I paid in July", "--as", "specialist:S1")
    owner = ("--word-member", f"{MAIN}#owner")
    said = ("--word-channel", "phone", "--word-reference", "call 4711")
    estate.refuses("word_missing", *contest)
    estate.refuses("usage_wrong", *contest, *owner)
    estate.refuses("usage_wrong", *contest, *owner, *said[:2], "--word-reference", " ")
    estate.refuses("usage_wrong", *contest, *owner, *said[2:], "--word-channel", "dream")
    estate.refuses("not_a_member", *contest, "--word-member", f"{SMALL}#owner", *said)
    estate.refuses("word_of_staff", *contest, "--word-member", "S1", *said)
    told = estate.json(*contest, *owner, *said)
    assert (told["status"], told["waits_for"]) == ("contested", ["review"])
    [event] = [e for e in estate.json("history", f"grading/{MAIN}") if "contested" in e["name"]]
    assert event["actor"] == "specialist:S1"
    assert (event["data"]["contested_by"], event["data"]["entered_by"]) == (f"{MAIN}#owner", "S1")
    assert event["data"]["word"] == {
        "member": f"{MAIN}#owner", "channel": "phone", "reference": "call 4711"
    }  # fmt: skip
    # Who entered it does not review it.
    upheld = (*REVIEW, "upheld", "--reason", "right", "--as")
    estate.refuses("own_matter", *upheld, "supervisor:S1")
    assert estate.json(*upheld, "supervisor:U1")["review"] is None


@pytest.mark.rule("GRD-13")
def test_a_review_is_numbered_or_has_the_number_it_was_given(estate: Estate) -> None:
    told = estate.json(*CONTEST, "--reason", "wrong", "--review", "2024-2")
    assert told["review"] == "2024-2"
    upheld = ("upheld", "--reason", "right", "--as", "director:D1")
    estate.json("review", MAIN, "2024-2", *upheld)
    assert estate.json(*CONTEST, "--reason", "wrong")["review"] == "2024-1"
    estate.json("review", MAIN, "2024-1", "upheld", "--reason", "right", "--as", "director:D2")
    assert estate.json(*CONTEST, "--reason", "wrong")["review"] == "2024-3"


@pytest.mark.rule("GRD-13")
def test_another_person_decides_a_review_once(estate: Estate) -> None:
    """Whoever proposed its type had a part in the grading; so has who reviewed it before."""
    estate.json("propose-type", MAIN, "2024", "ordinary", "--as", "specialist:U1")
    estate.json(*CONTEST, "--reason", "wrong")
    estate.refuses("grading_contested", "confirm-type", MAIN, "2024", "--as", "supervisor:U2")
    upheld = (*REVIEW, "upheld", "--reason", "right", "--as")
    estate.refuses("own_matter", *upheld, "supervisor:U1")
    estate.refuses("role_insufficient", *upheld, "specialist:S2")
    estate.refuses("unknown_review", "review", MAIN, "2024-7", *upheld[3:], "supervisor:U2")
    estate.refuses("usage_wrong", *REVIEW, "upheld", "--as", "supervisor:U2")
    estate.refuses("reason_missing", *REVIEW, "upheld", "--reason", " ", "--as", "supervisor:U2")
    estate.refuses("usage_wrong", *REVIEW, "ignored", "--reason", "x", "--as", "supervisor:U2")
    estate.refuses("usage_wrong", *upheld, "supervisor:U2", "--layer", "small")
    told = estate.json(*upheld, "supervisor:U2")
    assert (told["status"], told["review"], told["layer"]) == ("computed", None, "main")
    assert told["waits_for"] == ["type"]
    estate.refuses("review_decided", *upheld, "supervisor:U3")
    estate.json(*CONTEST, "--reason", "still wrong")
    estate.refuses(
        "own_matter", "review", MAIN, "2024-2", "upheld", "--reason", "x", "--as", "supervisor:U2"
    )


@pytest.mark.rule("GRD-13")
def test_an_override_names_layer_and_last_day(estate: Estate) -> None:
    estate.json(*CONTEST, "--reason", "wrong")
    override = (*REVIEW, "overridden", "--reason", "lost papers", "--as")
    until = ("--until", "2199-12-31")
    estate.refuses("usage_wrong", *override, "manager:M1", "--layer", "ordinary")
    estate.refuses("usage_wrong", *override, "manager:M1", *until)
    estate.refuses("unknown_layer", *override, "manager:M1", "--layer", "gold", *until)
    estate.refuses("role_insufficient", *override, "manager:M1", "--layer", "important", *until)
    estate.refuses("role_insufficient", *override, "supervisor:U1", "--layer", "small", *until)
    past = ("--layer", "ordinary", "--until", "2024-12-31")
    estate.refuses("expiry_missing", *override, "manager:M1", *past)
    told = estate.json(*override, "manager:M1", "--layer", "ordinary", *until)
    assert (told["layer"], told["computed_layer"], told["status"], told["until"]) == (
        "ordinary", "main", "overridden", "2199-12-31"
    )  # fmt: skip
    # What the owner reads next tells both layers, and the reason.
    shown = estate.ask("explain", MAIN, "2024", "--for", "owner")
    assert "layer main" in shown
    assert "What holds is layer ordinary" in shown
    assert "lost papers" in shown


@pytest.mark.rule("GRD-13")
def test_a_correction_grades_anew_from_the_right_facts(estate: Estate) -> None:
    contest = ("contest", SMALL, "2024", "--as", f"owner:{SMALL}#owner", "--reason", "not mine")
    first = estate.json(*contest)
    corrected = ("review", SMALL, "2024-1", "corrected", "--reason", "raised twice", "--as")
    estate.refuses("nothing_to_correct", *corrected, "manager:M1")
    with open_crm(estate.db, create=True) as crm:
        charges = [
            e.event for e in crm.history(f"account/{SMALL}") if e.name.endswith("charge_raised/1")
        ]
        clerk, day = Actor("S1", "specialist"), present_day(crm.host)
        for charge in charges:
            crm.do(CancelCharge(SMALL, charge.charge, day, "raised twice"), by=clerk)
    shown = estate.ask(*corrected, "manager:M1")
    anew = f"{first['run']}.2024-1"
    assert f"run {anew} stands in its place" in shown
    assert "insufficient" in shown
    assert estate.json("explain", SMALL, "2024")["run"] == anew
    assert estate.json("replay")["differing"] == []


# --- decisions by rule alone -------------------------------------------------------------------


@pytest.mark.rule("GRD-13")
def test_an_owner_refuses_decisions_by_rule_alone(estate: Estate) -> None:
    refuse = ("automatic", SMALL, "refuse", "--as")
    estate.refuses("word_missing", *refuse, "manager:M1")
    estate.refuses("role_insufficient", *refuse, "auditor:A1")
    estate.refuses("not_of_household", *refuse, f"owner:{MAIN}#owner")
    told = estate.json(*refuse, f"owner:{SMALL}#owner")
    assert (told["automatic"], told["recorded"]) == ("refused", True)
    [grading] = told["gradings"]
    assert (grading["status"], grading["waits_for"]) == ("provisional", ["confirmation"])
    assert "nothing recorded" in estate.ask(*refuse, f"owner:{SMALL}#owner")
    estate.refuses("role_insufficient", "confirm", SMALL, "2024", "--as", "specialist:S1")
    told = estate.json("confirm", SMALL, "2024", "--as", "supervisor:U1")
    assert (told["status"], told["waits_for"]) == ("confirmed", [])
    estate.json("automatic", TOP, "refuse", "--as", f"owner:{TOP}#owner")
    [waits] = [row["waits_for"] for row in estate.json("waiting")]
    assert waits == ["manager", "director"]
    accept = ("automatic", SMALL, "accept", "--as", f"owner:{SMALL}#owner")
    assert estate.json(*accept)["automatic"] == "accepted"
    again = estate.json(
        *("automatic", SMALL, "refuse", "--as", "specialist:S1", "--word-channel", "letter"),
        *("--word-member", f"{SMALL}#owner", "--word-reference", "letter 8"),
    )
    assert (again["automatic"], again["recorded"]) == ("refused", True)


@pytest.mark.rule("GRD-13", "GRD-17")
def test_what_waits_is_of_record_and_of_every_year(estate: Estate) -> None:
    """A run with earlier knowledge neither adds to it nor takes anything away."""
    contested = estate.json(*CONTEST, "--reason", "wrong")
    before = estate.json("waiting")
    trial = estate.json("grade", "2024", "--known", "2024-12-31T23:59:59+08:00")
    assert trial["standing"] == "trial"
    assert estate.json("waiting") == before
    assert {row["run"] for row in before} == {contested["run"]}
    earlier = estate.json("grade", "2023")
    assert earlier["standing"] == "of_record"
    waiting = [(row["household"], row["year"]) for row in estate.json("waiting")]
    tops = [row["household"] for row in earlier["gradings"]
            if row["status"] == "awaiting_confirmation"]  # fmt: skip
    assert waiting == sorted([(TOP, 2024), (MAIN, 2024), *((home, 2023) for home in tops)])
    # A contest of the year stands under whichever run holds.
    assert estate.json(*CONFIRM_TOP, "manager:M1")["run"] == contested["run"]


@pytest.mark.rule("GRD-05", "GRD-13", "GRD-17")
def test_what_people_decided_outlives_the_record_or_is_in_conflict_with_it(
    estate: Estate,
) -> None:
    """A director lets a run of less knowledge hold; what cannot be applied to it is named."""
    on = ("--on", "2025-01-10")
    why = ("--reason", "keeps every word", *on)
    estate.json(*UPLIFT, "--propose", *why, "--as", "specialist:S1")
    estate.json(*UPLIFT, "--approve", "--as", "director:D1", *on)
    contested = ("contest", SMALL, "2024", "--reason", "wrong", "--as", f"owner:{SMALL}#owner")
    estate.json(*contested)
    assert estate.json("explain", MAIN, "2024")["applied"]["conflicts"] == []
    # By the end of 2023 no purchase of 2024 was known, and nobody is in the layer main.
    run = estate.json("grade", "2024", "--known", "2023-12-31T23:59:59+08:00")["run"]
    replace = ("replace-record", "2024", run, "--reason", "as asked", "--as", "director:D1")
    moved = estate.json(*replace)["moved"]
    estate.json(*replace, "--moves", str(len(moved)))
    assert [row["household"] for row in estate.json("waiting")] == [SMALL]
    estate.refuses("contested_already", *contested)
    said = estate.json("explain", MAIN, "2024")
    assert (said["run"], said["applied"]["uplift"]) == (run, None)
    assert said["applied"]["conflicts"] == ["uplift"]
    words = "the uplift was from another layer and does not apply"
    assert words in estate.ask("explain", MAIN, "2024", "--for", "clerk")
    assert words not in estate.ask("explain", MAIN, "2024", "--for", "owner")
    [row] = [one for one in estate.json("grades", "2024") if one["household"] == MAIN]
    assert row["conflicts"] == ["uplift"]


# --- what members want to be told --------------------------------------------------------------


@pytest.mark.rule("OUT-01")
def test_what_a_member_agrees_to_and_refuses_is_kept(estate: Estate) -> None:
    member = f"{SMALL}#owner"
    clerk = ("--as", "specialist:S1", "--purpose", "service")
    said = ("preference", SMALL, member)
    word = ("--word-channel", "signature", "--word-reference", "form 17")
    estate.refuses("evidence_missing", *said, "marketing", "accept", *clerk)
    estate.refuses("usage_wrong", *said, "marketing", "accept", *word[:2], *clerk)
    [row] = estate.json(*said, "marketing", "accept", *word, *clerk)
    assert {name: row[name] for name in ("member", "about", "channel", "allowed", "word")} == {
        "member": member, "about": "marketing", "channel": None, "allowed": True,
        "word": {"member": member, "channel": "signature", "reference": "form 17"},
    }  # fmt: skip
    shown = estate.ask(*said, "care", "refuse", "--channel", "sms", *clerk)
    assert "signature: form 17" in shown
    assert "refused" in shown
    listed = estate.json("preferences", SMALL)
    assert [(one["about"], one["channel"], one["allowed"]) for one in listed] == [
        ("marketing", None, True), ("care", "sms", False)
    ]  # fmt: skip
    # The member acts for themselves, and needs no word of their own.
    own = (*said, "survey", "accept", "--as", f"owner:{member}")
    assert estate.json(*own)[-1]["word"] is None
    assert estate.json("preferences", MAIN) == []
    estate.refuses("unknown_member", "preference", SMALL, f"{MAIN}#owner", "any", "refuse", *clerk)
    estate.refuses("unknown_purpose", *said, "gossip", "refuse", *clerk)
    estate.refuses("purpose_required", *said, "payment", "refuse", *clerk)
    estate.refuses("unknown_channel", *said, "care", "refuse", "--channel", "fax", *clerk)
    estate.refuses("usage_wrong", *said, "care", "maybe", *clerk)
    estate.refuses("household_unknown", "preference", "X", member, "any", "refuse", *clerk)
    estate.refuses("household_unknown", "preferences", "X")
