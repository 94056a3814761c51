"""The calendars that come with the package are the ones that a service centre keeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest

from crm_core.kernel.calendars import UncoveredYear
from crm_core.kernel.policy import digest_of_table, read_toml
from crm_core.requests.service_calendars import service_calendars

pytestmark = pytest.mark.rule("REQ-11")

PUBLISHED = {
    "cn-engineering": "ecf2b6c98f0664a0ddb96e24c1dcfe698060df4f3c36eb518af8f1d3255b57a1",
    "cn-office": "61e6be2de75a5ceb0b63e87b4271912c8f3def8265e3a851ed1d00b831b6c3a4",
    "cn-service-centre": "68b2a0f7b1f54971b6aae948fc34a770aea2e1cacb45e9bd096305c8bc9b782e",
}


def test_their_names_and_contents_are_published() -> None:
    """Requests are judged by them for years: a change is a new calendar."""
    folder = files("crm_core") / "requests" / "calendars"
    digests = {
        name: digest_of_table(read_toml((folder / f"{name}.toml").read_text(encoding="utf-8")))
        for name in service_calendars()
    }
    assert digests == PUBLISHED


def test_the_office_keeps_public_holidays_and_works_the_days_in_exchange() -> None:
    office = service_calendars()["cn-office"]
    friday = datetime(2026, 2, 13, 9, tzinfo=UTC)  # 17:00 in Shanghai, before the Spring Festival
    assert office.add(friday, 3600) == datetime(2026, 2, 14, 1, tzinfo=UTC)
    assert office.hours(date(2026, 2, 14)) == office.hours(date(2026, 2, 13))
    assert office.add_days(friday, 2) == datetime(2026, 2, 24, 9, tzinfo=UTC)
    with pytest.raises(UncoveredYear, match="2027"):
        office.add(friday, 365 * 86_400)


def test_the_service_centre_never_closes_and_engineering_only_at_night() -> None:
    instant = datetime(2026, 2, 16, 15, tzinfo=UTC)  # 23:00 on the eve of the Spring Festival
    year = timedelta(days=365)
    centre = service_calendars()["cn-service-centre"]
    assert centre.elapsed(instant, instant + year) == year.total_seconds()
    engineering = service_calendars()["cn-engineering"]
    assert engineering.roll(instant) == datetime(2026, 2, 17, tzinfo=UTC)
    assert engineering.elapsed(instant, instant + year) == 365 * 12 * 3600
