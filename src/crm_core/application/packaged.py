"""The files that come with the services: the table of access and the classes of answers."""

from __future__ import annotations


def packaged(*path: str) -> str:
    """The text of a file of this package."""
    from importlib.resources import files  # Slow to load, and few programs ask.

    return files("crm_core.application").joinpath(*path).read_text(encoding="utf-8")
