"""Modules and names that Python's standard library no longer has, and what to do about each."""

from __future__ import annotations

import re

REMOVED = {
    (3, 9): ("_dummy_thread", "dummy_threading"),
    (3, 10): ("formatter", "parser", "symbol"),
    (3, 11): ("binhex",),
    (3, 12): (
        "_bootsubprocess",
        "_sha256",
        "_sha512",
        "asynchat",
        "asyncore",
        "distutils",
        "imp",
        "smtpd",
    ),
    (3, 13): (
        "_crypt",
        "_msi",
        "aifc",
        "audioop",
        "cgi",
        "cgitb",
        "chunk",
        "crypt",
        "imghdr",
        "lib2to3",
        "mailcap",
        "msilib",
        "nis",
        "nntplib",
        "ossaudiodev",
        "pipes",
        "sndhdr",
        "spwd",
        "sunau",
        "telnetlib",
        "uu",
        "xdrlib",
    ),
}
"""The version that removed them."""

_COLLECTIONS = (
    *("AsyncGenerator", "AsyncIterable", "AsyncIterator", "Awaitable", "ByteString", "Callable", "Collection", "Container"),
    *("Coroutine", "Generator", "Hashable", "ItemsView", "Iterable", "Iterator", "KeysView", "Mapping", "MappingView"),
    *("MutableMapping", "MutableSequence", "MutableSet", "Reversible", "Sequence", "Set", "Sized", "ValuesView"),
)
_REMOVED_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "3.8": {"cgi": ("escape", "parse_qs", "parse_qsl"), "platform": ("dist", "linux_distribution"), "time": ("clock",)},
    "3.9": {"base64": ("decodestring", "encodestring"), "fractions": ("gcd",), "xml.etree": ("cElementTree",)},
    "3.10": {"collections": _COLLECTIONS},
    "3.11": {"asyncio": ("coroutine",), "inspect": ("formatargspec", "getargspec")},
    "3.12": {
        "configparser": ("LegacyInterpolation", "SafeConfigParser"),
        "importlib": ("find_loader",),
        "locale": ("format",),
        "pkgutil": ("ImpImporter", "ImpLoader"),
        "ssl": ("match_hostname", "wrap_socket"),
        "unittest": ("_TextTestResult",),
    },
    "3.13": {"locale": ("resetlocale",), "unittest": ("findTestCases", "getTestCaseNames", "makeSuite")},
    "3.14": {"ast": ("Bytes", "Ellipsis", "NameConstant", "Num", "Str"), "pkgutil": ("find_loader", "get_loader")},
}
"""The names of each module that a version removed. Source: "What's New" of each version."""
_NAMES = {
    f"{module}.{name}": version
    for version, modules in _REMOVED_NAMES.items()
    for module, names in modules.items()
    for name in names
}

_PACKAGES = {
    "asynchat": "pyasynchat",
    "asyncore": "pyasyncore",
    "audioop": "audioop-lts",
    "cgi": "legacy-cgi",
    "cgitb": "legacy-cgi",
    **{
        name: f"standard-{name}"
        for name in (
            *("aifc", "chunk", "crypt", "distutils", "imghdr", "mailcap", "nntplib", "pipes", "smtpd", "sndhdr", "sunau"),
            *("telnetlib", "uu", "xdrlib"),
        )
    },
}
"""Packages on PyPI that provide the module under its old name."""

_CHANGES = (
    (r"Element' object has no attribute 'getiterator'", "Element.getiterator of xml.etree", "3.9"),
    (r"'(?:Thread|MainThread|_MainThread)' object has no attribute 'isAlive'", "Thread.isAlive of threading", "3.9"),
    (r"As of 3\.10, the \*loop\* parameter was removed", "asyncio's argument loop", "3.10"),
    (r"Field\.__init__\(\) missing 1 required positional argument: 'kw_only'", "the old form of dataclasses.Field", "3.10"),
    (r"mutable default <class '[^']+'> for field \w+ is not allowed", "mutable defaults in dataclasses", "3.11"),
    (r"translation\(\) got an unexpected keyword argument 'codeset'", "gettext's argument codeset", "3.11"),  # Django 2.1
    (r"duplicate base class TimeoutError", "asyncio.TimeoutError as a class of its own", "3.11"),  # aioredis
    (r"cannot import name '\w+' from 'pkg_resources\.extern'", "importers with find_module, as in old setuptools", "3.12"),
    (r"'EntryPoints' object has no attribute 'get'", "EntryPoints.get of importlib.metadata", "3.12"),
    (r"ForwardRef\._evaluate\(\) missing 1 required keyword-only", "old arguments of typing.ForwardRef", "3.12"),
    (r"module 'eventlet\.green\.thread' has no attribute 'daemon_threads_allowed'", "what eventlet 0.33 patches", "3.12"),
    (r"module 'eventlet\.green\.thread' has no attribute 'start_joinable_thread'", "what eventlet before 0.38 patches", "3.13"),
    (r"There is no current event loop in thread 'MainThread'", "event loops that asyncio.get_event_loop() makes", "3.14"),
    (r'unable to infer type for attribute "', "annotations in a class's namespace, as pydantic 1 does", "3.14"),
    (r"'super' object has no attribute 'dicts'", "copies of super()", "3.14"),  # Django before 5.2
)
"""What else a version removed: the pattern of the exception that shows it, its name, and the version."""
CHANGES = "|".join(pattern for pattern, _, _ in _CHANGES)

_OLDEST_MINOR = 8  # python3.8 is the oldest runtime that AWS still takes


def affected_modules() -> frozenset[str]:
    """Return the top-level modules that some version removed, or of which it removed a name."""
    removed = {name for names in REMOVED.values() for name in names}
    return frozenset(removed | {name.partition(".")[0] for name in _NAMES})


def removed_in(name: str) -> str:
    """Return the version that removed a module, or a name such as "collections.Mapping" ("3.12"), or ""."""
    if name in _NAMES:
        return _NAMES[name]
    return next((f"{version[0]}.{version[1]}" for version, names in REMOVED.items() if name in names), "")


def changed_in(text: str) -> tuple[str, str]:
    """Return what else an exception lacks because a version of Python changed it, and that version. Empty if nothing."""
    return next(((what, version) for pattern, what, version in _CHANGES if re.search(pattern, text)), ("", ""))


def lacks(name: str, python: tuple[int, int]) -> bool:
    """Return whether a version of Python no longer has a module, or a name such as "collections.Mapping"."""
    removed = removed_in(name)
    return removed != "" and tuple(map(int, removed.split("."))) <= python


def substitute_for(module: str) -> str:
    """Return the package that provides a removed module under its old name, or ""."""
    return _PACKAGES.get(module, "")


def last_runtime(version: str) -> str:
    """Return the last runtime before a version of Python."""
    minor = int(version.partition(".")[2])
    return f"python3.{minor - 1}"


def how_to_get(name: str) -> str:
    """Return what to do about what was removed: the package that provides it, or the last runtime that has it."""
    if int(removed_in(name).partition(".")[2]) <= _OLDEST_MINOR:
        return f"replace {name} in the code, or use a newer version of the package that imports it"
    package, runtime = _PACKAGES.get(name), last_runtime(removed_in(name))
    if package is None:
        return f"--runtime {runtime} still has it"
    return f"add {package} to the dependencies, which provides it; or --runtime {runtime} still has it"
