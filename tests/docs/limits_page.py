"""The page of limits, rendered from the table in the code."""

from __future__ import annotations

from crm_adapters.files.limits import IMPORT_LIMITS
from crm_core.kernel.limits import LIMITS

HEAD = """# Limits

Everything that comes from outside has a limit, and what is larger is refused at once, with a code.
This page is rendered from the tables of limits in the code, and a test keeps it so.

| what is counted | most | beyond it |
|---|---|---|
"""

TAIL = """
Beyond them an import is bounded by the space that is free.
Where that ends, `CRM-F005` says so and nothing is written.
One cell of a CSV file has at most 131,072 characters, Python's own limit.
A workbook is looked at before it is unpacked: its size, and how far its cells reach.
"""


def render() -> str:
    """The page as text."""
    rows = [
        f"| {limit.what} | {limit.most:,} | `{limit.code}` |" for limit in (*LIMITS, *IMPORT_LIMITS)
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL
