"""Hosts that are added to Django's settings."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from lambent.runtime.django_hosts import allow_hosts


@pytest.mark.parametrize("hosts", [["example.com"], ("example.com",)])
def test_hosts_are_added_to_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, hosts: object) -> None:
    conf = ModuleType("django.conf")
    conf.settings = SimpleNamespace(ALLOWED_HOSTS=hosts)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "django.conf", conf)
    allow_hosts(".on.aws,.localhost")
    assert conf.settings.ALLOWED_HOSTS == ["example.com", ".on.aws", ".localhost"]


def test_an_app_without_django_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "django.conf", raising=False)
    allow_hosts(".on.aws")
    assert "django.conf" not in sys.modules
