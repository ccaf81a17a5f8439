"""Finds secrets in the user's files: many people can read a zip with code, and it stays in S3 and on laptops.

It looks only for forms with hardly any false alarms: tokens with a vendor's own prefix, a private key with its body, an AWS key
id with its secret key, and in files that name packages, a URL with a password. Placeholders in documentation don't count.
Messages name the file, line and kind, never the secret.
Forms: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
"""

from __future__ import annotations

import codecs
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from itertools import islice

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package import password_urls
from lambent.package.layout import SourceFile

_LARGEST = 2 * 1024 * 1024  # bytes; text that people write is smaller, and larger files are data
_DATA = frozenset(
    [
        *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".avif", ".mp3", ".mp4", ".webm", ".ogg", ".wav", ".pdf"),
        *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".zip", ".gz", ".bz2", ".xz", ".zst", ".whl", ".so", ".pyd", ".pyc"),
        *(".db", ".sqlite", ".sqlite3", ".parquet", ".npy", ".npz", ".pkl", ".pt", ".onnx", ".bin", ".safetensors", ".h5"),
    ]
)
_BROWSER = frozenset([".js", ".mjs", ".ts", ".tsx", ".jsx", ".html", ".htm", ".vue", ".svelte", ".map"])
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN = 10
_TEST = re.compile(
    r"(?:^|/)(?:tests?/|(?:tests?|conftest|test_\w+|\w+_test)\.py$|(?:codecov|appveyor|circle|\.travis|\.gitlab-ci)\.ya?ml$)"
)
"""Tests, and what runs them."""


class _Form(Struct, frozen=True):
    """A form of secret. Every match contains one of `marks`, so that files without them, which most are, need no expression.

    The group "random" of `expression` is what tells a secret from a placeholder. It is compiled when needed, which is rare.
    """

    kind: str
    marks: tuple[bytes, ...]
    expression: bytes
    server: bool = False  # public by design in files that a browser loads


def _form(kind: str, marks: str, expression: str, *, server: bool = False) -> _Form:
    return _Form(kind, tuple(marks.encode().split()), expression.encode(), server)


_FORMS = (
    _form(
        "private key",
        "PRIVATE",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[rn]|[\w-]+: [^\r\n]*\n)*"
        r"(?P<random>[A-Za-z0-9+/]{40})[A-Za-z0-9+/=\s\\\"',]{20,}-----END",
    ),
    _form(
        "AWS secret access key",
        "AKIA ASIA",
        r"(?s)\b(?:AKIA|ASIA)[A-Z2-7]{16}\b.{0,300}?(?<![\w+/=.-])(?P<random>[A-Za-z0-9+/]{40})(?![\w+/=-])",
    ),
    _form(
        "AWS secret access key",
        "AKIA ASIA",
        r"(?s)(?<![\w+/=.-])(?P<random>[A-Za-z0-9+/]{40})(?![\w+/=-]).{0,300}?\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    ),
    _form("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_(?P<random>[A-Za-z0-9]{36})"),
    _form("GitHub token", "github_pat_", r"\bgithub_pat_(?P<random>[A-Za-z0-9]{22}_[A-Za-z0-9]{59})"),
    _form("GitLab token", "glpat-", r"\bglpat-(?P<random>[\w-]{20})"),
    _form("Slack token", "xox", r"\bxox[abprs]-\d{9,}-(?P<random>[A-Za-z0-9-]{24,})"),
    _form("Slack token", "xapp-", r"\bxapp-\d-[A-Z0-9]+-\d+-(?P<random>[a-f0-9]{64})"),
    _form("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/(?P<random>[A-Za-z0-9]{24})"),
    _form("Stripe live key", "k_live_", r"\b[sr]k_live_(?P<random>[A-Za-z0-9]{24,})"),
    _form("Google OAuth client secret", "GOCSPX-", r"\bGOCSPX-(?P<random>[\w-]{28})"),
    _form("Google API key", "AIza", r"\bAIza(?P<random>[\w-]{35})(?![\w-])", server=True),
    _form("SendGrid key", "SG.", r"\bSG\.(?P<random>[\w-]{22}\.[\w-]{43})(?![\w-])"),
    _form("PyPI token", "pypi-AgE", r"\bpypi-AgE(?P<random>[\w-]{60,})"),
    _form("OpenAI key", "T3BlbkFJ", r"\bsk-[\w-]*?(?P<random>[A-Za-z0-9]{20})T3BlbkFJ[\w-]{20,}"),
    _form("Anthropic key", "sk-ant-", r"\bsk-ant-[a-z]+\d\d-(?P<random>[\w-]{80,})"),
    _form("Hugging Face token", "hf_", r"\bhf_(?P<random>[A-Za-z]{34})\b"),
    _form("DigitalOcean token", "_v1_", r"\bdo[opr]_v1_(?P<random>[a-f0-9]{64})\b"),
    _form("Vault token", "hvs.", r"\bhvs\.(?P<random>[\w-]{90,})"),
    _form("npm token", "npm_", r"\bnpm_(?P<random>[A-Za-z0-9]{36})\b"),
)
MARKS = tuple(dict.fromkeys(mark for form in _FORMS for mark in form.marks))
_PLACEHOLDER = re.compile(rb"(?i)example|x{6}|placeholder|your|dummy|redacted|sample|abcdefgh|12345678|01234567|fakefake")


