"""Functions of SAM's templates and serverless.yml that are servers: images, and scripts for the Lambda Web Adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath

from msgspec import Struct

from lambent.config.detection.function_files import SERVERLESS, is_code_elsewhere, read_service, read_template, template_names
from lambent.config.detection.yaml_mappings import mapping_at, text_at


class ServerFunction(Struct, frozen=True):
    """The folder of a server below the project, and the file in it that starts the server: a Dockerfile or a shell script."""

    folder: str
    file: str

    @property
    def is_script(self) -> bool:
        return self.file.endswith(".sh")

    @property
    def source(self) -> str:
        return normpath(f"{self.folder}/{self.file}")


def find_server_function(folder: Path) -> ServerFunction | None:
    """Return the only server that the templates of a project have, None if there are several."""
    servers = {each for read in (_sam_servers, _serverless_images) for each in read(folder)}
    inner = [each for each in servers if not each.source.startswith(("..", "/")) and (folder / each.source).is_file()]
    return inner[0] if len(servers) == len(inner) == 1 else None


def _sam_servers(folder: Path) -> Iterator[ServerFunction]:
    """Yield the servers of SAM's templates, of one in a folder those with code elsewhere."""
    for name in template_names(folder):
        template, base = read_template(folder, name), dirname(name)
        shared = mapping_at(template, "Globals", "Function")
        for resource in mapping_at(template, "Resources").values():
            if text_at(resource, "Type") != "AWS::Serverless::Function":
                continue
            properties, metadata = {**shared, **mapping_at(resource, "Properties")}, mapping_at(resource, "Metadata")
            context, handler = text_at(metadata, "DockerContext"), text_at(properties, "Handler")
            code = normpath(join(base, context or text_at(properties, "CodeUri") or "."))
            if not is_code_elsewhere(name, code):
                continue
            if context:
                yield ServerFunction(code, text_at(metadata, "Dockerfile") or "Dockerfile")
            elif handler.endswith(".sh"):
                yield ServerFunction(code, handler)


def _serverless_images(folder: Path) -> Iterator[ServerFunction]:
    for name in SERVERLESS:
        service = read_service(folder, name)
        for image in mapping_at(service, "provider", "ecr", "images").values():
            if path := text_at(image, "path"):
                yield ServerFunction(normpath(path), text_at(image, "file") or "Dockerfile")
