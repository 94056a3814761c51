"""How large import files may be; the page of limits is rendered from this table too (IMP-02)."""

from __future__ import annotations

from typing import Final

from crm_adapters.files.mapping import MAPPING_BYTES_MAX
from crm_adapters.files.sheets import BYTES_MAX, COLUMNS_MAX, FAULTS_MAX, ROWS_MAX
from crm_adapters.files.workbooks import CELLS_MAX, TEXT_MAX
from crm_core.kernel.limits import Limit

IMPORT_LIMITS: Final = (
    Limit("bytes of one import file", BYTES_MAX, "file_too_large"),
    Limit("bytes that a workbook unpacks to", BYTES_MAX, "file_too_large"),
    Limit("rows of one table that is imported", ROWS_MAX, "file_too_large"),
    Limit("columns of one table that is imported", COLUMNS_MAX, "file_too_large"),
    Limit("cells between the first of a sheet and its last", CELLS_MAX, "file_too_large"),
    Limit("bytes of one text of a workbook", TEXT_MAX, "spreadsheet_unread"),
    Limit("faults of one table that are told", FAULTS_MAX, "faults_too_many"),
    Limit("bytes of one mapping file", MAPPING_BYTES_MAX, "mapping_too_large"),
)
