"""The command line as it is without anybody's own settings: in English, as the host's account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_adapters.cli.language import LOCALES

OF_THE_HOST = ("CRM_AS", "CRM_DB", "CRM_KEYS", "CRM_LANG", "CRM_TENANT", "CRM_ZONE", *LOCALES)


@pytest.fixture(scope="session", autouse=True)
def plain_host() -> Iterator[None]:
    """An account of a known name, and no settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OF_THE_HOST:
            patch.delenv(name, raising=False)
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setenv("LOGNAME", "wang")
        yield
