"""Scripts that import the app and start a server for it when they are imported, as run.py next to a package."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FASTAPI, FLASK, detect, write_project

IMPORT = "from shop import app\n"
LONG = f"'''Start it.'''\nimport os\n{IMPORT}app.debug = True\nport = int(os.environ.get('PORT', 80))\napp.run(port=port)\n"
RUN = "app.run(debug=True)\n"


@pytest.mark.parametrize(
    ("launcher", "package"),
    [
        (IMPORT + RUN, FLASK),
        (LONG, FLASK),
        ("import uvicorn\nfrom shop import app\nuvicorn.run(app)\n", FASTAPI),
    ],
)
def test_app_is_taken_from_where_a_launcher_imports_it(tmp_path: Path, launcher: str, package: str) -> None:
    write_project(tmp_path, {"run.py": launcher, "shop/__init__.py": package})
    assert detect(tmp_path).spec == "shop:app"


@pytest.mark.parametrize(
    "launcher",
    [
        IMPORT + "app.secret_key = 'x'\n" + RUN,
        IMPORT + "import shop.views\n" + RUN,
        "from shop import app, views\n" + RUN,
        IMPORT + "@app.route('/')\ndef home(): ...\n" + RUN,
        IMPORT + "app = print(app)\n" + RUN,
        IMPORT + "port = shop.setup()\n" + RUN,
    ],
)
def test_launcher_that_does_more_is_refused(tmp_path: Path, launcher: str) -> None:
    write_project(tmp_path, {"run.py": launcher, "shop/__init__.py": FLASK, "shop/views.py": "from shop import app\n"})
    with pytest.raises(DetectionError, match=r"run\.py starts a server at import"):
        detect(tmp_path)
