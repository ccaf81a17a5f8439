"""The descriptions of Google's APIs in google-api-python-client: 95 MB for about 500 APIs, of which an app uses a few.

They are only left out of a zip that would be too large, since the name of an API may be computed. Many packages for language
models require google-api-python-client and need no description at all.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from lambent.package.zip_contents import ZipContents

PACKAGE = "googleapiclient"
_FOLDER = f"{PACKAGE}/discovery_cache/documents/"
_STRING = re.compile(rb"""["']([A-Za-z0-9_]+)["']""")


def without_unused_documents(contents: ZipContents) -> ZipContents:
    """Return the contents without the descriptions of APIs that no string names, in the app or what imports googleapiclient."""
    documents = {entry.name for _, entry in contents.entries() if entry.name.startswith(_FOLDER)}
    if not documents:
        return contents
    names = _strings(contents) | {"index"}
    unused = {path for path in documents if path.removeprefix(_FOLDER).partition(".")[0] not in names}
    layout = contents.layout
    return ZipContents(contents.shards, replace(layout, hidden=layout.hidden | unused))


def _strings(contents: ZipContents) -> set[str]:
    sources = [file.read() for name, file in contents.layout.files if name.endswith(".py")]
    for shard in contents.shards:
        for path, imports in shard.imports.items():
            names = imports.eager | imports.lazy
            if any(name.startswith(f"{PACKAGE}.") for name in names) and not path.startswith(f"{PACKAGE}/"):
                sources.append(shard.archive.read(path))
    return {match[1].decode() for source in sources for match in _STRING.finditer(source)}
