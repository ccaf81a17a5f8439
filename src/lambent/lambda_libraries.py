"""The shared libraries of Lambda's Python runtimes.

Amazon Linux 2 has glibc 2.26 and gcc 7.3's libraries, Amazon Linux 2023 glibc 2.34 and gcc 11's
(https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html; versions: gcc's libstdc++ manual, "ABI Policy").
"""

from __future__ import annotations

from lambent.calendar import AL2023

GLIBC = frozenset(
    [
        *("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2"),
        *("libanl.so.1", "libBrokenLocale.so.1", "libthread_db.so.1", "libmvec.so.1", "linux-vdso.so.1"),
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libnss_dns.so.2", "libnss_files.so.2"),
        "libz.so.1",  # not part of glibc, but Python needs it. PEP 600 allows wheels libexpat too: Lambda lacks it
    ]
)
COMPILER: dict[str, dict[bool, dict[str, tuple[int, ...]]]] = {
    "libstdc++.so.6": {
        False: {"GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11)},
        True: {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13)},
    },
    "libgcc_s.so.1": {False: {"GCC": (7, 0, 0)}, True: {"GCC": (11, 0)}},
}
"""Library -> whether the system is Amazon Linux 2023 -> the newest version of each family."""

_PERHAPS = frozenset(
    [
        *("libbz2.so.1", "liblzma.so.5", "libuuid.so.1", "libffi.so.6", "libffi.so.8"),
        *("libcurl.so.4", "libnghttp2.so.14", "libsqlite3.so.0", "libxml2.so.2", "libzstd.so.1", "libgmp.so.10"),
        *("libreadline.so.7", "libreadline.so.8", "libncursesw.so.6", "libtinfo.so.6", "libselinux.so.1", "libpcre2-8.so.0"),
        *("libgssapi_krb5.so.2", "libkrb5.so.3", "libcom_err.so.2", "libidn2.so.0", "libunistring.so.2", "libunistring.so.5"),
        *("libacl.so.1", "libattr.so.1", "libcap.so.2", "libmpfr.so.6"),
    ]
)
"""Libraries that come with the runtime's tools. AWS doesn't document them, so they count neither as present nor as missing."""

_PERHAPS_OF = {
    False: frozenset(("libssl.so.10", "libcrypto.so.10", "libcrypt.so.1", "libnsl.so.1", "libssl.so.1.1", "libcrypto.so.1.1")),
    True: frozenset(("libssl.so.3", "libcrypto.so.3", "libcrypt.so.2", "libcrypt.so.1", "libnsl.so.1")),
}
_DOUBTFUL = frozenset(("libcrypt.so.1", "libnsl.so.1"))  # allowed by every manylinux policy, and not in AL2023's glibc


def has(library: str, python: str, glibc: tuple[int, int]) -> bool | None:
    """Whether the runtime with this Python, such as "3.13", has a shared library; None if that isn't documented."""
    if library in GLIBC or library in COMPILER or library == f"libpython{python}.so.1.0":
        return True
    new = glibc >= AL2023
    if library in _DOUBTFUL:
        return None if new else True
    return None if library in perhaps(glibc) else False


def perhaps(glibc: tuple[int, int]) -> frozenset[str]:
    """Return the libraries that a runtime may have, apart from those that it has."""
    return _PERHAPS | _PERHAPS_OF[glibc >= AL2023]


def names(glibc: tuple[int, int]) -> frozenset[str]:
    """Return every library that a runtime has, or may have."""
    return GLIBC | COMPILER.keys() | perhaps(glibc)
