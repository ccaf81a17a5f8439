"""Imports the runtime's modules from one file: most of what the import of a small module takes is to find and read it.

The packager (package/runtime_bundle.py) writes that file, and a script that runs this module first, where it can compile for
the target. Without them the modules are imported as any others. Nothing here goes through `importlib`, which costs 5 ms.
"""

import sys
from _frozen_importlib import ModuleSpec, _load  # type: ignore[attr-defined]
from _frozen_importlib_external import ExtensionFileLoader
from _imp import _fix_co_filename, extension_suffixes  # type: ignore[attr-defined]
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Codes = dict[str, bytes]  # marshalled code objects, by the own names of the modules they are of


class Bundle:
    """Finds and loads the modules of the package in `folder`: `first`, and more from the bundle's byte `rest` on."""

    def __init__(self, folder: str, first: "Codes", rest: int) -> None:
        self.package = folder.rpartition("/")[2]
        self._folder = folder
        self._codes = first
        self._rest = rest

    def install(self) -> None:
        """Puts the package in place, and the first modules. No module of the app's ever comes here."""
        sys.path_importer_cache[self._folder] = self
        package = self._make(self.package, "__init__")
        for own in self._codes:
            if own != "__init__":
                setattr(package, own, self._make(f"{self.package}.{own}", own))

    def _make(self, name: str, own: str) -> "Any":
        """A module without the import system, which would take as long again."""
        module: Any = type(sys)(name)
        spec = module.__spec__ = self._spec(name, own)
        module.__package__, module.__loader__ = self.package, self
        if name == self.package:
            module.__path__ = spec.submodule_search_locations = [self._folder]
        sys.modules[name] = module
        self.exec_module(module)
        return module

    def find_spec(self, name: str, target: "Any" = None) -> "Any":
        """What the import system asks for. A folder in the package (`compat`) is found as any other is."""
        own = name.rpartition(".")[2]
        if own not in self._codes and self._rest:
            with open(f"{self._folder}/bundle", "rb", 0) as file:  # noqa: PTH123 - pathlib would cost 10 ms
                file.seek(self._rest)
                self._codes |= loads(file.read())
            self._rest = 0
        if own in self._codes:
            return self._spec(name, own)
        return sys.path_hooks[-1](self._folder).find_spec(name, target)

    def _spec(self, name: str, own: str) -> ModuleSpec:
        return ModuleSpec(name, self, origin=f"{self._folder}/{own}.py", loader_state=own)  # type: ignore[arg-type]

    def create_module(self, spec: "Any") -> None:
        """The import system makes it."""

    def exec_module(self, module: "Any") -> None:
        """Runs its code, which then says where its source is."""
        spec = module.__spec__
        module.__file__ = spec.origin
        code = loads(self._codes[spec.loader_state])
        _fix_co_filename(code, spec.origin)
        exec(code, module.__dict__)


class _Future:
    """For `from __future__ import annotations`, which looks the module up but needs nothing of it."""

    annotations = None


def run(folder: str, first: "Codes", rest: int) -> None:
    """Runs the runtime in `folder`."""
    # Python put the script's own folder first; left there, an app's `import reply` would find ours.
    sys.path[:] = [entry for entry in sys.path if entry and entry != folder]
    _load_extensions()
    sys.modules["__future__"] = _Future  # type: ignore[assignment]  # until the app is imported, which may need the real one
    bundle = Bundle(folder, first, rest)
    bundle.install()
    del sys.modules["__future__"]
    sys.modules[f"{bundle.package}.startup"].run(folder)


def _load_extensions() -> None:
    """Takes what the runtime needs of the standard library from where it is. What is not there is imported as usual."""
    folder = next((entry for entry in sys.path if entry.endswith("/lib-dynload")), "")
    for name in ("_socket", "_json"):
        path = f"{folder}/{name}{extension_suffixes()[0]}"
        try:
            _load(ModuleSpec(name, ExtensionFileLoader(name, path), origin=path))
        except ImportError:
            return
