"""What a page about households says of who had it made, when and what for (PRV-10)."""

from __future__ import annotations

from collections.abc import Sequence

from crm_core.application.privacy import Watermark
from crm_core.crm import CRM
from crm_core.kernel.recorded import Actor


def mark_of(
    crm: CRM,
    what: str,
    rows: int,
    leads: Sequence[str],
    *,
    by: Actor,
    purpose: str | None = None,
) -> str:
    """The mark of a list in which fields lead to the door or the person, or are personal.

    Args:
        what: What kind of list it is.
        rows: How many households it lists.
        leads: These fields; without any it is marked without a number.

    Raises:
        Refused: it is not for `by`, or lists more than they may take at once.
        Invalid: there are such fields, and no purpose is stated.
    """
    if not (leads and rows):
        return Watermark("", crm.clock.now(), str(by), purpose or "").told()
    return crm.privacy.leaving(what, rows, leads, by=by, purpose=purpose).told()
