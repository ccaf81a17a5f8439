"""The base of values: what a frozen dataclass does, made when the first instance is."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property

import pytest

from lambent.frozen import Frozen


class Point(Frozen):
    x: int
    y: int = 0
    names: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict)

    @cached_property
    def sum(self) -> int:
        return self.x + self.y


class Other(Frozen):
    x: int


class Base(Frozen):
    """No fields."""


class Leaf(Base):
    said: str = "leaf"


def test_it_is_what_a_frozen_dataclass_is() -> None:
    point = Point(1, names=("a",))
    assert (point.x, point.y, point.names, point.more, point.sum) == (1, 0, ("a",), {}, 1)
    assert replace(point, y=2) == Point(1, 2, ("a",)) and replace(point, y=2) != point
    assert asdict(point) == {"x": 1, "y": 0, "names": ("a",), "more": {}}
    assert repr(Other(1)) == "Other(x=1)" and hash(Other(1)) == hash(Other(1))
    assert Other(1) != Point(1) and Other(1) != 1
    assert point.more is not Point(1).more
    match point:
        case Point(1, y):
            assert y == 0
        case _:
            raise AssertionError


def test_nothing_is_set_twice() -> None:
    point = Point(1)
    for name in ("x", "more", "none"):
        with pytest.raises(FrozenInstanceError):
            setattr(point, name, 2)
    with pytest.raises(FrozenInstanceError):
        del point.x  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_the_class_knows_its_fields_before_there_is_an_instance() -> None:
    class Fresh(Frozen):
        a: int
        b: str = "x"

    assert [(each.name, each.default) for each in fields(Fresh)][1] == ("b", "x")


def test_a_base_has_no_fields_and_no_instances() -> None:
    assert Leaf() == Leaf("leaf") and isinstance(Leaf(), Base)
    with pytest.raises(TypeError, match="has subclasses"):
        Base()
    with pytest.raises(TypeError, match="has no fields"):
        type("Below", (Point,), {})


def test_threads_may_make_the_first_instance_at_once() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(50):

                class Fresh(Frozen):
                    a: int
                    b: list[int] = field(default_factory=list)

                assert [each.a for each in pool.map(Fresh, range(8))] == list(range(8))
    finally:
        sys.setswitchinterval(before)
