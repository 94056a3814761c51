"""What a page about households says of who had it made, when and what for (PRV-10)."""

from __future__ import annotations

from crm_adapters.data_map import columns_of
from crm_core.application.privacy import Watermark
from crm_core.crm import CRM
from crm_core.kernel.recorded import Actor


def marked(
    crm: CRM, source: str, rows: int, *, by: Actor, purpose: str | None = None, whole: bool = False
) -> str:
    """The mark of a page, in both languages.

    For whoever sees what is in it as personal, it leaves as a list does, and the mark has its
    number; under household numbers alone it has none.

    Args:
        source: The page, as the data map of files calls it.
        rows: How many households it lists.
        whole: Whether it is of no use with something withheld.

    Raises:
        Refused: it is not for `by`, or lists more than they may take at once.
    """
    classes = columns_of(source)
    listing = crm.privacy.listing(tuple(classes), classes, by=by, purpose=purpose)
    if whole:
        listing.check_whole()
    if not (listing.leads and rows):
        return Watermark("", crm.clock.now(), str(by), purpose or "").told()
    what = source.partition("/")[0]
    return crm.privacy.leaving(what, rows, listing.leads, by=by, purpose=purpose).told()
