"""The report of a year: what is owed, promised, late, waiting, visited, and one household's life.

`service` answers the question, `model` says what it answers with; the rest finds its parts.
"""

from crm_core.application.reporting.model import YearReport

__all__ = ["YearReport"]
