"""The command line `crm`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; say what is missing where the extra is not installed."""
    try:
        from crm_adapters.cli.app import run

        status = run()
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"crm: `{error.name}` is not installed; the command line needs crm-core[all]\n"
        )
        raise SystemExit(2) from None
    raise SystemExit(status)
