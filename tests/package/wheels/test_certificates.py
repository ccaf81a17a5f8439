"""Registries that use TLS with an authority of their own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.target import Target
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
from support.registry import Registry, lock, serving

TARGET = Target("3.13", "x86_64", (2, 34))


@pytest.fixture
def registry(certificate: Path) -> Iterator[Registry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(tls=context) as registry:
        yield registry


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    return FetchContext(tmp_path / "cache", {"HOME": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_authority_of_the_user_is_trusted(registry: Registry, context: FetchContext, certificate: Path, name: str) -> None:
    pin = registry.offer()
    assert pin.wheels[0].url.startswith("https://")
    assert fetch(lock(pin), TARGET, replace(context, environ={**context.environ, name: str(certificate)}))


def test_unknown_authority_is_reported_without_retries(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    with pytest.raises(PackagingError) as raised:
        fetch(lock(pin), TARGET, context)
    error = raised.value
    assert error.what == (f"demo 1.0: the certificate of localhost:{registry.port} is not trusted: self-signed certificate")
    assert "SSL_CERT_FILE" in error.hint
    assert not registry.requests


def test_insecure_host_is_not_verified(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    insecure = {"UV_INSECURE_HOST": "example.org localhost"}
    assert fetch(lock(pin), TARGET, replace(context, environ={**context.environ, **insecure}))


def test_missing_certificate_bundle_is_reported(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    with pytest.raises(PackagingError, match="cannot read the certificates") as raised:
        fetch(lock(pin), TARGET, replace(context, environ={"SSL_CERT_FILE": "/nowhere.pem"}))
    assert raised.value.where == "SSL_CERT_FILE"
