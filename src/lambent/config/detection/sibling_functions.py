"""The functions of a deployment file that describes several: which one is meant, and how to deploy each."""

from __future__ import annotations

from msgspec.structs import replace

from lambent import names
from lambent.config.app_name import default_name
from lambent.config.detection.declared_app import find_function
from lambent.config.detection.lambda_functions import DeclaredFunction, read_functions
from lambent.config.detection.named_app import find_named_app
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.refusals import ListedFunction, deploy_command, several_functions_error
from lambent.config.model import App
from lambent.config.project import Project
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError
from lambent.units import listing


class SiblingFunctions:
    """The functions of a project that exist. There are none unless a deployment file describes several."""

    def __init__(self, project: Project) -> None:
        self._modules, self._project = ProjectModules(project.folder), project  # modules of its own: they have other roots
        declared = read_functions(project.folder)
        several = declared if len({function.command for function in declared}) > 1 else []
        self._functions = list(filter(None, map(self._find, several)))
        self._source = several[0].source if several else ""

    def refusal(self) -> DetectionError | None:
        """Return the error that lists them, or None if there aren't several."""
        if len(self._functions) < 2:
            return None
        return several_functions_error(self._modules, self._source, self._functions)

    def with_others(self, app: App) -> App:
        """Return the app with a remark about the others, if it is one of the functions."""
        others = [function for function in self._functions if not function.app.is_same(app)]
        if not others or len(others) == len(self._functions):
            return app
        listed, first = listing([function.name for function in others]), others[0]
        remark = f"{self._source} also has {listed}, which this doesn't deploy; for {first.name}: {first.command}"
        return replace(app, remarks=(*app.remarks, remark))

    def _find(self, function: DeclaredFunction) -> ListedFunction | None:
        """Return a function with the command that deploys it alone, as its tool would: its folder of code is the zip's root."""
        app = find_function(self._modules, function)
        if app is None:
            return None
        own_folder = app.root not in self._modules.roots
        modules = ProjectModules(self._modules.folder / app.root) if own_folder else self._modules
        try:
            find_named_app(modules, Sourced(app.spec, "--app"))
        except DetectionError:
            return None
        name = names.to_app_name(f"{default_name(self._project, '').name}-{function.name}")
        return ListedFunction(function.name, app, function.triggers, deploy_command(modules.folder, app.spec, name))
