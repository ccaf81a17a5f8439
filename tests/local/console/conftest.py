"""A browser session for the console of a running local Lambda."""

from __future__ import annotations

import pytest

from lambent.local import daemon
from support.browser import Browser
from support.local_service import Service


@pytest.fixture
def browser(service: Service) -> Browser:
    """A browser that has come with a token."""
    address = daemon.console_address(service.state)
    browser = Browser(address.partition("/?")[0])
    assert browser.get(f"/?{address.partition('?')[2]}").status == 303
    return browser
