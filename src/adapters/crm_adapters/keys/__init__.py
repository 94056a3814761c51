"""Key vaults: one key per person, kept away from the log."""

from crm_adapters.keys.guards import Cost, Guard, HeldKey, Passphrase
from crm_adapters.keys.local import LocalVault

__all__ = ["Cost", "Guard", "HeldKey", "LocalVault", "Passphrase"]
