"""requirements.txt and requirements.in, resolved by uv."""

from __future__ import annotations

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements import requirement_lines
from lambent.package.requirements.hash_checking import HashChecker
from lambent.package.requirements.pip_compile import CompileInput
from lambent.package.requirements.pip_lines import readable_by_uv
from lambent.package.requirements.requested import mark_requested, name_of, without_project
from lambent.package.requirements.requirement_lines import RequirementsFile, logical_lines, read_requirement_files
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.uv_resolver import UvResolver


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of a requirements file. Raises PackagingError."""
    source = request.source
    if request.options.groups or request.options.extras:
        raise PackagingError(
            f"{source.name} has no groups and no extras",
            where=source.name,
            hint="put them in pyproject.toml: [dependency-groups], [project.optional-dependencies]",
        )
    files = read_files(request)
    with readable_by_uv(files, request) as name:
        takes_previews = any(line == "--pre" for file in files for line in logical_lines(file.text))
        arguments = (name, "--prerelease=allow") if takes_previews else (name,)
        resolver = UvResolver(request, CompileInput(arguments, requirement_lines.index_lines(files)))
        # a folder above has another project, whose files aren't packed
        project = source.folder if source.folder.is_relative_to(source.project) else source.project
        pins = without_project(resolver.pins(), project)
    added = RequirementsFile(request.path, "\n".join(request.options.added))
    pins = HashChecker((*files, added), request, resolver.versions).check(pins)
    return mark_requested(pins, [*_named_requirements(files), *request.options.added], request.target)


def index_lines(request: ResolveRequest) -> tuple[str, ...]:
    """Return the lines of a request's requirements files that say where uv looks for packages."""
    return requirement_lines.index_lines(read_files(request))


def read_files(request: ResolveRequest) -> tuple[RequirementsFile, ...]:
    """Return a request's requirements files. Other sources have none."""
    if request.source.kind != "requirements.txt":
        return ()
    return read_requirement_files(request.path, request.uv.environ, request.source.name)


def _named_requirements(files: tuple[RequirementsFile, ...]) -> list[str]:
    """Return the lines that name a package, which a path or a plain URL doesn't."""
    lines = (line for file in files if not file.is_constraint for line in logical_lines(file.text))
    return [line for line in lines if name_of(line)]
