"""Key vaults: one key per person, kept away from the log."""

from crm_adapters.keys.environment import guard_of, suite_of
from crm_adapters.keys.guards import Cost, Guard, HeldKey, Passphrase
from crm_adapters.keys.local import LocalVault, Unlock

__all__ = ["Cost", "Guard", "HeldKey", "LocalVault", "Passphrase", "Unlock", "guard_of", "suite_of"]
