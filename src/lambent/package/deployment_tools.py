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
_PACKAGE = re.compile(
    r"(?<![\w.-])(?:aws[-_.]cdk|cdktf|pulumi)(?:[-_.]\w+)*|(?<![\w.-])(?:cdk[-_]nag|constructs|jsii)(?![\w.-])"
)
_MODULE = re.compile(r"(?:aws_cdk|cdktf|pulumi\w*|cdk_nag|constructs|jsii)\b")


def without_deployment_tools(config: Config) -> Config:
    """Return the configuration without these packages, if the app's own modules import none of them."""
    texts = " ".join(read_text(config.folder / name) for name in _FILES)
    packages = sorted({match[0].rstrip(".") for match in _PACKAGE.finditer(texts)})
    modules = ProjectModules(config.folder)
    module = modules.of_app(config.app) if packages else None
    if module is None:
        return config
    imports = (dotted for path in ImportGraph(modules, module).files for dotted, _ in read_imports(path))
    if any(map(_MODULE.match, imports)):
        return config
    without = tuple(dict.fromkeys((*config.packaging.without, *packages)))
    return replace(config, packaging=replace(config.packaging, without=without))
