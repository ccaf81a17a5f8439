"""Releases that broke what public apps use, and the versions before them. Pure.

An app that pins its framework and not what the framework requires gets today's releases of that, which may lack what the old
framework imports. Each row was seen with the releases of November 2026. A row names all that goes together, so that one edit
is enough. Where the old release is known to lack a limit, `package/requirements/known_limits.py` avoids the break.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Break(Struct, frozen=True):
    """What a release removed, and the requirements that keep it."""

    what: str
    requirements: tuple[str, ...]


def find_break(text: str) -> Break | None:
    """Return the break that an app's traceback shows, or None. The exception stands after the frames, as in Python."""
    return next((each for patterns, each in _TABLE if re.search("|".join(patterns), text)), None)


def _removed_from(module: str, *names: str) -> str:
    """Return the pattern of an import of these names that fails. The module is a regular expression."""
    return rf"cannot import name '(?:{'|'.join(names)})' from '{module}'"


_BEFORE_FLASK_2 = ("jinja2<3.1", "itsdangerous<2.1", "werkzeug<2.1")
_FILTERS = ("contextfilter", "contextfunction", "environmentfilter", "environmentfunction", "evalcontextfilter")
_EVENTS = ("on_event", "add_event_handler", "route", "websocket_route", "exception_handler", "middleware", "add_route")
_LANGCHAIN_MODULES = (
    *("callbacks", "chains", "docstore", "document_loaders", "indexes", "llms", "memory", "prompts", "retrievers"),
    *("schema", "text_splitter", "vectorstores"),
)
_LANGCHAIN_NAMES = ("LLMChain", "PromptTemplate", r"Chat\w+", "initialize_agent", "AgentExecutor", r"OpenAI\w*")
_PYDANTIC_2 = (
    r"`BaseSettings` has been moved",
    r"PydanticImportError: `pydantic[.:]",
    r"`(?:regex|const|min_items|max_items|unique_items)` is removed",
    r"got an unexpected keyword argument '(?:regex|min_items|max_items)'",
    r"A non-annotated attribute was detected",
    r"If you use `@root_validator` with pre=False",
)

