"""The digest of a body, and a file to download."""

import hashlib
import os
import tempfile
from pathlib import Path

FILE = Path(tempfile.gettempdir()) / "tölð.txt"


def digest(data):
    return [len(data), hashlib.sha256(data).hexdigest()]


def write_file():
    """Write the file with the same content and date everywhere, because frameworks create headers from them."""
    if not FILE.exists():
        new = FILE.with_suffix(f".{os.getpid()}")
        new.write_text("".join(f"line {number} ü\n" for number in range(300)))
        os.utime(new, (1_700_000_000, 1_700_000_000))
        new.replace(FILE)


write_file()
