"""What several tests of surveys are given."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from kernel.shared_data import shared_file


@pytest.fixture(scope="session")
def rows() -> list[list[int]]:
    """5,820 filled questionnaires of students in Ankara: 28 answers each."""
    path: Path = shared_file("turkiye-evaluations/turkiye_student_evaluation.csv.gz")
    with gzip.open(path, "rt") as file:
        read = list(csv.reader(file))
    return [[int(value) for value in row[5:]] for row in read[1:]]
