"""Finds, by reading, where an app writes next to its own code: on Lambda it must run from a copy in /tmp then.

The check of a new version only shows what the start and `GET /` write. Most apps write when a form is sent.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from lambent.config.model import Config
from lambent.config.own_files import own_files

_SQLITE_URL = re.compile(r"sqlite(?:\+\w+)?://(?:/(?!/|:memory:)|(?=[\w.]))(?P<path>.*)")
_CHANGES = re.compile(
    r"\b(?:commit|create_all|add_all|flush|bulk_create|executescript|upgrade|create_tables|generate_schemas)\(|\bsession\.add\("
    r"|\b(?:INSERT|REPLACE)\s+(?:OR\s+\w+\s+)?INTO\b|\bUPDATE\s+\w+\s+SET\b|\bCREATE\s+TABLE\b|\bDELETE\s+FROM\b",
    re.IGNORECASE,
)
"""Signs that a database is written to: many apps only read one that they bring."""
_DJANGO_SQLITE = re.compile(r"""(?m)^[^#\n]*['"]ENGINE['"]\s*:\s*['"]django\.db\.backends\.sqlite3['"]""")
_INI = re.compile(r"\('([\w.-]+\.ini)'\)$")
_CONNECT = ("sqlite3.connect", "aiosqlite.connect")
_FASTHTML = ("fasthtml.common.fast_app", "fast_app", "database")
_STORES = frozenset(
    [
        *("shelve.open", "dbm.open", "pickledb.load", "sqlite_utils.Database", "diskcache.Cache", "lmdb.open"),
        *("cv2.imwrite", "numpy.save", "numpy.savez", "numpy.savetxt", "pandas.ExcelWriter", "whoosh.index.create_in"),
        "loguru.logger.add",
    ]
)
"""What opens a file or folder for writing, named by its first argument or by one of `_PATH_NAMES`."""
_STORE_CLASSES = frozenset(
    [
        *("TinyDB", "SqliteDict", "SqliteDatabase", "SqliteExtDatabase", "PersistentClient"),
        *("FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"),
    ]
)
"""The same, by the last part of the name alone."""
_PATH_NAMES = ("path", "filename", "database", "file")
_COPIES = frozenset(
    [
        *("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move", "os.rename", "os.replace"),
        *("urllib.request.urlretrieve", "joblib.dump", "torch.save"),
    ]
)
"""What writes to its second argument."""
_FOLDERS = ("os.makedirs", "os.mkdir")
_PATH_METHODS = ("write_text", "write_bytes", "touch", "mkdir")
_SAVING_METHODS = ("save", "to_csv", "to_excel", "to_json", "to_pickle", "to_parquet", "savefig", "write_html", "write_image")
_OWN_ATTRIBUTES = ("root_path", "instance_path", "BASE_DIR", "BASE_PATH")
_SAME = ("resolve", "absolute", "expanduser", "parent", "joinpath", "with_name", "with_suffix")
_OPEN = ("open", "io.open", "aiofiles.open", "codecs.open", "gzip.open", "zipfile.ZipFile", "tarfile.open", "wave.open")
_LOG = "logging.basicConfig"
_CALLS = (
    *(*_OPEN, _LOG, *_CONNECT, *_FASTHTML, *_STORES, *_STORE_CLASSES, *_COPIES, *_FOLDERS, *_PATH_METHODS, *_SAVING_METHODS),
    "output",
)
_SIGN = re.compile(rf"\b(?:{'|'.join(sorted({name.rpartition('.')[2] for name in _CALLS}))})\b|sqlite")
"""What is in every file that writes. The others aren't searched."""
_DEPTH_MAX = 6


class OwnWrite(Struct, frozen=True):
    """A place in the code that writes, as "file:line", and what: a path, or "its own folder"."""

    path: str
    location: str


def find_own_write(config: Config) -> OwnWrite | None:
    """Return the first place in the app's files that writes next to the code, or None.

    A default doesn't count if an environment variable replaces it.
    """
    texts = {path: path.read_text("utf-8-sig", "replace") for path in own_files(config)}
    reader = _Reader(config, texts)
    for path, text in texts.items():
        tree = reader.parse(path) if _SIGN.search(text) else None
        if tree is None:
            continue
        name = path.relative_to(config.folder).as_posix()
        for node, written in reader.writes_in(tree):
            return OwnWrite(written, f"{name}:{node.lineno}")
        if match := _DJANGO_SQLITE.search(text):
            return OwnWrite("its SQLite database", f"{name}:{text.count(chr(10), 0, match.start()) + 1}")
    return _in_settings(config)


def _in_settings(config: Config) -> OwnWrite | None:
    """Return the SQLite database next to the .ini file that the app is made with."""
    match = _INI.search(config.app.attribute)
    file = config.folder / match[1] if match else None
    for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines() if file else (), 1):
        if re.search(r"=\s*sqlite:///(?:%\(here\)s|(?!/|:memory:)\S)", line):
            return OwnWrite("its SQLite database", f"{match[1] if match else ''}:{number}")
    return None


