"""Every command about people: files, cards, prospects, staff, messages, privacy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from crm_core import Actor
from crm_core.messages import ChangePreference, QueueMessage, ReleaseMessage
from crm_core.messages.commands import RecordFailure, RecordSent
from crm_core.messages.events import Parameter
from crm_core.messages.staff import (
    RecordFailureToStaff,
    RecordSentToStaff,
    ReleaseToStaff,
    TellStaff,
)
from crm_core.owners import (
    AddMember,
    AgreeDebtor,
    AssignKeeper,
    ChangeContact,
    ChangeProspect,
    ConfirmConduct,
    ConvertProspect,
    DecideChange,
    DrawSample,
    EndRole,
    MergeHousehold,
    NoteProspect,
    ProposeChange,
    RecordCondition,
    RecordInterest,
    RecordItem,
    RecordProspect,
    RegisterHousehold,
    ReleaseDebtor,
    ReportChange,
    TransferOwnership,
    UndoMerge,
    VerifyItem,
    WithdrawItem,
)
from crm_core.privacy import (
    AskRight,
    CheckIdentity,
    CloseLeak,
    DecideSilence,
    DeclineErasure,
    DeclineStaffErasure,
    ExtendRight,
    FulfilRight,
    GiveConsent,
    LiftLegalHold,
    LiftStaffHold,
    ListAffected,
    OpenLeak,
    PlaceLegalHold,
    PlaceStaffHold,
    ProposeSilence,
    PublishConsentText,
    ReassessLeak,
    RecordOrder,
    RefuseRight,
    StateLeak,
    StateLeakKinds,
    TellOfLeak,
    TellPersons,
    WithdrawConsent,
    WithdrawRight,
)
from crm_core.privacy.incident_events import ITEMS
from crm_core.staff import (
    AssignTrades,
    ChangeStaffContact,
    DecideSanction,
    EndClearance,
    EndStaffRole,
    EndSupplier,
    EngageSupplier,
    GrantAward,
    JoinStaffIds,
    PartStaffIds,
    ProposeSanction,
    RecordTraining,
    RecordUndertaking,
    RecordWrong,
    RegisterStaff,
    WithdrawWrong,
)
from import_estates import HOUSEHOLD, PURCHASE, REQUEST, take_in
from import_estates import TENANT as TENANT_ROW
from privacy.singing import (
    COMPANY,
    DIRECTOR,
    FITTER,
    HOME,
    KEEPER,
    MANAGER,
    MONEY,
    OTHER,
    OWNER,
    SING,
    STAFF,
    TENANT,
    ZHAO,
    Choir,
    person,
    reach,
    word,
)

UNTIL = date(2034, 1, 1)


def staff(choir: Choir) -> None:
    """Everybody is registered; Zhao, who is to be erased, has had it all."""
    day = choir.on("2024-01-02")
    choir.say(RegisterStaff(DIRECTOR.id, "director", day), whose=COMPANY, by=DIRECTOR)
    for one in STAFF:
        if one is not DIRECTOR:
            choir.say(RegisterStaff(one.id, one.role, day), whose=COMPANY)
    for one in STAFF:
        choir.say(RecordUndertaking(one.id, f"N-{one.id}", day, UNTIL), whose=COMPANY)
        choir.say(RecordTraining(one.id, SING, day, UNTIL), whose=one.id)
    choir.say(AssignTrades(FITTER.id, ("engineering",), day), whose=COMPANY)
    choir.say(
        RegisterStaff(ZHAO, "operator", day, person(ZHAO)),
        ChangeStaffContact(ZHAO, person(ZHAO)),
        AssignTrades(ZHAO, ("engineering",), day),
        JoinStaffIds(ZHAO, "zhao-two", SING),
        PartStaffIds(ZHAO, "zhao-two", SING),
        RecordUndertaking(ZHAO, "N-zhao", day, UNTIL),
        RecordTraining(ZHAO, SING, day, UNTIL),
        EndClearance(ZHAO, "training", day, SING),
        RecordWrong(ZHAO, "W1", day, SING),
        RecordWrong(ZHAO, "W2", day, SING),
        WithdrawWrong(ZHAO, "W2", SING),
        GrantAward(ZHAO, "W1", day, 100_00),
        ProposeSanction(ZHAO, "N1", "bad_record", SING, SING),
        DecideSanction(ZHAO, "N1", True, SING),
        whose=ZHAO,
    )
    choir.say(
        EngageSupplier("X1", SING, "K-1", ("contact",), SING, SING, day, UNTIL),
        EndSupplier("X1", day, "deleted", SING),
        whose=COMPANY,
    )


def files(choir: Choir) -> None:
    """Two homes with their people, and two files that were one home."""
    day = choir.on("2024-01-03")
    for home, room, kind in (
        (HOME, "101", "company"), (OTHER, "102", "person"), ("V3", "103", "person"),
        ("V4", "104", "person"), ("V5", "105", "company"),
    ):  # fmt: skip
        owner = f"{home}#owner"
        choir.say(
            RegisterHousehold(
                home, "星河", "1", "1", room, kind, person(owner), reach(owner), date(2020, 1, 1)
            ),
            whose=home,
        )
    choir.say(
        AddMember(HOME, TENANT, "tenant", date(2022, 1, 1), person(TENANT), reach(TENANT)),
        AddMember(HOME, "V1#child", "family_member", date(2022, 1, 1), person("V1#child")),
        ChangeContact(HOME, OWNER, SING, person(OWNER), reach(OWNER)),
        RecordInterest(HOME, "保洁", day, word()),
        ConfirmConduct(HOME, "disturbance", day, SING),
        RecordCondition(HOME, True, SING, day),
        AgreeDebtor(HOME, "A1", TENANT, day, SING),
        ReleaseDebtor(HOME, "A1", day, SING),
        AddMember(HOME, "V1#guest", "user", date(2023, 1, 1), person("V1#guest")),
        EndRole(HOME, "V1#guest", "user", day, SING),
    )
    choir.say(ChangeContact(OTHER, "V2#owner", SING, person("V2#owner")), whose=OTHER)
    new = person("V3#new")
    choir.say(
        TransferOwnership("V3", "V3#new", day, new, SING, reach("V3#new")),
        whose="V3#owner",
    )
    choir.say(MergeHousehold("V4", "V3", day, SING), UndoMerge("V4", SING), whose="V3")


def cards(choir: Choir) -> None:
    """What stands on the card of a member, and who looks at it."""
    day = choir.on("2024-01-04")
    choir.say(
        RecordItem(
            HOME, OWNER, "address", person(OWNER), day, language=person(OWNER),
            hours=person(OWNER), document="", word=word(),
        ),
        RecordItem(HOME, OWNER, "post", person(OWNER), day),
        WithdrawItem(HOME, OWNER, "post", day, SING),
        ProposeChange(HOME, "C1", OWNER, "name", person(OWNER), day, SING),
        DecideChange(HOME, "C1", True, SING),
        ReportChange(HOME, "C2", OWNER, "employer", person(OWNER), day, SING),
        DecideChange(HOME, "C2", False, SING),
        AssignKeeper(HOME, KEEPER.id, day, SING),
    )  # fmt: skip
    choir.say(DrawSample("Q1", "7 8 9", 4, ("name",), day), whose=COMPANY)
    choir.say(VerifyItem(HOME, OWNER, "name", "confirmed", "phone", day, sample="Q1"))


def prospects(choir: Choir) -> None:
    """Somebody who looks at the home and moves in."""
    day = choir.on("2024-01-05")
    one = "P00001"
    choir.say(
        RecordProspect(one, person(one), day, None, "星河"),
        NoteProspect(one, SING, day),
        ChangeProspect(one, "interested", day, SING),
        AddMember(HOME, one, "user", day, person(one)),
        ConvertProspect(one, HOME, day),
    )


def leaks(choir: Choir) -> None:
    """Leaks: one that is told of, and one of which is decided not to."""
    choir.on("2024-01-08", 8)
    choir.crm.privacy.export(HOME, by=KEEPER, purpose="rights")
    choir.on("2024-01-08", 9)
    for leak in ("L1", "L2"):
        choir.say(
            OpenLeak(leak, "serious", choir.now(5), SING, choir.now(9999), choir.now(1)),
            whose=COMPANY,
        )
    choir.later(hours=3)
    choir.tick()
    choir.say(
        *(StateLeak("L1", item, SING) for item in ITEMS),
        StateLeakKinds("L1", ("name", "contact")),
        ReassessLeak("L1", "grave", SING),
        whose=COMPANY,
    )
    choir.say(ListAffected("L1", (OWNER,), SING), whose=COMPANY)
    persons, _ = choir.crm.privacy.leaks.determine_affected("L1", by=KEEPER)
    choir.say(
        TellOfLeak("L1", "internal", SING, SING, choir.now(1)),
        TellOfLeak("L1", "authority", SING, SING, choir.now(1)),
        TellPersons("L1", "letter", len({*persons, OWNER}), SING, choir.now(1)),
        whose=COMPANY,
    )
    choir.say(
        ProposeSilence("L2", SING),
        DecideSilence("L2", True, SING),
        RecordOrder("L2", SING, SING, choir.now(1)),
        whose=COMPANY,
    )
    choir.say(CloseLeak("L1", choir.now(), SING), whose=COMPANY)


def rights(choir: Choir) -> None:
    """What persons ask about their data, and what they agree to."""
    day = choir.on("2024-01-09")
    choir.say(
        PublishConsentText("marketing", 1, day, "我们会推荐服务", "we recommend services"),
        whose=COMPANY,
    )
    choir.say(
        GiveConsent(HOME, OWNER, "marketing", 1, choir.now(), word()),
        WithdrawConsent(HOME, OWNER, "marketing", choir.now(), word()),
    )
    for case in ("C1", "C2", "C3", "C4"):
        choir.say(AskRight(case, HOME, OWNER, "copy", choir.now(), SING, word=word()))
    choir.say(
        AskRight("C5", HOME, OWNER, "know", choir.now(), SING, "relative", None, SING, SING),
        CheckIdentity("C1", True, SING),
        ExtendRight("C1", SING),
        FulfilRight("C1", choir.now(), SING, SING, SING),
        RefuseRight("C2", "law_requires", SING, choir.now()),
        WithdrawRight("C3", word()),
    )


def holds(choir: Choir) -> None:
    """Holds that were lifted again."""
    choir.tick("2024-02-20")
    day = choir.on("2024-02-21")
    choir.say(
        PlaceLegalHold(HOME, "H1", day, SING),
        LiftLegalHold(HOME, "H1", day, SING),
        PlaceLegalHold(HOME, "H2", day, SING, TENANT),
        LiftLegalHold(HOME, "H2", day, SING),
    )
    choir.say(PlaceStaffHold(ZHAO, "H3", day, SING), LiftStaffHold(ZHAO, "H3", day, SING),
              whose=ZHAO)  # fmt: skip


def messages(choir: Choir) -> None:
    """What is told to the household and to the staff, and what they wish to be told."""
    choir.on("2024-02-22")
    filled = (Parameter("request", "R-0"),)
    for cause in ("n1", "n2"):
        queued, *_ = choir.say(
            QueueMessage(
                HOME,
                f"{cause}:0",
                "request-received",
                (*filled, Parameter("answer_by", "2024-02-22T12:00:00+08:00")),
                OWNER,
            )
        )
        choir.say(ReleaseMessage(HOME, queued.message))
        work = (*filled, Parameter("given_at", "2024-02-22T12:00:00+08:00"))
        told, *_ = choir.say(TellStaff(ZHAO, f"{cause}:0", "order-given", work))
        choir.say(ReleaseToStaff(ZHAO, told.message))
        if cause == "n1":
            choir.say(RecordSent(HOME, queued.message, 1, SING))
            choir.say(RecordSentToStaff(ZHAO, told.message, 1, SING), whose=ZHAO)
        else:
            choir.say(RecordFailure(HOME, queued.message, 1, "unreachable", True))
            choir.say(RecordFailureToStaff(ZHAO, told.message, 1, "unreachable", True))
    choir.say(ChangePreference(HOME, OWNER, "marketing", False, word()))


def leaving(choir: Choir) -> None:
    """Zhao leaves; years later those who left are proposed to be forgotten, and are kept."""
    day = choir.on("2025-01-20")
    choir.say(EndStaffRole(ZHAO, "operator", day, SING), whose=ZHAO)
    choir.crm.privacy.leaving("arrears", 3, ("room",), by=MONEY, purpose="collection")
    choir.tick("2028-02-01")
    day = choir.on("2028-02-01")
    until = date(2029, 1, 1)
    choir.say(DeclineErasure("V3", "V3#owner", day, SING, until), whose="V3#owner")
    choir.say(DeclineStaffErasure(ZHAO, day, SING, until), whose=ZHAO)


def imports(choir: Choir, folder: Path) -> None:
    """Files of a home that were of another month, so that both imports are undone."""
    choir.on("2024-10-08")

    def song() -> str:
        return choir.canaries.new("V6")

    home = {**HOUSEHOLD, "household": "V6", "owner": song(), "phone": ""}
    tenant = {**TENANT_ROW, "household": "V6", "member": "V6#tenant", "name": song()}
    bought = {**PURCHASE, "household": "V6"}
    asked = {**REQUEST, "request": "R60", "household": "V6", "summary": song(), "closed_at": ""}
    first = {
        "households": [home], "transfers": [tenant], "purchases": [bought], "requests": [asked]
    }  # fmt: skip
    second = {
        "transfers": [{**tenant, "until": "2024-05-31"}],
        "requests": [{**asked, "closed_at": REQUEST["closed_at"]}],
    }
    for number, files in enumerate((first, second)):
        take_in(choir.crm, folder / str(number), files, by=Actor("app", "host"))
    for number in ("2", "1"):
        choir.crm.imports.undo(number, by=MANAGER, reason=song())
