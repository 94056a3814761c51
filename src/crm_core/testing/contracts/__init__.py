"""Contract suites for ports: every adapter that passes behaves like every other.

Subclass a contract in a test module of pytest and say how to make the thing:

    class TestMyVault(KeyVaultContract):
        def make_vault(self):
            return MyVault()

Needs pytest and hypothesis.
"""

from crm_core.testing.contracts.engines import FactsEngineContract
from crm_core.testing.contracts.event_log import EventLogContract
from crm_core.testing.contracts.key_vault import KeyVaultContract
from crm_core.testing.contracts.notifier import NotifierContract
from crm_core.testing.contracts.views import ViewsContract

__all__ = [
    "EventLogContract",
    "FactsEngineContract",
    "KeyVaultContract",
    "NotifierContract",
    "ViewsContract",
]
