"""Modules that Python's standard library no longer has, and what to do about each."""

from __future__ import annotations

REMOVED = {
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


def removed_in(name: str) -> str:
    """Return the version that removed a module ("3.12"), or ""."""
    return next((f"{version[0]}.{version[1]}" for version, names in REMOVED.items() if name in names), "")


def how_to_get(name: str) -> str:
    """Return what to do about a removed module: the package that provides it, or the last runtime that has it."""
    major, minor = next(version for version, names in REMOVED.items() if name in names)
    runtime = f"--runtime python{major}.{minor - 1} still has it"
    package = _PACKAGES.get(name)
    return f"add {package} to the dependencies, which provides it; or {runtime}" if package else runtime
