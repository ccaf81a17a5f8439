"""Packages of a project's other programs: its pages of Streamlit or Gradio, its notebooks and tools, unused drivers.

Large packages that nothing names count as well: all chapters of a book have one requirements.txt.

They are only left out of a zip that would be too large, and only if no file that the app leads to imports them. What only they
require goes with them, unless another file of the project imports it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from packaging.utils import canonicalize_name

from lambent.config.detection.frameworks import PROGRAM
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config
from lambent.package.app_imports import imported_modules
from lambent.package.layout import SourceFile
from lambent.package.requirements import left_out
from lambent.package.shards.shard import Shard

_SMALL = 5_000_000
"""Bytes. What is smaller stays if a package that stays imports it: FastAPI takes forms if python-multipart is there."""
_INTERFACES = ("chainlit", "gradio", "ipython", "nicegui", "panel", "ruff", "streamlit", "voila")
_SETTINGS = (".py", ".ini", ".cfg", ".toml", ".yaml", ".yml", ".json")
_METADATA = ("mypy.ini", "pyproject.toml", "setup.cfg", "tox.ini")
"""Files that list packages for installers and tools, not for the running app."""
_DRIVERS = {"mysql-connector-python": b"mysql"}
"""Drivers of databases that are large, and the word that is in every use of one."""
_UNREADABLE_IMPORTS = re.compile(rb"\b(pickle|joblib|dill|cloudpickle|importlib|__import__|import_string|import_module)\b")
"""Words of code that imports modules which no statement names: a pickled model needs the package that made it."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w.-]+)""")


def find_other_programs(
    config: Config, files: Mapping[str, SourceFile], shards: Sequence[Shard]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the packages of other programs of the project, and what only these require. `files` are the project's, by path."""
    modules = ProjectModules(config.folder)
    starts = modules.starts_of(config.app)
    if not starts:
        return frozenset(), frozenset()
    reached = {modules.relative(path) for path in ImportGraph(modules, *starts).files}
    if config.app.attribute == PROGRAM or "manage.py" in files:
        reached |= files.keys()  # a program and Django import modules by names in strings
    provided = {shard.name: _modules(shard) for shard in shards}
    names = {shard.name for shard in shards} & {*left_out.TOOLS, *_INTERFACES, *_unnamed_drivers(config, files)}
    names |= _unnamed_packages(files, reached, provided, shards)
    used = imported_modules({name: files[name] for name in reached & files.keys()}, _all(provided, names))
    parents = _parents(shards)
    programs = {name for name in names if not provided[name] & used}
    while kept := {name for name in programs if not parents.get(name, set()) <= programs}:
        programs -= kept
    others = {
        name: file
        for name, file in files.items()
        if name in reached or not imported_modules({name: file}, _all(provided, programs))
    }
    if not programs:
        return frozenset(), frozenset()
    return frozenset(programs), frozenset(_required_only_by(programs, parents, provided, others, shards))


def _unnamed_drivers(config: Config, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield the drivers of databases that neither the code nor a variable names. SQLAlchemy imports one by its URL."""
    texts = [file.read() for name, file in files.items() if name.endswith(_SETTINGS)]
    texts += (value.encode() for _, value in config.environment)
    for driver, database in _DRIVERS.items():
        if not any(database in text.lower() for text in texts):
            yield driver


def _unnamed_packages(
    files: Mapping[str, SourceFile], reached: Collection[str], provided: Mapping[str, frozenset[str]], shards: Sequence[Shard]
) -> set[str]:
    """Return the large packages of the requirements that no code in `reached`, no setting and no package that stays names."""
    code = b"\n".join(file.read() for name, file in files.items() if name in reached and name.endswith(".py"))
    if _UNREADABLE_IMPORTS.search(code):
        return set()
    code += b"\n".join(file.read() for name, file in files.items() if name.endswith(_SETTINGS[1:]) and name not in _METADATA)
    used = frozenset(re.findall(r"\w+", code.decode("utf-8", "replace")))
    large = {shard.name: shard for shard in shards if sum(entry.raw for entry in shard.entries) >= _SMALL}
    parents = _parents(shards)
    kept = {shard.name for shard in shards if shard.name not in {*large, *left_out.TOOLS}}
    used |= _all({shard.name: _imports(shard) for shard in shards}, kept)
    while more := {name for name in large.keys() - kept if provided[name] & used or parents.get(name, set()) & kept}:
        kept |= more
        used = used.union(*(_imports(large[name]) for name in more))
    return {name for name, shard in large.items() if shard.wheel.requested and name not in kept}


def _required_only_by(
    programs: set[str],
    parents: Mapping[str, set[str]],
    provided: Mapping[str, frozenset[str]],
    files: Mapping[str, SourceFile],
    shards: Sequence[Shard],
) -> set[str]:
    """Return the packages that only these programs require, and that nothing else needs."""
    required = {name for name, requiring in parents.items() if name in provided and requiring}
    used = imported_modules(files, _all(provided, required)) if required else frozenset()
    required = {name for name in required if not provided[name] & used}
    imports = {shard.name: _imports(shard) for shard in shards}
    optional = {each.name for each in shards if not each.wheel.requested and sum(entry.raw for entry in each.entries) >= _SMALL}
    unneeded = set(programs)
    while more := {name for name in required - unneeded if parents[name] <= unneeded}:
        rest = frozenset().union(*(imports[name] for name in imports.keys() - unneeded - more))
        more = {name for name in more if name in optional or not provided[name] & rest}
        if not more:
            break
        unneeded |= more
    return unneeded - programs


def _all(provided: Mapping[str, frozenset[str]], names: Collection[str]) -> frozenset[str]:
    return frozenset().union(*(provided[name] for name in names))


def _modules(shard: Shard) -> frozenset[str]:
    """Return the top-level modules that a package has."""
    tops = {entry.name.partition("/")[0] for entry in shard.entries}
    return frozenset(top.partition(".")[0] for top in tops if not top.endswith((".dist-info", ".data", ".libs")))


def _imports(shard: Shard) -> frozenset[str]:
    """Return the top-level modules that a package imports."""
    return frozenset(name.partition(".")[0] for each in shard.imports.values() for name in each.eager | each.lazy)


def _parents(shards: Sequence[Shard]) -> dict[str, set[str]]:
    """Return the packages that require each package, without the extras that no one asked for."""
    parents: dict[str, set[str]] = {}
    for shard in shards:
        for line in shard.facts.requires:
            match, extras = _NAME.match(line), _EXTRA.findall(line)
            if match and (not extras or set(extras) & set(shard.wheel.extras)):
                parents.setdefault(canonicalize_name(match[0]), set()).add(shard.name)
    return parents
