"""Upper limits that old releases didn't declare: with later releases of what they require, they can't be imported.

A file that pins Flask 1.1 and not what Flask requires gets today's Jinja2, with which `import flask` fails on every machine. So
a version that such a limit excludes is never taken, unless the user pins it. Each row is a failure at import, with what is
missing then. Raise the format in `lock_key.py` when a row changes. What only the app's own traceback shows is in
`deployment/version_breaks.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from lambent.package.lock import Pin


class Limit(Struct, frozen=True):
    """Releases of `name` before `before` need `required` before `limit`."""

    name: str
    before: str
    required: str
    limit: str

    @property
    def requirement(self) -> str:
        return f"{self.required}<{self.limit}"


_LIMITS = tuple(
    Limit(*row.split())
    for row in (
        "connexion 2.14 openapi-spec-validator 0.5",  # openapi_spec_validator.handlers
        "flask 2.0 jinja2 3.1",  # escape, Markup
        "flask 2.0 itsdangerous 2.1",  # json
        "flask 2.0 werkzeug 2.1",  # BaseResponse
        "flask 2.2.5 werkzeug 3.0",  # url_quote
        "openapi-schema-validator 0.5 jsonschema 4.18",  # jsonschema._utils.load_schema
        "jinja2 3.0 markupsafe 2.1",  # soft_unicode
        "flask-bcrypt 1.0 werkzeug 2.1",  # safe_str_cmp
        "flask-login 0.6 werkzeug 2.1",  # safe_str_cmp
        "flask-login 0.6.3 werkzeug 3.0",  # url_decode
        "flask-restplus 1.0 werkzeug 1.0",  # werkzeug.cached_property
        "flask-restplus 1.0 flask 2.0",  # flask.helpers._endpoint_from_view_func
        "flask-script 3.0 flask 2.0",  # flask._compat
        "flask-sqlalchemy 2.5 sqlalchemy 1.4",  # URL can't be changed any more
        "flask-sqlalchemy 3.0 sqlalchemy 2.0",  # sqlalchemy.__all__
        "flask-sqlalchemy 3.0 flask 2.3",  # _app_ctx_stack
        "flask-sqlalchemy 3.0 werkzeug 2.1",  # LocalStack.__ident_func__
        "flask-uploads 1.0 werkzeug 1.0",  # werkzeug.secure_filename
        "flask-wtf 0.14.3 werkzeug 1.0",  # werkzeug.url_encode
        "flask-wtf 1.0 werkzeug 2.1",  # safe_str_cmp
    )
)


def exceeded(pins: Iterable[Pin]) -> dict[str, Limit]:
    """Return for each package the lowest limit that its pin exceeds."""
    versions = dict(_versions(pins))
    limits: dict[str, Limit] = {}
    for each in _LIMITS:
        if not _is_exceeded(each, versions):
            continue
        lowest = limits.get(each.required)
        if lowest is None or Version(each.limit) < Version(lowest.limit):
            limits[each.required] = each
    return limits


def _versions(pins: Iterable[Pin]) -> Iterator[tuple[str, Version]]:
    for pin in pins:
        try:
            yield pin.name, Version(pin.version)
        except InvalidVersion:  # a folder or a commit may have none yet
            continue


def _is_exceeded(limit: Limit, versions: Mapping[str, Version]) -> bool:
    package, required = versions.get(limit.name), versions.get(limit.required)
    return package is not None and required is not None and package < Version(limit.before) and required >= Version(limit.limit)
