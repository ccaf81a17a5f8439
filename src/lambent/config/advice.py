"""What a look at the app's own files says about running it on Lambda: one line for each thing, before anything is built."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lambent.config.detection.function_files import SERVERLESS, TEMPLATES, template_names
from lambent.config.detection.project_text import read_text
from lambent.config.environment import find_own_file
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.config.streamed_responses import find_stream
from lambent.config.variables.bound import Read
from lambent.config.variables.unset import flags_for, names_in_example
from lambent.events import Event, Notice, Warned
from lambent.units import listing, pronoun_for, verb_for

_WEBSOCKET = re.compile(
    r"\.(?:add_)?(?:api_)?websocket(?:_route)?\(|^\s*@websocket(?:_listener|_stream)?\(|@\w+\.ws\("
    r"|\bWebSocket(?:Route\(|Endpoint\b)|WebsocketConsumer\b|\bSocketIO\(|\bsocketio\.(?:Async)?Server\(|\bSocks?(?:ets)?\(\w*\)"
    r"|\bui\.run_with\(",  # NiceGUI
    re.MULTILINE,
)
_MCP = re.compile(r"(?m)^\s*from mcp\.server(?:\.fastmcp|\.mcpserver)? import .*\b(?:FastMCP|MCPServer)\b")
_MCP_SERVER = re.compile(r"\bFastMCP\(|\.(?:streamable_http_app|sse_app)\(")
_MCP_HOSTS = re.compile(r"\btransport_security\b|\bhost\s*=(?!\s*[\"'](?:127\.0\.0\.1|localhost|::1)[\"'])")
_MCP_VERSION = re.compile(r"""(?m)(?:^name = "mcp"\nversion = "|^[ \t]*["']?mcp(?:\[[\w,]+\])?\s*==\s*)(\d+)\.(\d+)""")
_CHALICE = re.compile(r"(?m)^\s*(?:from|import) chalice\b")
_CHALICE_AUTH = re.compile(r"\bauthorizer\s*=\s*\w|\bapi_key_required\s*=\s*True")
_SAM_AUTH = (
    r"(?m)^[ -]*[\"']?(?:(?:Default)?Authorizer[\"']?:\s*(?![\"']?NONE)\S|ApiKeyRequired[\"']?:\s*[Tt]rue"
    r"|AuthType[\"']?:\s*[\"']?AWS_IAM)"
)
_SERVERLESS_AUTH = r"(?m)^[ -]*[\"']?(?:authorizer[\"']?:|private[\"']?:\s*true)"
_GATEWAY_AUTH = {
    **dict.fromkeys(TEMPLATES, re.compile(_SAM_AUTH)),
    **dict.fromkeys(SERVERLESS, re.compile(_SERVERLESS_AUTH)),
    "zappa_settings.json": re.compile(r'"authorizer"\s*:|"(?:iam_authorization|api_key_required)"\s*:\s*true'),
}
"""How the files of other deployment tools say that API Gateway, or the URL itself, lets only some callers through."""
_UNIMPORTED = frozenset(("test", "this", "antigravity", "idlelib", "lib2to3", "turtledemo", "__main__", "__phello__"))
"""Modules of the standard library that no other code imports: an own one hides nothing."""


def advise(config: Config, unset: Sequence[Read] = ()) -> Iterator[Event]:
    """Yield a line for everything in the app's own files that Lambda treats differently from a server.

    `unset` are the app's reads of variables that nothing sets.
    """
    folder = config.folder
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8-sig", "replace") for path in own_files(config)}
    if config.app.kind != "handler":
        yield from _websockets(texts)
        if "host=" not in config.app.attribute and not _answers_any_host(folder):
            yield from _mcp_hosts(texts)
        if not config.stream and config.client == "lambent":
            yield from _streams(texts)
    if config.has_url and config.hosting.auth == "NONE":
        yield from _gateway_auth(folder, texts)
    yield from _unsent_variables(folder, texts.values(), config, unset)
    yield from _hidden_modules(folder, config.app.root)


def _websockets(texts: dict[str, str]) -> Iterator[Event]:
    if location := _first(texts, _WEBSOCKET):
        yield Warned(f"{location} uses WebSockets, which Function URLs don't support: only the other routes work")


def _answers_any_host(folder: Path) -> bool:
    """Return whether the project's lock or pin has a release of mcp before 1.23, the first that refuses other hosts."""
    files = ("uv.lock", "poetry.lock", "pdm.lock", "requirements.txt", "pyproject.toml")
    version = next(filter(None, (_MCP_VERSION.search(read_text(folder / file)) for file in files)), None)
    return version is not None and (int(version[1]), int(version[2])) < (1, 23)


def _mcp_hosts(texts: dict[str, str]) -> Iterator[Event]:
    """Name a server of the package mcp that only answers to localhost, its default. mcp 2 takes the host with the app."""
    servers = {file: text for file, text in texts.items() if _MCP.search(text)}
    if any(_MCP_HOSTS.search(text) for text in texts.values()):
        return
    if location := _first(servers, _MCP_SERVER):
        is_new = any("MCPServer" in text for text in servers.values())
        hint = '.streamable_http_app(host="0.0.0.0")' if is_new else 'FastMCP(..., host="0.0.0.0")'
        yield Warned(f"{location}: the MCP server answers 421 to every host name but localhost", hint)


def _gateway_auth(folder: Path, texts: dict[str, str]) -> Iterator[Event]:
    """Name the first sign that something in front of the app has checked its callers until now."""
    chalice = {file: text for file, text in texts.items() if _CHALICE.search(text)}
    patterns = {**dict.fromkeys(template_names(folder), _GATEWAY_AUTH[TEMPLATES[0]]), **_GATEWAY_AUTH}
    others = (_first({name: read_text(folder / name)}, pattern) for name, pattern in patterns.items())
    if location := _first(chalice, _CHALICE_AUTH) or next(filter(None, others), ""):
        what = f"{location}: this check of callers was API Gateway's, and a URL has none: anyone can call the app"
        yield Warned(what, "--auth iam, or check callers in the app")


def _streams(texts: dict[str, str]) -> Iterator[Event]:
    location = next((f"{file}:{line}" for file, text in texts.items() if (line := find_stream(text))), "")
    if location:
        yield Notice(f"{location} streams its response: --stream sends each part as it is produced, not all at the end")


def _first(texts: dict[str, str], pattern: re.Pattern[str]) -> str:
    """Return the first place, as "file:line", where a pattern occurs outside a comment, or ""."""
    for file, text in texts.items():
        for match in pattern.finditer(text):
            start = text.rfind("\n", 0, match.start()) + 1
            if "#" not in text[start : match.start()]:
                return f"{file}:{_line(text, match.start())}"
    return ""


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _unsent_variables(folder: Path, texts: Iterable[str], config: Config, unset: Sequence[Read]) -> Iterator[Event]:
    """Name the variables that the app reads and the function doesn't get: those in .env, then those that nothing sets."""
    sent = {name for name, _ in (*config.environment, *config.secrets)}
    code = "\n".join(texts)
    file, values = find_own_file(folder, re.findall(r"\w+", code))
    in_file = [
        name
        for name, value in values.items()
        if value and name not in sent and re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", code, re.IGNORECASE)
    ]
    if in_file:
        yield Warned(f"{listing(in_file)} {verb_for(in_file)} in {file}, which isn't uploaded", flags_for(config, in_file))
    examples = names_in_example(folder)
    reads = [read for read in unset if read.name not in in_file and (read.fails != "perhaps" or read.name in examples)]
    names = [read.name for read in reads]
    if names:
        what = f"{listing(names)} {verb_for(names)}n't set, and the app reads {pronoun_for(names)} ({reads[0].location})"
        yield Warned(what, flags_for(config, names, unset))


def _hidden_modules(folder: Path, root: str) -> Iterator[Event]:
    """Name own files at the top of the zip that hide a module of the standard library from everything that imports it."""
    for name in dict.fromkeys((".", root)):
        for path in sorted((folder / name).iterdir()):
            module = path.stem if path.suffix == ".py" else path.name if (path / "__init__.py").is_file() else ""
            if module in sys.stdlib_module_names and module not in _UNIMPORTED:
                file = path.relative_to(folder).as_posix() + ("" if path.suffix == ".py" else "/")
                yield Warned(f"{file} hides Python's own module {module} from every package that imports it", f"rename {file}")
