"""Releases of Django and of its packages that broke what public apps use: rows of the table in `version_breaks.py`. Pure."""

from __future__ import annotations

from lambent.deployment.break_patterns import Break, Row, no_module, removed_from

_DJANGO_2 = (
    no_module(r"django\.core\.urlresolvers"),
    r"__init__\(\) missing 1 required positional argument: 'on_delete'",
    r"Specifying a namespace in include\(\) without providing an app_name",
)
_DJANGO_3 = (
    no_module(r"django\.utils\.six", r"django\.utils\.lru_cache", r"django\.utils\._os\.upath"),
    removed_from(r"django\.utils(?:\.\w+)?", "six", "lru_cache", "python_2_unicode_compatible", "available_attrs"),
    removed_from(r"django\.shortcuts", "render_to_response"),
    removed_from(r"django\.contrib\.staticfiles\.templatetags(?:\.\w+)?", "static"),
    no_module(r"django\.contrib\.staticfiles\.templatetags"),
    r"'(?:staticfiles|admin_static)' is not a registered tag library",
)
_DJANGO_4 = (
    removed_from(r"django\.conf\.urls", "url"),
    removed_from(r"django\.utils\.translation", r"u\w+text\w*"),
    removed_from(r"django\.utils\.encoding", "force_text", "smart_text"),
    removed_from(r"django\.utils\.http", "is_safe_url", r"urlu?n?quote\w*"),
    removed_from(r"django\.db\.models(?:\.\w+)?", "NullBooleanField"),
    removed_from(r"django\.contrib\.postgres\.fields", "JSONField"),
    r"Invalid block tag on line \d+: '(?:ifequal|ifnotequal)'",
)
_DJANGO_51 = (
    r"'class Meta' got invalid attribute\(s\): index_together",
    removed_from(r"django\.core\.files\.storage", "get_storage_class"),
    r"make_random_password'",
)

TABLE: tuple[Row, ...] = (
    (
        (r"__class__ not set defining 'AbstractBaseUser'", r"django/[\s\S]*Generator expression must be parenthesized"),
        Break("Django before 1.11.17 doesn't work on Python 3.8 and newer", ("django>=1.11.17,<2",)),
    ),
    (
        (r"rest_framework_jwt[\s\S]*cannot import name 'smart_text' from 'rest_framework\.compat'",),
        Break("djangorestframework-jwt before 1.11 is older than this djangorestframework", ("djangorestframework-jwt>=1.11",)),
    ),
    (_DJANGO_2, Break("the app is written for Django 1", ("django<2",))),
    (_DJANGO_3, Break("Django 3 removed what the app or a package uses", ("django<3",))),
    (_DJANGO_4, Break("Django 4 removed what the app or a package uses", ("django<4",))),
    (_DJANGO_51, Break("Django 5.1 removed what the app or a package uses", ("django<5.1",))),
    (
        (r"AccountMiddleware must be added to settings\.MIDDLEWARE",),
        Break("django-allauth 0.56 needs a middleware of its own", ("django-allauth<0.56",)),
    ),
    (
        (r"crispy_forms/[\s\S]*TemplateDoesNotExist: '?(?:bootstrap[34]?|uni_form)/\w+\.html",),
        Break("django-crispy-forms 2 moved its templates to other packages", ("django-crispy-forms<2",)),
    ),
)
