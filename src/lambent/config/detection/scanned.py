"""What a scan of a module finds: what its names are bound to, the servers it starts, and the apps that no import makes."""

from __future__ import annotations

from msgspec import Struct

from lambent.config.detection.unsupported import Unsupported


class Value(Struct, frozen=True):
    """What a name is bound to.

    `kind` is the kind of an App, "factory:<kind>", "class:<kind>", "event" for a function (event, context) with a name of its
    own, or "" for unknown. `call` is how a factory is called. `dotted` is the import path of an imported name. `holder` is a
    key of `frameworks.HOLDERS`. `unsupported` is why it can't run on Lambda. `opaque` means the result of an unknown call, and
    `is_plain_class` a class of the app's own whose objects can't be called. `members` are apps in its attributes.
    `line` is where the name was bound. `definition` is the (module, name) where the app itself was created, and `wrapped` has
    the definitions of the apps it wraps.
    """

    kind: str = ""
    dotted: str = ""
    holder: tuple[str, str] | None = None
    unsupported: Unsupported | None = None
    call: str = "()"
    opaque: bool = False
    is_plain_class: bool = False
    members: tuple[tuple[str, Value], ...] = ()
    line: int = 0
    wrapped: frozenset[tuple[str, str]] = frozenset()
    definition: tuple[str, str] | None = None


UNKNOWN = Value()


class ServerStart(Struct, frozen=True):
    """A call that starts a server: its line and its source text. `serves` is whether the runtime can take its app."""

    line: int
    text: str
    serves: bool = False


GUARDED = 'only under `if __name__ == "__main__"`'
"""The scope of an app that a line makes which can be moved to the left margin."""


class HiddenApp(Struct, frozen=True):
    """An app that an import of its module doesn't make. `scope` is where it is made instead: "inside main()".

    `remedy` is a line that makes the app at the top level, "" if the line that makes it has to be moved. If it is what a
    function with required `parameters` returns, `factory` is the function's name.
    """

    name: str
    line: int
    scope: str
    remedy: str = ""
    factory: str = ""
    parameters: tuple[str, ...] = ()
