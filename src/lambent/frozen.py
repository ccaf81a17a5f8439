"""The base of frozen dataclasses that a short command meets: the same to those who use them, made in a fifth of the time.

`dataclass(frozen=True)` writes and compiles six methods for each class when its module is imported, half a millisecond each
time; with a hundred of them that is what a whole rebuild may take. Here one method is compiled, `__init__`, when the first
instance is made, and the others are these. For values by the thousand a real dataclass is faster.
"""

from __future__ import annotations

import inspect
import threading
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, ClassVar, dataclass_transform

_MAKING = threading.RLock()


class _Fields:
    """What `dataclasses.fields` asks a class for."""

    def __get__(self, instance: Any, cls: type) -> dict[str, Any]:
        if cls.__subclasses__():
            raise AttributeError("__dataclass_fields__")
        _make(cls)
        found: dict[str, Any] = cls.__dict__["__dataclass_fields__"]
        return found


def _make(cls: type) -> None:
    with _MAKING:
        if cls.__subclasses__():
            raise TypeError(f"{cls.__name__} has subclasses, and so no instances")
        if "__init__" not in cls.__dict__:
            dataclass(repr=False, eq=False)(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Frozen:
    """`class Point(Frozen):` is `@dataclass(frozen=True) class Point:`. One without fields may be the base of others."""

    __dataclass_fields__: ClassVar[Any] = _Fields()

    def __init_subclass__(cls) -> None:
        if any(base is not Frozen and inspect.get_annotations(base) for base in cls.__bases__):
            raise TypeError(f"{cls.__name__}: the base of a frozen class has no fields")
        cls.__doc__ = cls.__doc__ or cls.__name__  # else dataclass makes one of the signature, and takes its time

    def __init__(self, *arguments: Any, **named: Any) -> None:
        cls = type(self)
        _make(cls)
        cls.__init__(self, *arguments, **named)

    def __setattr__(self, name: str, to: Any) -> None:
        fields = self.__dataclass_fields__
        if name in self.__dict__ or name not in fields:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        self.__dict__[name] = to

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return self._all() == other._all() if isinstance(other, Frozen) and type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{type(self).__qualname__}({said})"

    def _all(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)
