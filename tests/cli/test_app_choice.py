"""What `lambent deploy` asks at a terminal if there are several apps, or if the app is in another folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lambent.cli.app_choice import choose_app
from lambent.config.load import Flags, load
from lambent.errors import CancelledError, DetectionError
from lambent.events import Event, Notice
from lambent.library.app_source import AppSource
from support.configs import TODAY
from support.detection import FLASK, write_project


def refusal(folder: Path) -> DetectionError:
    with pytest.raises(DetectionError) as caught:
        load(folder, Flags(), {}, TODAY)
    return caught.value


def test_one_of_several_apps_is_chosen_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_project(tmp_path / "shop", {"one.py": FLASK, "two.py": FLASK})
    monkeypatch.chdir(folder)
    events: list[Event] = []
    with CliRunner().isolation("3\n2\n") as (_, err, _):
        chosen = choose_app(AppSource(Path(), Flags()), refusal(folder), events.append, local=True)
        screen = err.getvalue().decode()
    assert (chosen.path, chosen.flags.app) == (folder, "two:app")
    assert "  2  two:app " in screen and "3 is not in the range 1<=x<=2" in screen
    assert events[-1] == Notice("without this question: lambent deploy --app two:app --local")


def test_the_app_of_another_folder_is_deployed_after_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_project(tmp_path / "shop", {"01-api/main.py": FLASK, "01-api/requirements.txt": "flask\n"})
    monkeypatch.chdir(folder)
    error = refusal(folder)
    with CliRunner().isolation("\n") as (_, err, _):
        chosen = choose_app(AppSource(Path(), Flags()), error, lambda event: None, local=False)
        assert "Deploy 01-api/? [Y/n]: " in err.getvalue().decode()
    assert (chosen.path, chosen.flags) == (folder / "01-api", Flags())
    with CliRunner().isolation("n\n"), pytest.raises(CancelledError):
        choose_app(AppSource(Path(), Flags()), error, lambda event: None, local=False)
