"""Who acts on the command line: somebody named as `--as ROLE:ID`, or the host's account."""

from __future__ import annotations

import getpass
import unicodedata

from crm_adapters.cli.language import say, unfit
from crm_core.kernel.recorded import ROLES, Actor
from crm_core.kernel.text import ID_LENGTH_MAX, check_id

CLAIMED = tuple(role for role in ROLES if role != "system")
"""What somebody can say they are. The system is what the library itself does."""

NOBODY = "unknown"
"""The host's account where the system does not tell it."""


def person(text: str) -> Actor:
    """Who is named as `role:id`.

    Raises:
        ValueError: nobody is named so.
    """
    role, colon, identity = text.partition(":")
    if not (role and colon and identity):
        raise ValueError(say("person_form"))
    if role not in CLAIMED:
        raise ValueError(say("role_unknown", role=role, accepted=CLAIMED))
    try:
        return Actor(check_id(identity), role)
    except ValueError as error:
        raise ValueError(unfit(error)) from error


def host() -> Actor:
    """The account that runs the program."""
    try:
        account = getpass.getuser()
    except (KeyError, ImportError, OSError):
        account = ""
    return Actor(_as_id(account) or NOBODY, "host")


def _as_id(account: str) -> str:
    """The account as an id: what no id may have in it becomes `_`."""
    found = ""
    for character in unicodedata.normalize("NFKC", account):
        try:
            check_id(f"{found}{character}")
        except ValueError:
            found += "_" if found else ""
        else:
            found += character
        if len(found) == ID_LENGTH_MAX:
            break
    return found
