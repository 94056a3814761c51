"""The frames engine: facts of all households at once, as columns (decision record 0032).

Narrow rows of every fact are kept in files beside the log; the expressions over them are written
once and run on Polars, on DuckDB or on PySpark. Results are those of the events engine, row for
row. `engine` opens the `columns` at its first question; `kept` and `shapes` say what is kept,
`account` and `arrears` what is owed, `facts` what a grading sees, `tables` how it is decided,
`replaying` how recorded gradings are compared.
"""

from crm_adapters.frames.engine import BACKENDS, FramesEngine

__all__ = ["BACKENDS", "FramesEngine"]