_TABLE: tuple[tuple[tuple[str, ...], Break], ...] = (
    (
        (r"TemplateResponse[\s\S]*unhashable type: 'dict'",),
        Break("starlette 1 takes the request first: TemplateResponse(request, name, context)", ("starlette<1",)),
    ),
    (
        (
            rf"'(?:Starlette|FastAPI|Router|APIRouter)' object has no attribute '(?:{'|'.join(_EVENTS)})'",
            r"(?:Starlette|Router)\.__init__\(\) got an unexpected keyword argument 'on_(?:startup|shutdown)'",
            r"Starlette\.__init__\(\) got multiple values for argument 'lifespan'",
        ),
        Break("starlette 1 removed on_event, route and other old names", ("starlette<1",)),
    ),
    (_PYDANTIC_2, Break("the app is written for pydantic 1", ("pydantic<2",))),
    (
        (
            rf"No module named 'langchain\.(?:{'|'.join(_LANGCHAIN_MODULES)})'",
            _removed_from(r"langchain(?:\.\w+)*", *_LANGCHAIN_NAMES),
        ),
        Break("langchain 1 moved chains, prompts and models elsewhere", ("langchain<1", "langchain-community<0.4")),
    ),
    (
        (
            r"fasthtml/\w+\.py[\s\S]*No module named 'fastlite'",
            r"name '(?:picolink|picocss|picocondlink|picocondcss|set_pico_cls|PicoBusy)' is not defined",
            r"fasthtml/[\s\S]*name '(?:Card|Container|DialogX|Grid|Group)' is not defined",
            r"\bdatabase\(['\"][\s\S]*name 'database' is not defined",
        ),
        Break("python-fasthtml 0.14 left out fastlite and Pico's components", ("python-fasthtml<0.14",)),
    ),
    (
        (r"fasthtml/[\s\S]*name 'Any' is not defined",),
        Break("this python-fasthtml doesn't work with fastlite 0.2 and starlette 1", ("fastlite<0.2", "starlette<1")),
    ),
    (
        (r"No module named 'sqlite_minutils'",),
        Break("this python-fasthtml doesn't work with fastlite 0.1 and starlette 1", ("fastlite<0.1", "starlette<1")),
    ),
    (
        (r"SQLAlchemy asyncio module requires that the Python 'greenlet' library is installed",),
        Break("SQLAlchemy 2.1 no longer brings greenlet, which its asyncio part needs", ("greenlet",)),
    ),
    (
        (r"sqlalchemy/dialects/postgresql/psycopg\.py[\s\S]*No module named 'psycopg'",),
        Break("SQLAlchemy 2.1 uses psycopg 3 for postgresql:// URLs, no longer psycopg2", ("sqlalchemy<2.1",)),
    ),
    (
        (_removed_from(r"pydantic\._internal\._typing_extra", "eval_type_backport"),),
        Break("pydantic 2.14 removed what mcp before 2 imports", ("pydantic<2.14",)),
    ),
    ((r"No module named 'mcp\.server\.fastmcp'",), Break("mcp 2 renamed FastMCP", ("mcp<2",))),
    (
        (r"`dash_bootstrap_components\.\w+` component \(version 2[\s\S]*unexpected keyword argument",),
        Break("dash-bootstrap-components 2 removed what the app passes", ("dash-bootstrap-components<2",)),
    ),
    ((r"No module named 'openai\.error'",), Break("openai 1 removed openai.error", ("openai<1",))),
    (
        (r"Client\.__init__\(\) got an unexpected keyword argument '(?:proxies|app)'",),
        Break("httpx 0.28 removed an argument that another package passes", ("httpx<0.28",)),
    ),
    ((r"passlib[\s\S]*password cannot be longer than 72 bytes",), Break("passlib doesn't work with bcrypt 5", ("bcrypt<5",))),
    (
        (_removed_from("jinja2", "escape", "Markup", *_FILTERS), _removed_from("itsdangerous", "json")),
        Break("jinja2 3.1, itsdangerous 2.1 and werkzeug 2.1 removed what older frameworks import", _BEFORE_FLASK_2),
    ),
    (
        (_removed_from("itsdangerous", r"\w*JSONWebSignatureSerializer"),),
        Break("itsdangerous 2.1 removed its JSON signatures", ("itsdangerous<2.1",)),
    ),
    ((_removed_from("markupsafe", "soft_unicode"),), Break("markupsafe 2.1 removed soft_unicode", ("markupsafe<2.1",))),
    (
        (_removed_from("werkzeug", "secure_filename", "cached_property", "FileStorage", r"\w+_password_hash"),),
        Break("werkzeug 1 moved its names to modules", ("werkzeug<1", "jinja2<3.1", "itsdangerous<2.1")),
    ),
    ((_removed_from(r"werkzeug\.urls", r"url_\w+"),), Break("werkzeug 3 removed its functions for URLs", ("werkzeug<3",))),
    (
        (
            _removed_from(r"werkzeug\.\w+", r"Base(?:Request|Response)", "escape", "safe_str_cmp"),
            r"'LocalStack' object has no attribute '__ident_func__'",
        ),
        Break("werkzeug 2.1 removed what older frameworks import", ("werkzeug<2.1",)),
    ),
    ((_removed_from(r"flask(?:\.\w+)*", "safe_join"),), Break("flask 2.1 removed safe_join", ("flask<2.1", "werkzeug<2.1"))),
    (
        (
            _removed_from(r"flask(?:\.\w+)*", "_app_ctx_stack", "_request_ctx_stack", "JSONEncoder", "Markup", "escape"),
            r"'Flask' object has no attribute '(?:before_first_request|json_encoder)'",
        ),
        Break("flask 2.3 and 3 removed names that the app or an extension uses", ("flask<2.3", "werkzeug<3")),
    ),
    (
        (
            r"'Engine' object has no attribute '(?:execute|table_names|has_table)'",
            r"module 'sqlalchemy' has no attribute '__all__'",
        ),
        Break("the app is written for SQLAlchemy 1", ("sqlalchemy<2",)),
    ),
    (
        (
            r"Field\.__init__\(\) got an unexpected keyword argument '(?:missing|default)'",
            r"module 'marshmallow' has no attribute '__version_info__'",
        ),
        Break("marshmallow 4 removed what the app or an extension uses", ("marshmallow<4",)),
    ),
    (
        (r"module 'numpy' has no attribute '(?:float|int|bool|object|str|complex)'",),
        Break("numpy 1.24 removed its names for Python's types", ("numpy<1.24",)),
    ),
    (
        (r"compiled using NumPy 1\.x cannot be run in", r"numpy\.(?:dtype|ufunc) size changed"),
        Break("a package was compiled for numpy 1", ("numpy<2",)),
    ),
)
