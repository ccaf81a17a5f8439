"""Explains a failure by a file that each user of the project makes from an example of it: settings_template.json."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.package.example_file import find_example
from lambent.package.project_files import packs

_FILE = re.compile(r"(?<![\w./-])([\w./-]*\w\.(?:json|ya?ml|toml|ini|cfg|conf|py|properties))\b")
_MISSING = re.compile(r"No such|No module named")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def explain(error: LambentError, config: Config) -> bool:
    """Add to an error of the app that a file is missing, and the file of the project that is an example of it.

    Return whether there is one.
    """
    if not config.path.is_dir():
        return False
    exception = next(filter(_MISSING.search, f"{error.what}\n{error.detail}".splitlines()), error.what)
    for name in (each for text in (exception, error.what) for each in _named(text, config.app.root)):
        if example := find_example(config.path, name):
            error.what = f"the app needs {name}, which isn't here; {example} is an example of it"
            is_packed = packs(config.path, name, config.exclude, config.packaging.include)
            include = "" if is_packed else f', set include = ["{name}"] under [tool.lambent] in pyproject.toml'
            error.hint = f"cp {example} {name}, fill it in{include}, and deploy again"
            return True
    return False


def _named(text: str, root: str) -> Iterator[str]:
    """Yield the files that a message names, as paths in the project."""
    modules = (f"{module.replace('.', '/')}.py" for module in _NO_MODULE.findall(text))
    for name in (*_FILE.findall(text), *modules):
        path = re.sub(r"^(?:/var/task/|/tmp/app/|\./)", "", name)
        if not path.startswith("/") and ".." not in path:
            yield from dict.fromkeys((path, f"{root}/{path}".removeprefix("./")))
