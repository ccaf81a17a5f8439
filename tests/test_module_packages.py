"""The packages that provide modules."""

from __future__ import annotations

import pytest

from lambent.module_packages import ADD, adding, known_requirement


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("yaml", "PyYAML"),
        ("web", "web.py"),  # PyPI's `web` is something else
        ("cherrypy", "cherrypy"),
        ("dash_bootstrap_components", "dash-bootstrap-components"),
        ("pyramid.config", "pyramid"),
        ("captcha.image", "captcha"),
        ("mcp.server.fastmcp", "mcp<2"),
        ("captcha.fields", "django-simple-captcha"),
        ("strawberry", "strawberry-graphql"),  # PyPI's `strawberry` is something else
        ("psycopg", "psycopg[binary]"),  # alone it needs the system's libpq
        ("graphene_django", "graphene-django"),
        ("typing_extensions", "typing-extensions"),  # packages of packages that apps import too
        ("zope.sqlalchemy", "zope.sqlalchemy"),
        ("ulid.ULID", "python-ulid"),
        ("azure.storage.blob.BlobServiceClient", "azure-storage-blob"),  # PyPI's `azure` can't be installed
        ("google.cloud.pubsub_v1", "google-cloud-pubsub"),
        ("google", ""),
        ("my_shop", ""),
    ],
)
def test_only_popular_packages_are_known(module: str, requirement: str) -> None:
    assert known_requirement(module) == requirement


def test_package_is_named_once_with_what_says_more() -> None:
    assert adding(ADD, "httpx", "mcp", "mcp<2") == "add these to your requirements, a line each: httpx mcp<2"
    assert adding("uv add {}", "mcp<2", "mcp") == "uv add 'mcp<2'"
    new_file = "put flask PyYAML and {} into a new requirements.txt, a line each"
    assert adding(new_file, "flask<2.3", "werkzeug<3") == (
        "put flask<2.3 PyYAML werkzeug<3 into a new requirements.txt, a line each"
    )
