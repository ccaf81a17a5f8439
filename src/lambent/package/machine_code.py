"""Recognize machine code by the first bytes of a file."""

from __future__ import annotations

from pathlib import Path

_MAGICS = (b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # Linux, Windows, macOS, macOS universal


def is_machine_code(head: bytes | bytearray) -> bool:
    """Return whether a file that starts with these bytes is a program or library of any operating system."""
    return head.startswith(_MAGICS)


def is_machine_code_file(path: Path) -> bool:
    """Return whether a file on the disk is machine code. Raises OSError."""
    with path.open("rb") as file:
        return is_machine_code(file.read(4))