class Secret(Struct, frozen=True):
    """The location of a secret, and its kind."""

    file: str
    line: int
    kind: str


def check(
    files: Mapping[str, SourceFile], allowed: tuple[str, ...], start_modules: Callable[[], Iterable[str]] = tuple
) -> tuple[str, ...]:
    """Return the tests that hold secrets and that nothing else imports: the zip needn't have them.

    Raises PackagingError, with file and line, if other files to pack hold secrets. Those whose path is `allowed` are skipped.
    `start_modules` returns those that a start imports first: an app may be called test.py.
    """
    secrets: list[Secret] = []
    for name, file in files.items():
        if name not in allowed and _ending(name) not in _DATA:
            secrets.extend(scan(name, _text(name, file)))
    tests = {secret.file for secret in secrets if _TEST.search(secret.file)}
    if tests and (_are_tests(files, start_modules()) or _imports_tests(files, tests)):
        tests.clear()
    if needed := [secret for secret in secrets if secret.file not in tests]:
        raise _refusal(needed, is_imported=_is_imported(files, {secret.file for secret in needed}, start_modules()))
    return tuple(sorted(tests))


def _are_tests(files: Iterable[str], modules: Iterable[str]) -> bool:
    """Return whether one of these modules may be in a file that looks like a test."""
    return _has_one(filter(_TEST.search, files), modules)


def _has_one(files: Iterable[str], modules: Iterable[str]) -> bool:
    """Return whether one of these modules may be in one of these files."""
    ends = tuple(f"/{module.replace('.', '/')}{end}" for module in modules for end in (".py", "/__init__.py"))
    return any(f"/{name}".endswith(ends) for name in files)


def _is_imported(files: Mapping[str, SourceFile], names: Set[str], start_modules: Iterable[str]) -> bool:
    """Return whether one of these files is imported first, or may be by another file."""
    stems = {name.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2] for name in names if name.endswith(".py")}
    others = (name for name in files if name.endswith(".py") and name not in names)
    return _has_one(names, start_modules) or _import_one(files, others, stems)


def _import_one(files: Mapping[str, SourceFile], modules: Iterable[str], stems: Iterable[str]) -> bool:
    """Return whether one of these modules imports a module with one of these names, or something from it."""
    names = "|".join(map(re.escape, sorted(stems)))
    imports = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t][^\n]*\b(?:{names})\b".encode())
    return bool(names) and any(imports.search(_text(name, files[name])) for name in modules)


