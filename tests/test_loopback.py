"""Which hosts and URLs are this machine."""

from __future__ import annotations

import pytest

from lambent.loopback import is_loopback, is_loopback_url


@pytest.mark.parametrize("host", ["localhost", "a.b.localhost", "127.0.0.1", "127.9.0.1", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert is_loopback_url(f"http://{f'[{host}]' if ':' in host else host.upper()}:4580/x")


@pytest.mark.parametrize("host", ["", "localhost.example.com", "notlocalhost", "127.example.com", "10.0.0.1"])
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)
    assert not is_loopback_url(f"https://{host}/")


@pytest.mark.parametrize("url", ["", "http://[::1", "localhost:4580", "ftp://localhost/"])
def test_no_url_of_this_machine(url: str) -> None:
    assert not is_loopback_url(url)
