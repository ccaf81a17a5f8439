"""Explains a failure by a file that the app needs and the zip doesn't hold: git ignores it, or a frontend wasn't built."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lambent.config.detection.project_text import read_text
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.errors import LambentError
from lambent.package.artifact import Artifact
from lambent.package.project_files import packs

_NO_FOLDER = re.compile(r"Directory '([^']+)' does not exist")  # Starlette
_NO_TEMPLATE = re.compile(r"Template(?:NotFound|DoesNotExist): '?([\w./-]+)")  # Jinja, Django
_MISSING = re.compile(
    r"No such file or directory: '([^']+)'"
    rf"|{_NO_FOLDER.pattern}|{_NO_TEMPLATE.pattern}"
    r"|(?:[Nn]ot found|[Mm]issing|[Nn]o such \w+|not exist)\b[^\n/]*(/(?:var/task|tmp/app)/[\w./-]*\w)"  # what apps raise
    r"|(/(?:var/task|tmp/app)/[\w./-]*\w)['\"]?,? (?:is |was )?(?:not found|missing|doesn't exist|does not exist)"
)
_NO_STATIC_FILE = re.compile(r"Missing staticfiles manifest entry for '([^']+)'")  # Django
_NO_DJANGO_TEMPLATE = re.compile(r"TemplateDoesNotExist: [\w./-]+")
_SETTINGS_PATH = re.compile(r"""(?:DIR|ROOT|PATH)\w*\)?((?:\s*[,/]\s*["'][\w./-]+["'])+)""")
"""`os.path.join(BASE_DIR, "frontend", "build")`, `BASE_DIR / "dist"`"""
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_DATABASE = re.compile(r"no such table: [\w.]+|unable to open database file")  # SQLite creates one where it can
_CODE = re.compile(r"^(?:/var/task/|/tmp/app/|\./)")
BUILT_FOLDERS = frozenset(("build", "dist", "out", "public", "static", "www"))
"""Folders that the build of a frontend makes."""
_DATABASES = (".db", ".sqlite", ".sqlite3")


def explain(error: LambentError, config: Config, artifact: Artifact) -> None:
    """Add to an error of the app that a file was left out of the zip, and the line that packs it."""
    text = f"{error.what}\n{error.detail}"
    packed = frozenset(entry.name for entry in artifact.entries)
    name = _left_out(text, config, packed)
    folder = "" if name else _unbuilt_templates(text, config) or _missing_folder(text)
    if static := _NO_STATIC_FILE.search(text):
        _explain_static_file(error, static[1], config, packed)
    elif name or (folder and is_left_out(folder, config, packed)):
        _explain(error, name or folder, config, packed)
    elif config.path.is_dir() and (build := frontend_build(config.path, folder)):
        error.hint = f"if the frontend's build makes it: {build}"
    else:
        _explain_file_next_to_module(error, text, packed)


def _explain_static_file(error: LambentError, name: str, config: Config, packed: frozenset[str]) -> None:
    """Name the command that builds a static file of Django, if the project has a frontend, and what packs it then."""
    build = frontend_build(config.path, f"static/{name}") if config.path.is_dir() else ""
    paths = [f"{folder}/{name}" for folder in ("static", *_settings_folders(config))] if build else []
    if build and not any((config.path / path).exists() for path in paths):
        left_out = next((path for path in paths if is_left_out(path, config, packed)), "")
        include = f", and set {include_line(pattern_for(left_out, packed, is_folder=False))}" if left_out else ""
        error.hint = f"build the frontend first: {build}{include}"


def _explain_file_next_to_module(error: LambentError, text: str, packed: frozenset[str]) -> None:
    """Explain that a file is next to the module that misses it, if it is. A server was perhaps started in that folder."""
    position = re.search(r" \((\S+)/([\w.-]+), line \d+\)", error.what)
    for match in _MISSING.finditer(text) if position else ():
        path = next(filter(None, match.groups())).removeprefix("./")
        if position and f"{position[1]}/{path}" in packed:
            error.what = f"{path} isn't in the folder that the app starts in, but next to {position[2]}{position[0]}"
            error.hint = f'open it as Path(__file__).parent / "{path}", with from pathlib import Path'
            return


def _left_out(text: str, config: Config, packed: frozenset[str]) -> str:
    """Return the path in the project of the file or folder that is missing because rules leave it out, or ""."""
    if not config.path.is_dir():
        return ""
    folders = ("", "templates/", f"{config.app.root}/", f"{config.app.root}/templates/")
    paths = [_CODE.sub("", next(filter(None, match.groups()))).rstrip("/") for match in _MISSING.finditer(text)]
    paths += [f"{module.replace('.', '/')}.py" for module in _NO_MODULE.findall(text)]
    for path in paths:
        for name in (f"{folder}{path}".removeprefix("./") for folder in folders):
            if is_left_out(name, config, packed):
                return name
    if _NO_DATABASE.search(text):
        return _database(config.path, packed)
    templates = _NO_TEMPLATE.findall(text)
    return next((name for template in templates if (name := _template(config, template, packed))), "")


def is_left_out(name: str, config: Config, packed: frozenset[str]) -> bool:
    """Return whether rules leave a path of the project out of the zip, which has the files `packed`."""
    if name.startswith(("/", ".env")) or ".." in name.split("/") or name in packed:
        return False
    if (config.path / name).is_dir():
        return not any(each.startswith(f"{name}/") for each in packed)
    rules = (config.exclude, config.packaging.include)
    return not packs(config.path, name, *rules) or not packs(config.path, f"{name}/file", *rules)


def _unbuilt_templates(text: str, config: Config) -> str:
    """Return the folder of a frontend's build in which Django looks for a template that is missing, or ""."""
    if not _NO_DJANGO_TEMPLATE.search(text):
        return ""
    for name in _settings_folders(config):
        for path in (name, f"{config.app.root}/{name}".removeprefix("./")):
            is_built = BUILT_FOLDERS.intersection(path.split("/")) and frontend_build(config.path, path)
            if is_built and not (config.path / path / "index.html").exists():
                return path
    return ""


def _settings_folders(config: Config) -> list[str]:
    """Return the folders that the app's own files name by the place of one of them, as paths."""
    settings = "\n".join(read_text(path) for path in own_files(config))
    return [re.sub(r"[\s,/\"']+", "/", parts).strip("/") for parts in _SETTINGS_PATH.findall(settings)]


def _template(config: Config, template: str, packed: frozenset[str]) -> str:
    """Return the path of a template that is in another folder of the project, and left out; or ""."""
    files = (file for pattern in ("*", "*/*") for file in sorted(config.path.glob(f"{pattern}/{template}")))
    names = (file.relative_to(config.path).as_posix() for file in files if file.is_file())
    return next((name for name in names if "node_modules" not in name and is_left_out(name, config, packed)), "")


def _database(folder: Path, packed: frozenset[str]) -> str:
    files = (file for pattern in ("*", "*/*") for file in sorted(folder.glob(pattern)) if file.suffix in _DATABASES)
    return next((name for file in files if (name := file.relative_to(folder).as_posix()) not in packed), "")


def _explain(error: LambentError, name: str, config: Config, packed: frozenset[str]) -> None:
    path = config.path / name
    pattern = pattern_for(name, packed, is_folder=path.is_dir())
    include = include_line(pattern)
    error.what = f"the app needs {name}, which is left out of the zip because .gitignore or .lambentignore names it"
    build = frontend_build(config.path, name)
    creation = f"build it ({build})" if build else f"create {name}, which isn't here either,"
    error.hint = include if path.exists() else f"{creation} and set {include}"


def include_line(pattern: str) -> str:
    """Return the setting that packs what a pattern names, and where to write it."""
    return f'include = ["{pattern}"] under [tool.lambent] in pyproject.toml'


def _missing_folder(text: str) -> str:
    """Return the folder of static files that a web framework misses, or ""."""
    match = _NO_FOLDER.search(text)
    path = _CODE.sub("", match[1]) if match else ""
    return "" if path.startswith("/") else path


def frontend_build(folder: Path, name: str) -> str:
    """Return the command that builds the frontend that a missing path is from, "" if none has a build script."""
    candidates = [folder / parent for parent in Path(name).parents] if name else []
    if BUILT_FOLDERS.intersection(Path(name).parts):
        candidates += sorted(path.parent for path in folder.glob("*/package.json"))
    for candidate in candidates:
        try:
            scripts = json.loads((candidate / "package.json").read_text("utf-8")).get("scripts", {})
        except (OSError, ValueError, AttributeError):
            continue
        if "build" in scripts:
            subfolder = candidate.relative_to(folder).as_posix()
            prefix = "" if subfolder == "." else f" --prefix {subfolder}"
            return f"npm{prefix} install && npm{prefix} run build"
    return ""


def pattern_for(name: str, packed: frozenset[str], *, is_folder: bool) -> str:
    """Return the pattern for the topmost folder of the path that isn't packed at all, or for the file alone."""
    parts = name.split("/")
    for length in range(1, len(parts) + is_folder):
        folder = "/".join(parts[:length]) + "/"
        if not any(each.startswith(folder) for each in packed):
            return folder
    return name