def _imports_tests(files: Mapping[str, SourceFile], tests: set[str]) -> bool:
    """Return whether a module that is no test may import one of these, or of their folders."""
    parts = {part for test in tests for part in test.removesuffix(".py").split("/")}
    modules = (name for name in files if name.endswith(".py") and not _TEST.search(name))
    return _import_one(files, modules, (part for part in parts if _TEST.search(f"{part}.py")))


def scan(name: str, data: bytes) -> Iterator[Secret]:
    """Yield the secrets in a file's content."""
    if data.startswith(_UTF_16):  # what PowerShell writes with >; pip reads it too
        data = data.decode("utf-16", "replace").encode()
    if password_urls.names_packages(name):
        for start in islice(password_urls.starts(data), 1):
            yield Secret(name, _line(data, start), password_urls.KIND)
    marked = [mark for mark in MARKS if mark in data]
    if not marked:
        return
    for form in _FORMS:
        if not any(mark in marked for mark in form.marks) or (form.server and _ending(name) in _BROWSER):
            continue
        for match in re.finditer(form.expression, data):
            if not _is_placeholder(match):
                yield Secret(name, _line(data, match.start()), form.kind)
                break  # one of each kind is enough


def unreadable(name: str, error: OSError) -> PackagingError:
    """Return the error for one of the user's files that can't be read, or that has just been deleted."""
    if isinstance(error, FileNotFoundError):
        return PackagingError(f"a file was deleted during the build: {name}", where=name, hint="run the same command again")
    hint = f"chmod +r {name}, or leave it out: echo '/{name}' >> .lambentignore"
    return PackagingError(f"cannot read {name}: {error.strerror or error}", where=name, hint=hint)


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _ending(name: str) -> str:
    return name[name.rfind(".") :].lower()


def _text(name: str, file: SourceFile) -> bytes:
    """Return the content of a file, or nothing if it is too large to be text."""
    try:
        handle = os.open(file.path, os.O_RDONLY)  # three times as fast as Path.read_bytes, and there may be thousands
        try:
            size = os.fstat(handle).st_size
            return os.read(handle, size) if size <= _LARGEST else b""
        finally:
            os.close(handle)
    except OSError as error:
        raise unreadable(name, error) from error


def _is_placeholder(match: re.Match[bytes]) -> bool:
    """Whether a match is only an example: it says so, has too few different characters, or is a digest and not a key."""
    text = match["random"]
    if _PLACEHOLDER.search(match[0] if len(match[0]) < 200 else text) or len(set(text)) < 10:
        return True
    return len(text) == 40 and re.fullmatch(rb"[0-9a-f]+|[0-9A-F]+|[A-Z0-9]+|[a-z]+|[A-Za-z/]+", text) is not None


def _cure(secret: Secret) -> str:
    if secret.kind == password_urls.KIND:
        return "move the user name and password to ~/.netrc, where the build finds them"
    return "remove it, and pass it to the function as an environment variable"


def _refusal(secrets: list[Secret], *, is_imported: bool) -> PackagingError:
    first = secrets[0]
    files = list(dict.fromkeys(secret.file for secret in secrets))
    more = f", and {len(secrets) - 1} more" if len(secrets) > 1 else ""
    listed = "\n".join(f"{secret.file}:{secret.line}  {secret.kind}" for secret in secrets[:_SHOWN])
    names = ", ".join(f'"{name}"' for name in files[:_SHOWN])
    paths = shlex.join(f"/{name}" for name in files[:_SHOWN])
    leaving = f"the file out: echo '/{files[0]}'" if len(files) == 1 else f"the files out: printf '%s\\n' {paths}"
    ignoring = "" if is_imported else f"or leave {leaving} >> .lambentignore\n"
    return PackagingError(
        f"the zip would contain a secret: {first.kind} in {first.file}, line {first.line}{more}",
        where=f"{first.file}:{first.line}",
        hint=(
            f"{_cure(first)}\n"
            f"{ignoring}"
            f"or, if it isn't confidential: allow_secrets = [{names}] in pyproject.toml [tool.lambent]"
        ),
        detail=listed if len(secrets) > 1 else "",
    )
