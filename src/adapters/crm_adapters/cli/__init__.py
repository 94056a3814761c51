"""The command line `crm`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; say what is missing where the extra is not installed."""
    try:
        from crm_adapters.cli.app import run

        status = run()
    except ModuleNotFoundError as error:
        from crm_adapters.cli.language import language_asked, say, speak

        speak(language_asked(sys.argv[1:]))
        sys.stderr.write(f"crm: {say('extra_missing', module=error.name)}\n")
        raise SystemExit(2) from None
    raise SystemExit(status)
