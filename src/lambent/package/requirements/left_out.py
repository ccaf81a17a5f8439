"""Packages that are left out of a zip: what Python has itself, and servers and tools that don't fit and that nothing needs.

Lambda takes the place of a server. Tools for developing and deploying are in many requirements files because `pip freeze`
wrote them. What only these packages require is left out with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lambent.package.lock import Pin

STANDARD_MODULES = {
    **{name: name for name in ("argparse", "asyncio", "contextvars", "dataclasses", "email", "hashlib", "html", "http")},
    **{name: name for name in ("importlib", "ipaddress", "logging", "multiprocessing", "pathlib", "ssl", "statistics")},
    **{name: name for name in ("typing", "unittest", "uuid", "wsgiref")},
    "enum34": "enum",
    "futures": "concurrent.futures",
}
"""Packages whose module every Python on Lambda has. In /var/task theirs would win; in a virtual environment it never does."""

_SERVERS = {
    **{name: name for name in ("bjoern", "cheroot", "daphne", "eventlet", "fastwsgi", "gevent", "granian", "gunicorn")},
    **{name: name for name in ("httptools", "hypercorn", "meinheld", "uvicorn", "uvloop", "uwsgi", "waitress")},
    "mod-wsgi": "mod_wsgi",
    "mod-wsgi-standalone": "mod_wsgi",
    "pyuwsgi": "uwsgi",
}
"""Servers and what speeds them up, each with its module. uWSGI and mod_wsgi provide theirs only while they serve."""

_PROTOCOLS = ("websockets", "wsproto")
"""What servers import only when a browser opens a WebSocket."""

_WEBSOCKET_SERVERS = ("uvicorn", "hypercorn")
"""Servers that use them, if their packages are there."""

TOOLS = {
    **{name: name for name in ("astroid", "autopep8", "awscli", "bandit", "black", "bumpversion", "coverage", "fabric")},
    **{name: name for name in ("flake8", "honcho", "ipdb", "ipykernel", "isort", "jupyter", "jupyterlab", "kappa", "locust")},
    **{
        name: name for name in ("mccabe", "mypy", "nbconvert", "nose", "notebook", "nuitka", "pipenv", "placebo", "pycodestyle")
    },
    **{name: name for name in ("pyflakes", "pylint", "pytest", "qtconsole", "rope", "sphinx", "supervisor", "tox")},
    **{name: name for name in ("troposphere", "twine", "virtualenv", "yapf", "zappa")},
    "auto-py-to-exe": "auto_py_to_exe",
    "aws-sam-cli": "samcli",
    "awsebcli": "ebcli",
    "cfn-flip": "cfn_flip",
    "cx-freeze": "cx_Freeze",
    "jupyter-client": "jupyter_client",
    "jupyter-console": "jupyter_console",
    "lambda-packages": "lambda_packages",
    "locustio": "locust",
    "pip-tools": "piptools",
    "pre-commit": "pre_commit",
    "pyinstaller": "PyInstaller",
    "typed-ast": "typed_ast",
    "wsgi-request-logger": "requestlogger",
}
"""Tools for developing, testing and deploying, and what only those need, each with its module."""

_OTHER_SYSTEMS = {
    "apturl": "AptUrl",
    "brlapi": "brlapi",
    "cloud-init": "cloudinit",
    "command-not-found": "CommandNotFound",
    "cupshelpers": "cupshelpers",
    "dbus-python": "dbus",
    "defer": "defer",
    "distro-info": "distro_info",
    "duplicity": "duplicity",
    "ec2-hibinit-agent": "hibinit_agent",
    "hibagent": "hibagent",
    "language-selector": "language_support_pkgs",
    "louis": "louis",
    "pycairo": "cairo",
    "pycups": "cups",
    "pygobject": "gi",
    "pyobjc-core": "objc",
    "pypiwin32": "win32api",
    "python-apt": "apt",
    "python-debian": "debian",
    "pywin32": "win32api",
    "pywinpty": "winpty",
    "screen-resolution-extra": "ScreenResolution",
    "ssh-import-id": "ssh_import_id",
    "systemd-python": "systemd",
    "ubuntu-advantage-tools": "uaclient",
    "ubuntu-drivers-common": "UbuntuDrivers",
    "ubuntu-pro-client": "uaclient",
    "ufw": "ufw",
    "unattended-upgrades": "unattended_upgrade",
    "usb-creator": "usbcreator",
    "windows-curses": "_curses",
    "xkit": "XKit",
}
"""Packages of Ubuntu, Windows and macOS, each with its module: `pip freeze` lists them there, and PyPI has few of them."""

_BACKPORTS = {"backports-datetime-fromisoformat": "datetime.fromisoformat", "backports-zoneinfo": "zoneinfo"}
"""Compiled packages with what newer Pythons have themselves: `pip freeze` doesn't say that only older ones need them."""

