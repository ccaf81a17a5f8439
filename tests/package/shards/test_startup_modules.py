"""The modules that the start of an app reaches."""

from __future__ import annotations

from lambent.package.shards.import_scanner import ModuleImports, scan_imports
from lambent.package.shards.startup_modules import reachable_modules


def table(**files: str) -> dict[str, ModuleImports]:
    sources = {f"{name.replace('__', '/').replace('/init', '/__init__')}.py": text for name, text in files.items()}
    return {path: scan_imports(path, text.encode()) for path, text in sources.items()}


def test_nearest_modules_come_first_and_lazy_imports_last() -> None:
    own = table(main="import lib\nfrom lib.deep import thing")
    tables = [
        table(lib__init="from . import near", lib__near="def f():\n    import lazy, uvicorn", lib__deep="import far"),
        table(lib__unused="", lazy="", far="def f():\n    import further", further="", uvicorn="", other=""),
    ]
    expected = ["main.py", "lib/__init__.py", "lib/deep.py", "lib/near.py", "far.py", "lazy.py"]
    assert reachable_modules(own, tables, ["main"]) == expected
    assert "further.py" in reachable_modules(table(main="import lib.deep, far"), tables, ["main"])
    assert reachable_modules(own, tables, ["absent"]) == []


def test_strings_and_plugins_are_followed() -> None:
    own = table(settings="INSTALLED_APPS = ['shop']\nMIDDLEWARE = ['web.middle.Class', 'web.log', 'nothing.like.it']")
    tables = [
        table(shop__init="", shop__models="", shop__views="", web__init="", web__middle="", web__other=""),
        table(plug="", stray=""),
    ]
    plugins = [("web.plugins", "p", "plug:Plugin"), ("console_scripts", "s", "stray:main")]
    expected = {"settings.py", "shop/__init__.py", "shop/models.py", "web/__init__.py", "web/middle.py", "plug.py"}
    assert set(reachable_modules(own, tables, ["settings"], plugins)) == expected
