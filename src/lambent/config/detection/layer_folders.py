"""The folders that a project's layers are made of: on Lambda their modules are importable, from /opt/python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath

from lambent.config.detection.function_files import SERVERLESS, read_service, read_template, template_names
from lambent.config.detection.yaml_mappings import mapping_at, text_at

_DEPTH_MAX = 4
_SKIPPED = frozenset(("node_modules", "venv", "env", "site-packages", "tests", "test", "build", "dist", "cdk.out"))


def layer_folders(folder: Path) -> tuple[str, ...]:
    """Return what may be on the import path because of a layer, relative to the project's folder.

    That is each folder with "layer" in its name and those in it, those that a deployment file calls a layer, and before each
    the folder `python` that it has, which is the part of a layer's zip that counts.
    """
    folders: list[str] = []
    declared = frozenset(_declared_layers(folder))
    for path, names, _ in os.walk(folder):
        relative = Path(path).relative_to(folder)
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED)
        if len(relative.parts) >= _DEPTH_MAX:
            names.clear()
        is_layer = any("layer" in part.lower() for part in relative.parts[-2:]) or relative.as_posix() in declared
        if is_layer and relative.name != "python":
            own = [relative / "python"] if "python" in names else []
            folders += [each.as_posix() for each in (*own, relative)]
    return tuple(folders)


def layer_requirements(folder: Path) -> tuple[Path, ...]:
    """Return the requirements files of a project's layers, with which `sam build` and CDK install a layer's packages."""
    files = (folder / layer / "requirements.txt" for layer in layer_folders(folder))
    return tuple(file for file in files if file.is_file())


def _declared_layers(folder: Path) -> Iterator[str]:
    """Yield the folders of the layers in a template of SAM and in serverless.yml."""
    for name in template_names(folder):
        for resource in mapping_at(read_template(folder, name), "Resources").values():
            if text_at(resource, "Type") == "AWS::Serverless::LayerVersion":
                yield normpath(join(dirname(name), text_at(mapping_at(resource, "Properties"), "ContentUri")))
    for name in SERVERLESS:
        for layer in mapping_at(read_service(folder, name), "layers").values():
            yield normpath(text_at(layer, "path"))