def _values(trees: Iterable[ast.Module]) -> dict[str, ast.expr]:
    """Return what names, attributes and items such as app.config["UPLOAD_FOLDER"] are set to, by their last part."""
    values: dict[str, ast.expr] = {}
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                    values[name] = value
                case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
                    values[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    values[name] = value
                case ast.keyword(arg=str(name), value=value) if name.isupper():  # app.config.update(UPLOADS="up")
                    values[name] = value
                case ast.arguments():
                    values = {**dict(_defaults(node)), **values}
    return values


def _defaults(node: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Yield the parameters with a default: `def save(notes, file="notes.json")`."""
    names = [argument.arg for argument in (*node.posonlyargs, *node.args)]
    yield from zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True)
    yield from ((each.arg, value) for each, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value)


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return what the names that imports bind stand for: "pw" is "peewee"."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.asname: alias.name for alias in aliases if alias.asname}
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                names |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in aliases}
    return names


class _Reader:
    """Finds the expressions that write. The files of `texts` are parsed when something in them is looked up."""

    def __init__(self, config: Config, texts: Mapping[Path, str]) -> None:
        self._folder = config.folder
        self._variables = frozenset(name for name, _ in (*config.environment, *config.secrets))
        self._texts = texts
        self._trees: dict[Path, ast.Module | None] = {}
        self._imports: dict[str, str] = {}
        self._database = any(_CHANGES.search(text) for text in texts.values())

    def parse(self, path: Path) -> ast.Module | None:
        if path not in self._trees:
            try:
                self._trees[path] = ast.parse(self._texts[path])
            except (SyntaxError, ValueError):
                self._trees[path] = None
        return self._trees[path]

    @cached_property
    def _values(self) -> dict[str, ast.expr]:
        return _values(tree for path in self._texts if (tree := self.parse(path)) is not None)

    def writes_in(self, tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
        """Yield each expression of a module that writes next to the code, with what it writes."""
        self._imports = _imported(tree)
        yield from self._writes(tree)

    def _writes(self, node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
        if self._is_replaced(node):
            return
        match node:
            case ast.Constant(value=str(text)) if self._database and (url := _SQLITE_URL.match(text)):
                path = url["path"].removeprefix("./")
                yield node, path if re.fullmatch(r"[\w./-]+", path) else "a SQLite file"
            case ast.Dict() if (target := _log_file(node)) is not None and self._is_own(target):
                yield target, _literal(target) or "its own folder"
            case ast.Call() if (target := self._target(node)) is not None and self._is_own(target):
                if not (ast.unparse(node.func) in _FOLDERS and self._exists(target)):
                    yield node, _literal(target) or "its own folder"
        for child in ast.iter_child_nodes(node):
            yield from self._writes(child)

    def _is_replaced(self, node: ast.AST) -> bool:
        """Return whether an environment variable replaces a default, or the node only runs in a program."""
        match node:
            case ast.Call(args=[ast.Constant(value=str(name)), *_]):
                return name in self._variables
            case ast.AnnAssign(target=ast.Name(id=name)):
                return name.upper() in self._variables
            case ast.If(test=test):
                return "__main__" in ast.unparse(test)
        return False

    def _target(self, node: ast.Call) -> ast.expr | None:
        """Return the path that a call writes to, None if it writes nothing."""
        name = self._name(node.func)
        first = node.args[0] if node.args else next((word.value for word in node.keywords if word.arg in _PATH_NAMES), None)
        if name in _OPEN:
            return first if _writes(node.args[1:], node.keywords) else None
        if name in _COPIES:
            return node.args[1] if len(node.args) > 1 else None
        if name == "loguru.logger.add":
            return first if first is not None and _literal(first) else None
        is_store = name in _STORES or name.rpartition(".")[2] in _STORE_CLASSES
        if is_store or name in _FOLDERS or (self._database and name in _CONNECT):
            return first
        if self._database and (database := _sqlite_file(node)) is not None:
            return database
        if name in _FASTHTML:
            return first if first is not None and _literal(first).endswith((".db", ".sqlite", ".sqlite3")) else None
        if name == _LOG:
            return next((word.value for word in node.keywords if word.arg == "filename"), None)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _PATH_METHODS or (node.func.attr == "open" and _writes(node.args, node.keywords)):
                return node.func.value
            if node.func.attr == "output":  # fpdf's
                return first if first is not None and re.search(r"\w\.\w+$", _literal(first)) else None
            return first if node.func.attr in _SAVING_METHODS else None
        return None

    def _name(self, function: ast.expr) -> str:
        """Return the dotted name of what is called, with what an import calls it."""
        text = ast.unparse(function)
        first, dot, rest = text.partition(".")
        return f"{self._imports.get(first, first)}{dot}{rest}"

    def _is_own(self, node: ast.expr, depth: int = 0) -> bool:
        """Return whether a path is relative, or starts from the code's own folder."""
        if depth > _DEPTH_MAX:
            return False
        match node:
            case ast.Constant(value=str(text)):
                return bool(text) and not re.match(r"[/~:<]|\w+:", text)
            case ast.Name(id="__file__"):
                return True
            case (
                ast.JoinedStr(values=[ast.FormattedValue(value=first), *_])
                | ast.JoinedStr(values=[ast.Constant() as first, *_])
            ):
                return self._is_own(first, depth + 1)
            case ast.BinOp(left=left, op=ast.Add() | ast.Div() | ast.Mod()):
                return self._is_own(left, depth + 1)
            case ast.Subscript(slice=ast.Constant(value=str(name))):
                return name in self._values and self._is_own(self._values[name], depth + 1)
            case ast.Attribute(attr=name, value=base):
                if name in _OWN_ATTRIBUTES and name not in self._values:
                    return True
                inner = base if name in _SAME else self._values.get(name)
                return inner is not None and self._is_own(inner, depth + 1)
            case ast.Name(id=name):
                return name in self._values and self._is_own(self._values[name], depth + 1)
            case ast.Call():
                return self._is_own_call(node, depth + 1)
        return False

    def _is_own_call(self, node: ast.Call, depth: int) -> bool:
        name = ast.unparse(node.func)
        if name in ("os.getcwd", "Path.cwd", "pathlib.Path.cwd"):
            return True
        if name in ("os.getenv", "os.environ.get"):
            is_set = not node.args or ast.unparse(node.args[0]).strip("'\"") in self._variables
            return not is_set and len(node.args) > 1 and self._is_own(node.args[1], depth)
        if name.startswith("os.path.") or name.rpartition(".")[2] in ("Path", "PurePath", "str", "join", "safe_join"):
            return bool(node.args) and self._is_own(node.args[0], depth)
        return isinstance(node.func, ast.Attribute) and node.func.attr in _SAME and self._is_own(node.func.value, depth)

    def _exists(self, target: ast.expr) -> bool:
        text = _literal(target)
        return bool(text) and (self._folder / text).is_dir()


def _writes(arguments: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    """Return whether the mode of `open` is one for writing."""
    modes = [*arguments[:1], *(word.value for word in keywords if word.arg == "mode")]
    return any(
        isinstance(mode, ast.Constant) and isinstance(mode.value, str) and set("wax+") & set(mode.value) for mode in modes
    )


def _log_file(node: ast.Dict) -> ast.expr | None:
    """Return the file of a handler in a dictionary that configures logging."""
    items = {key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}
    handler = items.get("class")
    return items.get("filename") if isinstance(handler, ast.Constant) and "FileHandler" in str(handler.value) else None


def _sqlite_file(node: ast.Call) -> ast.expr | None:
    """Return the file of a call that names SQLite first: Database("sqlite", "x.db"), bind(provider="sqlite", filename="x")."""
    words = {word.arg: word.value for word in node.keywords}
    driver = node.args[0] if node.args else words.get("provider", words.get("drivername"))
    if not (isinstance(driver, ast.Constant) and str(driver.value).partition("+")[0] == "sqlite"):
        return None
    return node.args[1] if len(node.args) > 1 else words.get("filename", words.get("database"))


def _literal(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text.removeprefix("./")
        case ast.Call(args=[ast.Constant(value=str(text)), *_]):
            return text.removeprefix("./")
    return ""
