"""What an app says of bytes it was sent, and a file for it to send."""

import hashlib
import os
import tempfile
from pathlib import Path

FILE = Path(tempfile.gettempdir()) / "lambent-tests-tölð.txt"


def digest(data):
    return [len(data), hashlib.sha256(data).hexdigest()]


def write_file():
    """The same on every machine, its date as well: headers are made of that."""
    if not FILE.exists():
        new = FILE.with_suffix(f".{os.getpid()}")
        new.write_text("".join(f"line {number} ü\n" for number in range(300)))
        os.utime(new, (1_700_000_000, 1_700_000_000))
        new.replace(FILE)


write_file()
