"""A dataclass of `bastion.shape` is what the standard library would have made of the same class."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from types import SimpleNamespace
from typing import Any

import pytest

from bastion import shape
from bastion.domain.selection import EVERYTHING, Selection


def _classes(dataclass: Callable[..., Any]) -> Any:  # noqa: ANN401 - classes made twice over
    class Base:
        __slots__ = ()

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named(Base):
        """A value."""

        name: str
        size: int = 3
        rows: list[int] = field(default_factory=list)
        hidden: str = field(default="h", repr=False, compare=False)
        made: list[str] = field(default_factory=lambda: ["made"], init=False)

        def double(self) -> int:
            return self.size * 2

    @dataclass(frozen=True, slots=True, kw_only=True)
    class More(Named):
        """A value with more."""

        more: tuple[int, ...] = ()

    @dataclass(frozen=True, slots=True)
    class Single:
        value: object

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Checked:  # noqa: PLW1641 - a frozen dataclass has its hash nevertheless
        """Refuses what is below zero, and is equal by its own word."""

        size: int

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("below zero")

        def __eq__(self, other: object) -> bool:
            return True

    return SimpleNamespace(Named=Named, More=More, Single=Single, Empty=Empty, Checked=Checked)


CHEAP, PLAIN = _classes(shape.dataclass), _classes(dataclasses.dataclass)
BOTH = pytest.mark.parametrize("made", [CHEAP, PLAIN], ids=["cheap", "plain"])


@BOTH
def test_values_are_made_shown_and_compared_alike(made: Any) -> None:  # noqa: ANN401 - as above
    value = made.Named(name="a", rows=[1])
    assert repr(value) == "_classes.<locals>.Named(name='a', size=3, rows=[1], made=['made'])"
    assert value == made.Named(name="a", rows=[1], hidden="other")
    assert value != made.Named(name="b", rows=[1])
    assert made.More(name="a") != made.Named(name="a")
    assert made.More(name="a", more=(1,)).more == (1,)
    assert made.Named(name="a").rows is not made.Named(name="a").rows
    assert value.double() == 6
    assert not hasattr(value, "__dict__")
    assert made.Empty() == made.Empty()
    assert made.Checked(size=1) == made.Checked(size=2)


@BOTH
def test_values_hash_as_the_tuple_of_their_fields(made: Any) -> None:  # noqa: ANN401 - as above
    assert hash(made.Single("a")) == hash(("a",))
    assert made.Single("a") == made.Single("a") != made.Single("b")
    assert hash(made.Empty()) == hash(())
    assert hash(made.Checked(size=1)) == hash((1,))
    with pytest.raises(TypeError):
        hash(made.Named(name="a"))


@BOTH
def test_values_cannot_be_changed(made: Any) -> None:  # noqa: ANN401 - as above
    value = made.Single("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'value'"):
        value.value = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'value'"):
        del value.value
    assert value.value == "a"


@BOTH
def test_wrong_arguments_are_refused_in_the_same_words(made: Any) -> None:  # noqa: ANN401 - as above
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required keyword-only argument: 'name'"):
        made.Named()
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'other'"):
        made.Named(name="a", other=1)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2"):
        made.Checked(1)
    with pytest.raises(ValueError, match="below zero"):
        made.Checked(size=-1)


@BOTH
def test_the_librarys_functions_work_on_them(made: Any) -> None:  # noqa: ANN401 - as above
    value = made.Named(name="a", rows=[1])
    assert dataclasses.replace(value, size=4).size == 4
    assert [one.name for one in dataclasses.fields(value)] == ["name", "size", "rows", "hidden", "made"]
    assert dataclasses.asdict(made.More(name="a"))["more"] == ()
    assert made.Single.__match_args__ == ("value",)
    assert made.Named.__match_args__ == ()
    told = inspect.signature(made.Named)
    assert list(told.parameters) == ["name", "size", "rows", "hidden"]
    assert told.parameters["size"].default == 3
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert copy.deepcopy(value).rows is not value.rows


def test_a_value_of_the_desk_is_pickled_and_comes_back() -> None:
    chosen = Selection(venues=frozenset({"binance"}))
    assert pickle.loads(pickle.dumps(chosen)) == chosen != EVERYTHING  # noqa: S301 - what was just written


def test_what_is_primed_has_nothing_left_to_make() -> None:
    made = _classes(shape.dataclass)
    shape.prime()
    before = made.Named.__init__
    made.Named(name="a")
    assert made.Named.__init__ is before
    assert before.__annotations__["name"] is str


def test_what_is_unusual_is_left_to_the_library() -> None:
    @shape.dataclass(slots=True)
    class Loose:
        size: int

    @shape.dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        size: int

    @shape.dataclass(frozen=True, slots=True)
    class Given:
        size: dataclasses.InitVar[int]
        twice: int = 0

        def __post_init__(self, size: int) -> None:
            object.__setattr__(self, "twice", 2 * size)

    assert Given(3).twice == 6
    loose = Loose(1)
    loose.size = 2
    assert loose == Loose(2)
    assert Ordered(1) < Ordered(2)
