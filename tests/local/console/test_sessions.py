"""Tokens count once, and for a while."""

from __future__ import annotations

from lambent.local.console.sessions import Sessions


def test_a_token_counts_once() -> None:
    sessions = Sessions()
    token = sessions.create_token()
    session = sessions.exchange(token)
    assert session is not None and session != token and sessions.is_open(session)
    assert sessions.exchange(token) is None
    assert not sessions.is_open(token) and not sessions.is_open("") and not sessions.is_open("é")


def test_a_token_expires() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    early, late = sessions.create_token(), sessions.create_token()
    now[0] = 599
    assert sessions.exchange(early)
    now[0] = 601
    assert sessions.exchange(late) is None


def test_tokens_that_nobody_uses_are_forgotten() -> None:
    sessions = Sessions()
    first = sessions.create_token()
    for _ in range(40):
        sessions.create_token()
    assert sessions.exchange(first) is None
