"""Adapters: where the pure core meets databases, keys, files and people.

`open_crm` wires all of it from one URL.
"""

from crm_adapters.wiring import open_crm

__all__ = ["open_crm"]
