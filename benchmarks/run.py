"""Speed and memory beside the rivals, in one run: `nox -s bench -- [ROW ...] [--quick] [--write]`.

Rivals are sampled in turns and compared sample by sample: quote the ratios, not the rates.
Exit status: 0 all rows were measured (whether or not a goal was reached), 1 one was not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import facts
from measure import table
from rows import ROWS, Bench
from workers import ROOT, Unavailable, Workers

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"

METHOD = """\
Each contender has a process of its own; they are sampled in turns, in changing order.
A ratio is the median over the rounds of (rival's time / our time), with its smallest and largest.
Rates depend on the machine and swing from minute to minute: quote the ratios.

- Appends: event objects that exist already go in, positions come out, the commit is durable \
(SQLite: write-ahead log, synchronous FULL for everybody).
  One append is one command to one new aggregate.
  All store the same seven fields; crm-core also keeps effective day, command id with its digest, \
and the chain.
- Raw sqlite3 inserts rows that were encoded before into the same table, and checks nothing.
- `crm import` parses, validates, decides, chains and commits; it stands beside the bare \
`EventStore.put` of as many events in as many streams, whose making is not counted.
- Tables of others: workbook and CSV hold the same rows of charges, and nothing stands in the log \
before; the bomb is a workbook beside four gigabytes of zeros in four megabytes.
- Loads: accounts of charges and payments in turn; the rivals fold into plain dicts.
- The chain's cost is the difference to the same code with a constant where each digest stands.
- Gradings: eventsourcing has an aggregate for each household with the same facts and gradings \
and loads it through its repository.
  Plain functions beside it compute facts, type and layer, and settle the account only on days on \
which something happens; crm-core also compares evidence, criteria and stored bytes.
  Every planted error must be found and no other; "read only" decides nothing.
- Columns: the frames engine reads rows that it keeps in step with the log; they are brought up to \
its end before the clock starts, and making them has a line of its own.
  Polars by hand reads the same files and compares facts, evidence, type and layer; that criteria \
follow from the facts is said by a column of those files to both. It is written for these data: \
one grading policy, one credit table in days.
  Whatever differs crm-core decides again from the events; by hand it is only named.
- Copied rows: those of a town many times over, households and positions numbered on, as a larger \
town's would be; there is no log of that size, and the planted errors stand in the first copy.
  PySpark runs in this machine with two workers, its start not counted; its rows of a year must be \
those of Polars.
- A projection's row holds charges and payments of one account; events of all accounts come in \
turn, and every row changes as often as an account has events.
- Look-ups are counted in processor time, that of SQLite in it, the second time a question is \
asked; they stand beside the same question to a log of forty households.
- Idle time is the difference between two runs of `crm work` that are ended after different times.
- Working time: the same office hours with a lunch break and the same holidays for everybody, and \
the answers are compared before they are timed.
- Memory is the peak of the whole process as the system reports it.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    started = perf_counter()
    began = facts.load()
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        workers = Workers(Path(folder), _say)
        bench = Bench(Path(folder), workers, _say, options.quick, options.large)
        try:
            for row in dict.fromkeys(ROWS[name] for name in options.rows):
                _say(f"{row.__doc__}")
                _measure(bench, row)
            versions = facts.versions(workers.versions())
        finally:
            workers.end()
    now = datetime.now(UTC)
    machine = f"{facts.machine()}; load {began} at the beginning, {facts.load()} at the end"
    report = _report(bench, machine, versions, now, perf_counter() - started)
    print(report)
    if options.write:
        PAGE.write_text(_page(report), encoding="utf-8")
    return 1 if bench.failures else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="a smoke run without verdicts")
    parser.add_argument(
        "--large",
        action="store_true",
        help="P1 with a million events, R2, U1 and U2 with 3.6 million, U3 and U4 with 36 million",
    )
    parser.add_argument("--write", action="store_true", help="keep the table in docs/reference")
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row `{unknown[0]}`; there are {', '.join(ROWS)}")
    if options.write and (options.rows or options.quick):
        parser.error("only a full run of all rows is kept")
    options.rows = options.rows or list(ROWS)
    return options


def _measure(bench: Bench, row: object) -> None:
    names = [name for name, function in ROWS.items() if function is row]
    try:
        ROWS[names[0]](bench)
    except (Unavailable, RuntimeError, ImportError) as error:
        bench.fail("/".join(names), str(error))


def _report(bench: Bench, machine: str, versions: list[str], now: datetime, seconds: float) -> str:
    kind = "Smoke run, its figures mean nothing" if bench.quick else "Measured"
    missed = [line for line in bench.lines if line.reached is False]
    judged = [line for line in bench.lines if line.reached is not None]
    parts = [
        f"{kind}: {now:%Y-%m-%d}, in {seconds:.0f} s, on {machine}.",
        "",
        *(f"- {line}" for line in versions),
        *(f"- {note}" for note in bench.notes),
        "",
        table(bench.lines),
        "",
        f"{len(judged) - len(missed)} of {len(judged)} goals reached.",
    ]
    parts += [f"- NOT MEASURED: {failure}" for failure in bench.failures]
    return "\n".join(parts)


def _page(report: str) -> str:
    return (
        "# Benchmarks\n\n"
        "Written by `nox -s bench -- --write`; not edited by hand.\n\n"
        f"{report}\n\n## How it is measured\n\n{METHOD}"
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
