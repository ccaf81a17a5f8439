"""Imports the runtime's modules from one file, because finding and reading a small module takes most of its import time.

If the packager (package/runtime_bundle.py) can compile for the target, it writes that file and a script that runs this module
first. Otherwise the modules are imported in the usual way. Nothing here uses `importlib`, which takes 5 ms to import.
"""

import sys
from _frozen_importlib import ModuleSpec, _load  # type: ignore[attr-defined]
from _frozen_importlib_external import ExtensionFileLoader
from _imp import _fix_co_filename, extension_suffixes  # type: ignore[attr-defined]
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Codes = dict[str, bytes]  # marshalled code objects by module name without the package


class Bundle:
    """Loads the modules of the package in `folder`: those in `codes`, and more from byte `offset` of its bundle on."""

    def __init__(self, folder: str, codes: "Codes", offset: int) -> None:
        self.package = folder.rpartition("/")[2]
        self._folder = folder
        self._codes = codes
        self._offset = offset

    def install(self) -> None:
        """Import the package and the modules in `codes`. Modules of the app are never looked up here."""
        sys.path_importer_cache[self._folder] = self
        package = self._make(self.package, "__init__")
        for stem in self._codes:
            if stem != "__init__":
                setattr(package, stem, self._make(f"{self.package}.{stem}", stem))

    def _make(self, name: str, stem: str) -> "Any":
        """Import a module without the import system, which would double the time."""
        module: Any = type(sys)(name)
        spec = module.__spec__ = self._spec(name, stem)
        module.__package__, module.__loader__ = self.package, self
        if name == self.package:
            module.__path__ = spec.submodule_search_locations = [self._folder]
        sys.modules[name] = module
        self.exec_module(module)
        return module

    def find_spec(self, name: str, target: "Any" = None) -> "Any":
        """Return the spec that the import system asks for. A subpackage (`compat`) is found in the usual way."""
        stem = name.rpartition(".")[2]
        if stem not in self._codes and self._offset:
            with open(f"{self._folder}/bundle", "rb", 0) as file:  # noqa: PTH123 - pathlib would cost 10 ms
                file.seek(self._offset)
                self._codes.update(loads(file.read()))
            self._offset = 0
        if stem in self._codes:
            return self._spec(name, stem)
        return sys.path_hooks[-1](self._folder).find_spec(name, target)

    def _spec(self, name: str, stem: str) -> ModuleSpec:
        return ModuleSpec(name, self, origin=f"{self._folder}/{stem}.py", loader_state=stem)  # type: ignore[arg-type]

    def create_module(self, spec: "Any") -> None:
        """Let the import system create the module."""

    def exec_module(self, module: "Any") -> None:
        """Run the module's code, with the path of its source in tracebacks."""
        spec = module.__spec__
        module.__file__ = spec.origin
        code = loads(self._codes[spec.loader_state])
        _fix_co_filename(code, spec.origin)
        exec(code, module.__dict__)


class _Future:
    """Stands for `__future__`: `from __future__ import annotations` looks the module up but needs nothing else of it."""

    annotations = None


def run(folder: str, codes: "Codes", offset: int) -> None:
    """Run the runtime in `folder`. `codes` and `offset` are as for `Bundle`."""
    # Python put the script's own folder first. If it stayed, an app's `import response` would find ours.
    sys.path[:] = [entry for entry in sys.path if entry and entry != folder]
    _load_extensions()
    sys.modules["__future__"] = _Future  # type: ignore[assignment]  # only until the app is imported, which may need the real one
    bundle = Bundle(folder, codes, offset)
    bundle.install()
    del sys.modules["__future__"]
    sys.modules[f"{bundle.package}.interpreter_setup"].run(folder)


def _load_extensions() -> None:
    """Import extension modules from their known path. A missing one is imported in the usual way later."""
    folder = next((entry for entry in sys.path if entry.endswith("/lib-dynload")), "")
    for name in ("_socket", "_json"):
        path = f"{folder}/{name}{extension_suffixes()[0]}"
        try:
            _load(ModuleSpec(name, ExtensionFileLoader(name, path), origin=path))
        except ImportError:
            return
