"""Papers of the method as files: HTML, XLSX, CSV, and DOCX by a company's own template (REP-01)."""
