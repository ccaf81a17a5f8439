"""A local Lambda for one program."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.library import local_lambda
from lambent.library.local_lambda import LocalLambda


def test_an_error_names_nothing_in_a_folder_that_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(state: Path, *_: object) -> None:
        raise LocalError("it did not start", where=str(state / "service.log"), hint=f"lambent local log --state {state}")

    monkeypatch.setattr(local_lambda, "ensure_local", fail)
    with pytest.raises(LocalError) as caught, LocalLambda():
        pass
    assert (caught.value.where, caught.value.hint) == (
        "LocalLambda()",
        "pass a folder, LocalLambda(state=...), which keeps the log",
    )
    with pytest.raises(LocalError) as caught, LocalLambda(tmp_path):
        pass
    assert caught.value.hint == f"lambent local log --state {tmp_path}"
