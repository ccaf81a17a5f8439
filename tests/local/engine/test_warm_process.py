"""Which modules the parent of warm starts imports."""

from __future__ import annotations

from lambent.local.engine.warm_process import WarmImports


def test_modules_are_imported_in_the_order_of_the_first_start_and_once() -> None:
    imports = WarmImports()
    imports.add(["fastapi", "json"])
    imports.add(["anyio", "fastapi"])
    assert imports.names() == ["fastapi", "json", "anyio"]


def test_package_that_starts_threads_is_left_out_as_a_whole_with_one_note() -> None:
    imports = WarmImports()
    imports.add(["numpy", "numpy.linalg", "numpydoc", "json"])
    imports.leave_out("threads numpy.linalg")
    imports.leave_out("threads numpy")
    assert imports.names() == ["numpydoc", "json"]
    assert imports.notes == ["numpy starts threads when it is imported, so each start of the app imports it"]


def test_only_the_module_that_imports_the_apps_own_files_is_left_out() -> None:
    imports = WarmImports()
    imports.add(["django", "django.conf", "django.conf.urls"])
    imports.leave_out("own django.conf")
    assert imports.names() == ["django", "django.conf.urls"]


def test_nothing_is_imported_if_too_much_is_left_out() -> None:
    imports = WarmImports()
    imports.add(["json"])
    for number in range(20):
        imports.leave_out(f"threads package{number}")
    assert imports.names() == []