_UNNEEDED = {**_SERVERS, **TOOLS, **_OTHER_SYSTEMS, **dict.fromkeys(_BACKPORTS, "backports")}
MODULES = frozenset(_UNNEEDED.values())
_ALWAYS = {**STANDARD_MODULES, "pkg-resources": ""}


def always() -> tuple[str, ...]:
    """Return the packages that are never resolved."""
    return tuple(sorted(_ALWAYS))


def unused(imported: frozenset[str]) -> frozenset[str]:
    """Return the servers and tools that an app doesn't need if it imports these of `MODULES`."""
    return frozenset(name for name, module in _UNNEEDED.items() if module not in imported)


def for_other_systems(unused: frozenset[str]) -> frozenset[str]:
    """Return those of the unused packages that no Lambda can have."""
    return unused & _OTHER_SYSTEMS.keys()


def modules_of(names: Iterable[str]) -> frozenset[str]:
    """Return the modules of packages, by their usual names where they aren't known."""
    return frozenset(_UNNEEDED.get(name, name.replace("-", "_")) for name in names)


def required_by_unused(parents: Mapping[str, Collection[str]], unused: frozenset[str]) -> dict[str, str]:
    """Return the packages that only unused packages require, or only servers for WebSockets, each with one of these.

    `parents` has for each package the packages that require it. What no package requires is the user's own wish.
    """
    unneeded = {name: "" for name in unused if all(parent in unused for parent in parents.get(name, ()))}
    for name in _PROTOCOLS:
        if parents.get(name) and all(parent in _SERVERS for parent in parents[name]):
            unneeded[name] = min(parents[name])
    while True:
        more = {
            name: min(requiring)
            for name, requiring in parents.items()
            if requiring and name not in unneeded and all(parent in unneeded for parent in requiring)
        }
        if not more:
            return {name: parent for name, parent in unneeded.items() if parent}
        unneeded |= more


def with_assumed_parents(requires: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
    """Return what each package of a lock requires. If the lock says nothing, its servers require what WebSockets need."""
    if any(requires.values()):
        return requires
    return {name: _PROTOCOLS if name in _WEBSOCKET_SERVERS else () for name in requires}


def reason(name: str, python: str) -> str:
    """Return why a package is left out, as a line for the user. Empty for one that `without` names."""
    if name == "pkg-resources":
        return "pkg-resources is left out: it isn't a package, Debian's pip lists it by mistake"
    if name in STANDARD_MODULES:
        return f"{name} is left out: Python {python} has {STANDARD_MODULES[name]} itself"
    if name in _BACKPORTS:
        return f"{name} is left out: Python {python} has {_BACKPORTS[name]} itself"
    if name in _SERVERS:
        return f"{name} is left out: it has no wheel, and on Lambda nothing needs it"
    if name in _OTHER_SYSTEMS:
        return f"{name} is left out: it is for another system, and nothing imports it"
    if name in TOOLS:
        return f"{name} is left out: it doesn't fit python{python} or the other requirements, and nothing imports it"
    return ""


def without(pins: Sequence[Pin], names: frozenset[str]) -> tuple[Pin, ...]:
    """Return the pins except those with these names."""
    return tuple(pin for pin in pins if pin.name not in names)
