"""What the target's own Python is told, to compile source files, and what those are called. Imports nothing: see again/.

It does what py_compile does, without the modules it imports: they take three times as long as a small app's bytecode. Asked
on stdin, marshalled as WIRE: (source file, its name in the zip, the flags of PEP 552, the file to write) for each; what does
not compile gives an empty file.
"""

from __future__ import annotations

TEXT = """
def text(source):
    other = any(b"coding" in line and b"utf-8" not in line for line in source.split(b"\\n", 2)[:2])
    if other or source[:3] == b"\\xef\\xbb\\xbf":
        return source
    try:
        return source.decode()
    except UnicodeDecodeError:
        return source
"""
"""Source as a string, where that means the same: it compiles a seventh faster than bytes, to the same code."""
SCRIPT = (
    TEXT
    + """
import _frozen_importlib_external, _imp, gc, marshal, sys
gc.disable()
magic = _frozen_importlib_external.MAGIC_NUMBER
for source, name, flags, out in marshal.load(sys.stdin.buffer):
    with open(source, "rb") as file:
        data = file.read()
    try:
        code = compile(text(data), "/var/task/" + name, "exec", dont_inherit=True, optimize=0)
        digest = _imp.source_hash(int.from_bytes(magic, "little"), data)
        made = magic + flags.to_bytes(4, "little") + digest + marshal.dumps(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        made = b""
    with open(out, "wb") as file:
        file.write(made)
"""
)
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
"""That of the compiling process: the bytes repeat."""
WIRE = 2
"""The format of marshal that every Python reads."""
UNCHECKED, CHECKED = 1, 3


def source_of(name: str) -> str:
    """The source a file of bytecode was made from, "" for any other: bytecode would be run in the place of the user's file."""
    folder, found, file = name.rpartition("__pycache__/")
    return f"{folder}{file.partition('.')[0]}.py" if found and name.endswith(".pyc") else ""
