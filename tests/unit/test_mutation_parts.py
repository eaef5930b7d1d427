"""The parts of `make mutate`: what it changes, where that arrives, what is reached, what is argued."""

import gc
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.court import _heard
from tests.mutation.kept import ARGUED, Argued, Outcome
from tests.mutation.marks import Finder, begin, marked
from tests.mutation.mutants import Mutant, Subject
from tests.mutation.page import PAGE, page
from tests.mutation.swap import NotSwappable, functions_of, swap

NAME = "a_module_to_break"
SOURCE = '''
LIMIT = 3


def below(value: int | None, most: int = 3) -> bool:
    """Say whether it is."""
    if value is None:
        return False
    try:
        return value < most
    except TypeError:
        return False


class Box:
    def full(self, value: int) -> bool:
        return below(value, 2) and value > 0
'''


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    path = tmp_path / f"{NAME}.py"
    path.write_text(SOURCE)
    return Subject(path)


@pytest.fixture
def loaded(subject: Subject) -> Iterator[ModuleType]:
    begin()
    finder = Finder(NAME, subject.path, marked(subject.source, subject.path))
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.meta_path.remove(finder)
        del sys.modules[NAME]


def one_of(subject: Subject, operator: str, line: int) -> Mutant:
    return next(found for found in subject.mutants if (found.operator, found.line) == (operator, line))


def test_annotations_are_spared_and_what_is_decided_at_import_is_told_apart(subject: Subject) -> None:
    lines = {found.line for found in subject.mutants}
    assert 5 not in lines, "a line with annotations"
    assert {found.line for found in subject.mutants if found.at_import} == {2}
    assert {7, 10, 11, 17} <= lines


def test_a_mutant_names_the_statement_by_which_it_is_reached(subject: Subject) -> None:
    places = {found.line: found.statement for found in subject.mutants}
    assert (places[7], places[10], places[17]) == (7, 10, 17)
    assert places[11] == 9, "what is excepted is reached by its try"


def test_a_change_arrives_where_the_function_was_taken_before(subject: Subject, loaded: ModuleType) -> None:
    taken, box = loaded.below, loaded.Box()
    assert taken(1)
    assert box.full(1)
    mutant = one_of(subject, "ReplaceComparisonOperator_Lt_Gt", 10)
    broken = subject.broken(mutant)
    assert subject.change(mutant, broken) == "return value < most -> return value > most"
    gc.freeze()  # as who collects the tests does
    swap(functions_of(NAME), str(subject.path), subject.source, broken)
    assert not taken(1)
    assert not box.full(1)
    assert taken(5)


def test_a_change_of_a_table_or_a_default_cannot_be_put_into_a_loaded_module(
    subject: Subject, loaded: ModuleType
) -> None:
    assert loaded.LIMIT == 3
    broken = subject.source.replace("LIMIT = 3", "LIMIT = 4")
    with pytest.raises(NotSwappable):
        swap(functions_of(NAME), str(subject.path), subject.source, broken)


def test_marks_tell_which_statements_a_test_reaches(loaded: ModuleType) -> None:
    reached = begin()
    assert loaded.below(None) is False
    assert reached == {7, 8}
    reached = begin()
    assert loaded.Box().full(1)
    assert reached == {7, 9, 10, 17}


@pytest.mark.parametrize(
    ("said", "ends", "heard"),
    [
        (b'{"said": 1}', True, b'{"said": 1}'),
        (b'60.000\n60.000\n{"said": 1}', True, b'{"said": 1}'),
        (b"60.000\n", True, b""),
        (b"60.000\n0.010\n", False, None),
        (b'0.010\n{"sa', False, None),
        (b"", False, None),
    ],
)
def test_a_fork_that_waits_longer_than_it_said_is_given_up(
    said: bytes,
    ends: bool,  # noqa: FBT001 - a case of the table
    heard: bytes | None,
) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, said)
    if ends:
        os.close(theirs)
    assert _heard(ours, 0.01 if not said else 60) == heard
    if not ends:
        os.close(theirs)


def test_only_what_its_reason_speaks_of_is_argued() -> None:
    argued = Argued(json.loads(ARGUED.read_text()))
    identical = "ReplaceComparisonOperator_Is_Eq: if fault is Fault.SIZE: -> if fault == Fault.SIZE:"
    assert argued.reason("exits/ladder.py", identical)
    assert argued.reason("exits/ladder.py", identical.replace("Is_Eq", "Is_NotEq")) is None
    flag = "ReplaceComparisonOperator_Is_Eq: if flag is True: -> if flag == True:"
    assert argued.reason("exits/ladder.py", flag) is None


def test_the_share_counts_what_was_argued_and_is_rounded_down() -> None:
    one = Outcome(
        module="exits/verdict.py",
        mutants=400,
        tried=200,
        timed_out=1,
        argued=20,
        survivors=tuple("abcdefghijklmnopqrstu"),
        seconds=1,
        slowest_s=1.0,
    )
    assert (one.killed, one.percent, one.name) == (159, 89, "verdict")


def test_the_page_is_what_the_command_writes_from_what_was_kept() -> None:
    assert PAGE.read_text() == page(), "python -m tests.mutation.page writes it anew"
