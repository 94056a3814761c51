"""The factory and the deciders beyond what the library's own tests ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventsourcing import Factory, SQLAlchemyTrackingRecorder, application
from crm_adapters.eventsourcing.library import (
    LATER,
    Environment,
    InfrastructureFactoryError,
    IntegrityError,
    ProgrammingError,
    Tracking,
)
from crm_core.errors import Invalid, Refused
from crm_core.kernel.sealed import Personal
from crm_core.owners import RegisterHousehold
from crm_core.owners.decide import HOUSEHOLD
from crm_core.payments import ACCOUNT, RaiseCharge, ReceivePayment
from faults.logs import note, open_log

CHARGE = RaiseCharge("V1", "CV1", "management_fee", "2011-07", 12700, date(2011, 7, 31))


def factory(url: str, name: str = "Boards", **said: str) -> Factory:
    return Factory(Environment(name, {"APPLICATION_DB": url, **said}))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/application.db"


def test_what_is_not_said_is_asked_for_by_its_names() -> None:
    with pytest.raises(InfrastructureFactoryError, match="BOARDS_APPLICATION_DB"):
        Factory(Environment("Boards", {}))


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    for said in (
        {"ORIGINATOR_ID_TYPE": "integer"},
        {"CREATE_TABLE": "no"},
        {"APPLICATION_TENANT": "a/b"},
        {"APPLICATION_DB": "oracle://x/y"},
    ):
        with pytest.raises(InfrastructureFactoryError):
            factory(**{"url": url, **said}) if "APPLICATION_DB" not in said else factory(
                said["APPLICATION_DB"]
            )
    with (
        closing(factory(url, TRACKING_RECORDER_TOPIC="builtins:dict")) as made,
        pytest.raises(InfrastructureFactoryError, match="SQLAlchemyTrackingRecorder"),
    ):
        made.tracking_recorder()


def test_the_log_of_a_crm_is_no_place_for_an_application(url: str) -> None:
    with closing(open_log(url, "Boards")) as log:
        log.append([note("c1", "a/1", None, ("1",))])
    with pytest.raises(InfrastructureFactoryError, match="log of a CRM"):
        factory(url)
    with closing(open_log(url, "Boards")) as log:
        assert log.verify().intact


@pytest.mark.rule("LOG-07")
def test_applications_of_one_database_have_events_of_their_own(url: str) -> None:
    with closing(factory(url, "One")) as one, closing(factory(url, "Other")) as other:
        one.tracking_recorder().insert_tracking(Tracking("upstream", 1))
        assert other.tracking_recorder().max_tracking_id("upstream") is None
        assert (one.database.tenant, other.database.tenant) == ("One", "Other")


@pytest.mark.rule("LOG-01")
def test_a_read_model_and_its_position_are_kept_together_or_not_at_all(url: str) -> None:
    database = open_database(url, create=True, contiguous=True)
    with database.schema_change() as connection:
        connection.exec_driver_sql("CREATE TABLE seen (n integer)")
    view = SQLAlchemyTrackingRecorder(database)

    def see(position: int, *, fails: bool = False) -> None:
        with view.recording(Tracking("upstream", position)) as cursor:
            cursor.execute(f"INSERT INTO seen VALUES ({database.mark})", (position,))
            if fails:
                raise LookupError

    see(1)
    with pytest.raises(IntegrityError):
        see(1)
    with pytest.raises(LookupError):
        see(2, fails=True)
    assert [row[0] for row in database.rows("SELECT n FROM seen", ())] == [1]
    assert view.max_tracking_id("upstream") == 1
    database.close()


# --- deciders ------------------------------------------------------------------------------------


@pytest.fixture
def accounts(url: str) -> Iterator[Any]:
    kind = application(ACCOUNT)
    with kind(
        env={"PERSISTENCE_MODULE": "crm_adapters.eventsourcing", "APPLICATION_DB": url}
    ) as made:
        yield made


def test_a_decider_takes_its_commands_and_refuses_them(accounts: Any, url: str) -> None:
    [raised] = accounts.do(CHARGE)
    accounts.do(ReceivePayment("V1", "PV1", 12700, date(2011, 8, 1), "wechat", "CV1"))
    with pytest.raises(Refused) as refused:
        accounts.do(CHARGE)
    assert refused.value.rule == "PAY-01"
    standing = accounts.standing("V1")
    assert (standing.id, standing.version) == ("account/V1", 2)
    # Another program goes on from what is stored.
    again = application(ACCOUNT)
    with again(
        env={"PERSISTENCE_MODULE": "crm_adapters.eventsourcing", "APPLICATION_DB": url}
    ) as other:
        assert other.standing("V1") == standing
    [first, *_] = accounts.repository.event_store.get("account/V1")
    assert first.decision == raised


@pytest.mark.skipif(not LATER, reason="events have a UUID and metadata in 10 only")
def test_the_uuid_and_the_metadata_of_a_decided_event_are_kept(accounts: Any) -> None:
    from eventsourcing.domain import put_metadata_in_context

    with put_metadata_in_context({"asked_by": "manager M1"}):
        accounts.do(CHARGE)
    [first] = accounts.repository.event_store.get("account/V1")
    [again] = accounts.repository.event_store.get("account/V1")
    assert first.metadata == again.metadata == {"asked_by": "manager M1"}
    assert first.uuid == again.uuid
    assert first.uuid.int


@pytest.mark.rule("LOG-01")
def test_of_two_that_decided_on_the_same_state_one_is_refused(accounts: Any) -> None:
    accounts.do(CHARGE)
    before = accounts.standing("V1")
    accounts.do(ReceivePayment("V1", "PV1", 100, date(2011, 8, 1), "cash", "CV1"))
    accounts.standing = lambda _: before
    with pytest.raises(IntegrityError):
        accounts.do(ReceivePayment("V1", "PV2", 100, date(2011, 8, 1), "cash", "CV1"))


@pytest.mark.rule("PRV-03")
def test_personal_values_that_nothing_would_seal_are_refused(url: str) -> None:
    command = RegisterHousehold("V1", "星河", "1", "1", "101", owner=Personal("V1#owner", "张三"))
    with application(HOUSEHOLD)(
        env={"PERSISTENCE_MODULE": "crm_adapters.eventsourcing", "APPLICATION_DB": url}
    ) as made:
        with pytest.raises(Invalid) as raised:
            made.do(command)
        assert raised.value.faults[0].code == "application_personal"
        assert made.recorder.max_notification_id() is None


def test_snapshots_of_a_decider_are_refused_aloud(url: str) -> None:
    with pytest.raises(ProgrammingError, match="no snapshot"):
        application(ACCOUNT)(
            env={
                "PERSISTENCE_MODULE": "crm_adapters.eventsourcing",
                "APPLICATION_DB": url,
                "IS_SNAPSHOTTING_ENABLED": "y",
            }
        )
