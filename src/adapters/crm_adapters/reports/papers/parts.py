"""The parts of files that are archives: to compare two of them, whoever packed them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

DAY_ONE = (1980, 1, 1, 0, 0, 0)
"""The instant that every part says it is of: that of no clock."""

PART_BYTES_MAX = 64 * 2**20
"""A longer part is none of ours."""


def parts_of(content: bytes) -> Mapping[str, bytes]:
    """The parts by their names.

    Raises:
        BadZipFile: it is no archive, or has a part that is too long.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(one.file_size for one in archive.infolist()) > PART_BYTES_MAX:
            raise zipfile.BadZipFile("too long")
        return {one.filename: archive.read(one) for one in archive.infolist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """An archive of these parts; the same parts give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            part = zipfile.ZipInfo(name, DAY_ONE)
            part.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(part, content)
    return out.getvalue()
