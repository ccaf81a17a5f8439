"""What a name of the app's code is bound to, as far as environment variables are concerned."""

from __future__ import annotations

import ast
from collections.abc import MutableMapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

Function = ast.FunctionDef | ast.AsyncFunctionDef
Fails = Literal["start", "branch", "call", "perhaps"]


class _Unknown:
    """The value of what reading can't evaluate."""


UNKNOWN = _Unknown()


class Read(Struct, frozen=True):
    """A read of an environment variable that has no default.

    `location` is "file:line". `fails` says when the app fails if the variable isn't set: at every "start", in a "branch" that a
    start may take, in the "call" of some function, or "perhaps". With `any_case` a variable in lower case counts too.
    `is_number` says what its value must be, and `example` is a value of its type, "" if any text will do. `is_secret_key` says
    that it is what the framework signs with, and `is_settings` that it is the dotted name of an object with the app's settings,
    as for Flask's `from_object`. With a `delimiter`, a longer name sets a part of the value, and a shorter one more than it.
    """

    name: str
    location: str
    fails: Fails
    any_case: bool = False
    is_number: bool = False
    is_secret_key: bool = False
    is_settings: bool = False
    example: str = ""
    delimiter: str = ""


class Library(Struct, frozen=True):
    """An object that reads variables by name, such as python-decouple's `config`.

    It has `defaults` for some names, and puts a `prefix` before each. `method` is the one that is looked up.
    """

    kind: str
    defaults: frozenset[str] = frozenset()
    prefix: str = ""
    method: str = ""


class Scope(Struct, frozen=True):
    """The names in a module, a class body or a function."""

    path: Path
    names: MutableMapping[str, Bound]


class Definition(Struct, frozen=True):
    """A function or class of the app's own code, and the scope that it is in. `owner` is the class of a class method."""

    node: Function | ast.ClassDef
    scope: Scope
    owner: Definition | None = None

    def find_method(self, name: str) -> Definition | None:
        """Return a method that can be called on the class itself."""
        for part in self.node.body if isinstance(self.node, ast.ClassDef) else []:
            if isinstance(part, Function) and part.name == name:
                decorators = [ast.unparse(each) for each in part.decorator_list]
                if "classmethod" in decorators:
                    return Definition(part, self.scope, self)
                if "staticmethod" in decorators:
                    return Definition(part, self.scope)
        return None


class Bound(Struct, frozen=True):
    """The value of an expression. Everything is empty for one that doesn't matter.

    `variable` is the environment variable that it holds, which may have to be a number: None if that isn't set, or "" if
    `has_default`. `text` is a literal string, written at `location`, and `items` are those of a literal list. `unset` are the
    variables of which it lists those that aren't set. `dotted` is the import path of something from a package, `module` a
    module of the app's own. `constant` is the value if it depends on literals and environment variables only.
    """

    variable: str = ""
    has_default: bool = False
    is_number: bool = False
    location: str = ""
    text: str | None = None
    items: tuple[Bound, ...] = ()
    unset: tuple[Bound, ...] = ()
    dotted: str = ""
    library: Library | None = None
    module: Path | None = None
    definition: Definition | None = None
    constant: object = UNKNOWN

    @property
    def is_none(self) -> bool:
        """Whether it is None if its variable isn't set."""
        return bool(self.variable) and not self.has_default


NOTHING = Bound()
