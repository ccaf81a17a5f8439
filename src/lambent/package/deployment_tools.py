"""Packages that only describe a deployment: CDK's, Pulumi's. Projects list them in the requirements at their top.

With aws-cdk-lib a zip is beyond Lambda's limit, or close to it, and no function imports it.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from lambent.config.detection.import_graph import ImportGraph, read_imports
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.config.model import Config

_FILES = ("requirements.txt", "requirements.in", "setup.py", "pyproject.toml", "Pipfile", "uv.lock", "poetry.lock", "pdm.lock")
_START = r"""(?m)(?:^[ \t]*|["'])"""
"""What is before a name in these files: not the path of a URL, nor words of a description."""
_TOOL = re.compile(rf"{_START}((?:aws[-_.]cdk|cdktf|pulumi)(?:[-_.][A-Za-z]\w*)*)(?![\w.-])")
"""Not the file of a package in a lock: aws_cdk.core-1.76.0-py3-none-any.whl."""
_PART = re.compile(rf"{_START}(cdk[-_]nag|constructs|jsii)(?![\w.-])")
"""What only CDK needs. Their names are common words."""
_MODULE = re.compile(r"(?:aws_cdk|cdktf|pulumi\w*|cdk_nag|constructs|jsii)\b")


def without_deployment_tools(config: Config) -> Config:
    """Return the configuration without these packages, if the app's own modules import none of them."""
    texts = "\n".join(read_text(config.folder / name) for name in _FILES)
    tools = _TOOL.findall(texts)
    packages = sorted({*tools, *_PART.findall(texts)}) if tools else []
    modules = ProjectModules(config.folder)
    starts = modules.starts_of(config.app) if packages else []
    if not starts:
        return config
    imports = (dotted for path in ImportGraph(modules, *starts).files for dotted, _ in read_imports(path))
    if any(map(_MODULE.match, imports)):
        return config
    without = tuple(dict.fromkeys((*config.packaging.without, *packages)))
    return replace(config, packaging=replace(config.packaging, without=without))
