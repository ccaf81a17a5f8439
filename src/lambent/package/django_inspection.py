# mypy: disable-error-code="import-not-found,import-untyped"
"""A program for the target's Python: reads a Django project's settings, runs its collectstatic, makes its SQLite database.

Its arguments are a copy of the project, the folder of its packages, and the file that gets the result as JSON. It runs without
lambent.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

FOLDER = "staticfiles"
"""Where the files go if the settings name no folder inside the project."""


def inspect(copy: str) -> dict[str, Any]:
    """Return what the packager needs to know of the project. Raises whatever the project's own code raises."""
    import django
    from django.conf import settings
    from django.http.request import validate_host

    django.setup()
    hosts = [str(host) for host in settings.ALLOWED_HOSTS]
    allowed = hosts or ([".localhost"] if settings.DEBUG else [])
    return {
        "debug": bool(settings.DEBUG),
        "hosts": hosts,
        "allows": bool(validate_host("lambent-check.lambda-url.us-east-1.on.aws", allowed)),
        "settings": _relative(getattr(sys.modules[settings.SETTINGS_MODULE], "__file__", ""), copy),
        "unmigrated": _unmigrated(copy),
        "uploads": _uploads(settings, copy),
        **_collect(settings, copy),
        "databases": [name for name in [_make_database(copy)] if name],
        "modules": _own_modules(copy),  # last, when everything has been imported
    }


def _own_modules(copy: str) -> list[str]:
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    return sorted(name for file in files if (name := _relative(file, copy)).endswith(".py"))


def _collect(settings: Any, copy: str) -> dict[str, Any]:
    """Run collectstatic, unless a storage would send the files `elsewhere`. `serves` says that WhiteNoise serves them.

    `error` says why it can't run: the app itself may.
    """
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not (settings.STATIC_URL or settings.STATIC_ROOT):
        return {}
    root = _relative(str(settings.STATIC_ROOT or ""), copy)
    if not root:
        root = FOLDER
        settings.STATIC_ROOT = os.path.join(copy, FOLDER)  # noqa: PTH118 - Django before 3.1 takes no Path
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import FileSystemStorage
    from django.core.management import call_command

    # Django 4 skips folders that don't exist itself
    settings.STATICFILES_DIRS = [each for each in settings.STATICFILES_DIRS if _is_folder(each)]
    try:
        if not isinstance(staticfiles_storage, FileSystemStorage):
            return {"elsewhere": staticfiles_storage.__class__.__name__}
        call_command("collectstatic", interactive=False, verbosity=0)
    except Exception as error:
        return {"error": _first_line(error)}
    serves = any("whitenoise" in name.lower() for name in settings.MIDDLEWARE)
    return {"folder": root, "url": str(settings.STATIC_URL or ""), "serves": serves}


def _is_folder(entry: Any) -> bool:
    """Return whether an entry of STATICFILES_DIRS, perhaps (prefix, path), is there: a frontend's build may not be."""
    return os.path.isdir(entry[1] if isinstance(entry, (list, tuple)) else entry)  # noqa: PTH112 - like the rest


def _make_database(copy: str) -> str:
    """Run migrate if the default database is a SQLite file in the project that isn't there. Return its path in the zip."""
    from django.core.management import call_command
    from django.db import connection

    try:
        file = str(connection.settings_dict["NAME"])
        if connection.vendor != "sqlite" or not _is_missing_file(file, copy):
            return ""
        os.makedirs(os.path.dirname(file) or ".", exist_ok=True)  # noqa: PTH103, PTH120 - git has no empty folders
        call_command("migrate", interactive=False, verbosity=0, run_syncdb=True)  # also for apps without migrations
        if "django_migrations" in connection.introspection.table_names():  # not if no app has migrations
            with connection.cursor() as cursor:  # the same bytes each time
                cursor.execute("UPDATE django_migrations SET applied = '2000-01-01 00:00:00'")
        connection.close()
    except Exception:  # the app's start or the check says why
        return ""
    return _relative(file, copy)


def _is_missing_file(name: str, copy: str) -> bool:
    """Return whether the name of a SQLite database is that of a file in the project which isn't there."""
    is_in_memory = ":memory:" in name or "mode=memory" in name
    return not is_in_memory and bool(_relative(name, copy)) and not os.path.exists(name)  # noqa: PTH110 - like the rest


def _unmigrated(copy: str) -> list[str]:
    """Return the project's own apps whose models differ from their migrations. Needs no database."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import MigrationQuestioner
    from django.db.migrations.state import ProjectState

    own = {config.label for config in apps.get_app_configs() if _relative(config.path, copy)}
    try:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        questioner = MigrationQuestioner(specified_apps=own, dry_run=True)
        detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps), questioner)
        return sorted(own & set(detector.changes(graph=loader.graph, convert_apps=own & loader.unmigrated_apps)))
    except Exception:  # a detail of a check that nothing depends on
        return []


def _uploads(settings: Any, copy: str) -> str:
    """Return the folder that uploaded files go to, "" if no model has any, or if they go somewhere that lasts (EFS, S3)."""
    from django.apps import apps
    from django.core.files.storage import FileSystemStorage, default_storage
    from django.db.models import FileField

    root = str(settings.MEDIA_ROOT or "")
    try:
        if not isinstance(default_storage, FileSystemStorage) or root.startswith("/mnt/"):
            return ""
    except Exception:  # its package is missing: the check of the app's imports says so
        return ""
    own = [config for config in apps.get_app_configs() if _relative(config.path, copy)]
    fields = (field for config in own for model in config.get_models() for field in model._meta.get_fields())
    has_files = any(isinstance(field, FileField) for field in fields)
    return (_relative(root, copy) or root or ".") if has_files else ""


def _relative(path: str, copy: str) -> str:
    """Return a path below the copy as one in the zip, "" for any other."""
    real, top = os.path.realpath(path), os.path.realpath(copy) + os.sep
    return real[len(top) :].replace(os.sep, "/") if path and real.startswith(top) else ""


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def main(copy: str, packages: str, result: str) -> None:
    root = os.environ.get("LAMBENT_ROOT")  # as in runtime/startup.py
    sys.path[:0] = [*([f"{copy}/{root}"] if root else []), copy, packages]
    os.chdir(copy)
    try:
        report = inspect(copy)
    except BaseException as error:
        report = {"error": _first_line(error), "starts": False}
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - like the rest
        json.dump(report, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
