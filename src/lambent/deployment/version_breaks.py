"""Releases that broke what public apps use, and the versions before them. Pure.

An app that pins its framework and not what the framework requires gets today's releases of that, which may lack what the old
framework imports. Each row was seen with the releases of November 2026. A row names all that goes together, so that one edit
is enough, and plain requirements are corrected by it (`library/corrections.py`). Where an old release is known to lack a limit,
`package/requirements/known_limits.py` avoids the break before anything is built.
"""

from __future__ import annotations

import re

from lambent.deployment import django_breaks, science_breaks
from lambent.deployment.break_patterns import Break, Row, no_module, removed_from
from lambent.errors import LambentError


def find_break(text: str) -> Break | None:
    """Return the break that an app's traceback shows, or None. The exception stands after the frames, as in Python."""
    return next((each for patterns, each in _TABLE if re.search("|".join(patterns), text)), None)


def break_of(error: LambentError) -> Break | None:
    """Return the break that an error of the app shows, or None. In AWS's form the exception stands before the frames.

    The frames that show it may have been cut from the error's detail, but `diagnose` has put its name into the message.
    """
    heading = error.detail.partition("Traceback (most recent call last):")[0]
    named = next((each for _, each in _TABLE if error.what.startswith(each.what)), None)
    return named or find_break(f"{error.what}\n{error.detail}\n{heading}")


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
    r"set the config attribute `from_attributes=True` to use from_orm",
    r"The `field` and `config` parameters are not available in Pydantic V2",
    r"`@validator\(\.\.\., each_item=True\)` cannot be applied",
)
_SQLALCHEMY_2 = (
    r"'Engine' object has no attribute '(?:execute|table_names|has_table)'",
    r"module 'sqlalchemy' has no attribute '__all__'",
    r"Not an executable object: '",
    r"Textual SQL expression .* should be explicitly declared as text",
    r"MetaData\.__init__\(\) got an unexpected keyword argument 'bind'",
    r"Additional arguments should be named <dialectname>_<argument>, got 'autoload'",
    r"The 'sqlalchemy\.orm\.mapper\(\)' function is removed",
    r"Invalid argument\(s\) .*'(?:convert_unicode|encoding)'.* sent to create_engine",
    removed_from(r"sqlalchemy\.ext\.associationproxy", "ASSOCIATION_PROXY"),
)
_FLASK_NAMES = (
    *("_app_ctx_stack", "_request_ctx_stack", "JSONEncoder", "JSONDecoder", "Markup", "escape", "signals_available"),
    *("locked_cached_property", "_endpoint_from_view_func", "MethodViewType"),
)
_FLASK_SQLALCHEMY_3 = (
    r"flask_sqlalchemy/[\s\S]*Working outside of application context",
    r"paginate\(\) takes 1 positional argument but",
    removed_from("flask_sqlalchemy", "BaseQuery", "get_debug_queries", "_BoundDeclarativeMeta"),
)

_TABLE: tuple[Row, ...] = (
    (
        (r"werkzeug/routing[\s\S]*(?:required field \"type_ignores\" missing|types\.CodeType\(\*code_args\))",),
        Break("werkzeug before 0.15.5 doesn't work on Python 3.8 and newer", ("werkzeug>=0.15.5,<0.16",)),
    ),
    (
        (r"celery/[\s\S]*(?:from \. import async|celery\.backends\.async)[\s\S]*SyntaxError",),
        Break("celery before 4.3 doesn't work on Python 3.7 and newer", ("celery>=4.3,<5", "kombu>=4.6,<5", "vine<5")),
    ),
    (
        (r"tweepy/[\s\S]*async[\s\S]*SyntaxError",),
        Break("tweepy before 3.7 doesn't work on Python 3.7 and newer", ("tweepy>=3.7,<4",)),
    ),
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
            no_module(rf"langchain\.(?:{'|'.join(_LANGCHAIN_MODULES)})"),
            removed_from(r"langchain(?:\.\w+)*", *_LANGCHAIN_NAMES),
        ),
        Break("langchain 1 moved chains, prompts and models elsewhere", ("langchain<1", "langchain-community")),
    ),
    (
        (
            r"fasthtml/\w+\.py[\s\S]*No module named 'fastlite'",
            r"name '(?:picolink|picocss|picocondlink|picocondcss|set_pico_cls|PicoBusy)' is not defined",
            r"fasthtml/[\s\S]*name '(?:Card|Container|DialogX|Grid|Group)' is not defined",
            r"\bdatabase\(['\"][\s\S]*name 'database' is not defined",
            r"\b(?:self|db): Database\b[\s\S]*name 'Database' is not defined",
        ),
        Break("python-fasthtml 0.14 left out fastlite and Pico's components", ("python-fasthtml<0.14",)),
    ),
    (
        (r"fasthtml/[\s\S]*name 'Any' is not defined",),
        Break("this python-fasthtml doesn't work with fastlite 0.2 and starlette 1", ("fastlite<0.2", "starlette<1")),
    ),
    (
        (no_module("sqlite_minutils"),),
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
        (removed_from(r"pydantic\._internal\._typing_extra", "eval_type_backport"),),
        Break("pydantic 2.14 removed what mcp before 2 imports", ("pydantic<2.14",)),
    ),
    (
        (no_module(r"starlette\.graphql"),),
        Break("starlette 0.17 removed starlette.graphql", ("fastapi<0.71", "starlette<0.17", "graphene<3")),
    ),
    (
        (removed_from(r"starlette\.responses", "UJSONResponse"),),
        Break("starlette 0.14 removed UJSONResponse", ("fastapi<0.65", "starlette<0.14")),
    ),
    (
        (
            no_module(r"mcp\.server\.fastmcp"),
            r"'Server' object has no attribute '(?:list|call|get|read|subscribe)_\w+'",
        ),
        Break("mcp 2 renamed FastMCP, and the decorators of Server", ("mcp<2",)),
    ),
    (
        (r"`dash_bootstrap_components\.\w+` component \(version 2[\s\S]*unexpected keyword argument",),
        Break("dash-bootstrap-components 2 removed what the app passes", ("dash-bootstrap-components<2",)),
    ),
    (
        (r"was deprecated in dash-bootstrap-components version 1\.0\.0",),
        Break("dash-bootstrap-components 1 removed components that the app uses", ("dash-bootstrap-components<1", "dash<3")),
    ),
    (
        (no_module(r"openai\.error"), r"but this is no longer supported in openai>=1\.0\.0"),
        Break("openai 1 removed what the app uses", ("openai<1",)),
    ),
    (
        (r"Client\.__init__\(\) got an unexpected keyword argument '(?:proxies|app)'",),
        Break("httpx 0.28 removed an argument that the app or a package passes", ("httpx<0.28",)),
    ),
    ((r"passlib[\s\S]*password cannot be longer than 72 bytes",), Break("passlib doesn't work with bcrypt 5", ("bcrypt<5",))),
    (
        (
            removed_from(r"jinja2(?:\.\w+)?", "escape", "Markup", "soft_unicode", "autoescape", "with_", *_FILTERS),
            removed_from("itsdangerous", "json"),
        ),
        Break("jinja2 3.1, itsdangerous 2.1 and werkzeug 2.1 removed what older frameworks import", _BEFORE_FLASK_2),
    ),
    (
        (removed_from("itsdangerous", r"\w*JSONWebSignatureSerializer"),),
        Break("itsdangerous 2.1 removed its JSON signatures", ("itsdangerous<2.1",)),
    ),
    ((removed_from("markupsafe", "soft_unicode"),), Break("markupsafe 2.1 removed soft_unicode", ("markupsafe<2.1",))),
    (
        (
            removed_from("werkzeug", r"[A-Za-z]\w*"),
            removed_from(r"werkzeug\.wsgi", "DispatcherMiddleware", "SharedDataMiddleware"),
            no_module(r"werkzeug\.contrib(?:\.\w+)?"),
        ),
        Break("werkzeug 1 moved its names to modules", ("werkzeug<1", "jinja2<3.1", "itsdangerous<2.1")),
    ),
    ((removed_from(r"werkzeug\.urls", r"url_\w+"),), Break("werkzeug 3 removed its functions for URLs", ("werkzeug<3",))),
    (
        (removed_from(r"werkzeug\.routing", "parse_rule"),),
        Break("werkzeug 2.2 removed parse_rule", ("werkzeug<2.2", "flask<2.2")),
    ),
    (
        (
            removed_from(r"werkzeug(?:\.\w+)+", r"Base(?:Request|Response)", "escape", "safe_str_cmp", r"pbkdf2_\w+"),
            removed_from(r"werkzeug\.debug\.tbtools", "get_current_traceback"),
            no_module(r"werkzeug\.useragents"),
            r"'LocalStack' object has no attribute '__ident_func__'",
        ),
        Break("werkzeug 2.1 removed what older frameworks import", ("werkzeug<2.1",)),
    ),
    ((no_module(r"flask\.ext(?:\.\w+)*"),), Break("flask 1 removed flask.ext", ("flask<1",))),
    ((removed_from(r"flask(?:\.\w+)*", "safe_join"),), Break("flask 2.1 removed safe_join", ("flask<2.1", "werkzeug<2.1"))),
    (
        (r"send_file\(\) got an unexpected keyword argument '(?:attachment_filename|cache_timeout|add_etags)'",),
        Break("flask 2.2 renamed the arguments of send_file", ("flask<2.2", "werkzeug<2.1")),
    ),
    (
        (
            removed_from(r"flask(?:\.\w+)*", *_FLASK_NAMES),
            no_module(r"flask\.scaffold"),
            r"'(?:Flask|Blueprint)' object has no attribute '(?:before_(?:app_)?first_request|json_encoder|json_decoder)'",
        ),
        Break("flask 2.3 and 3 removed names that the app or an extension uses", ("flask<2.3", "werkzeug<3")),
    ),
    (
        (r"ValueError: 'name' may not contain a dot '\.' character",),
        Break("flask 2 refuses a blueprint's name that has a dot", ("flask<2", "markupsafe<2.1")),
    ),
    (_FLASK_SQLALCHEMY_3, Break("the app is written for Flask-SQLAlchemy 2", ("flask-sqlalchemy<3",))),
    (
        (removed_from("flask_migrate", "MigrateCommand"),),
        Break("Flask-Migrate 3 removed MigrateCommand", ("flask-migrate<3",)),
    ),
    (
        (r"'Babel' object has no attribute '(?:localeselector|timezoneselector)'",),
        Break("Flask-Babel 3 removed its decorators", ("flask-babel<3",)),
    ),
    (
        (
            removed_from("flask_jwt_extended", "jwt_refresh_token_required", "get_raw_jwt", "jwt_optional", r"fresh_jwt\w+"),
            r"jwt_required\.<locals>\.wrapper\(\) missing 1 required positional argument: 'fn'",
            r"'JWTManager' object has no attribute '(?:user_claims|token_in_blacklist|user_loader_callback)_loader'",
        ),
        Break("Flask-JWT-Extended 4 renamed its decorators", ("flask-jwt-extended<4",)),
    ),
    (
        (r"graphql_server/[\s\S]*cannot import name 'MutableMapping'",),
        Break("flask-graphql doesn't work with graphene 3", ("graphene<3",)),
    ),
    (
        (no_module(r"wtforms\.fields\.html5"), removed_from(r"wtforms(?:\.\w+)*", "TextField", "Required", "html5")),
        Break("WTForms 3 removed fields and validators that the app uses", ("wtforms<3",)),
    ),
    ((removed_from("flask_wtf", "Form"),), Break("Flask-WTF 1 removed Form", ("flask-wtf<1",))),
    (
        (removed_from(r"sqlalchemy\.sql\.expression", "_literal_as_text"),),
        Break("SQLAlchemy 1.4 removed what a package uses", ("sqlalchemy<1.4",)),
    ),
    (_SQLALCHEMY_2, Break("the app is written for SQLAlchemy 1", ("sqlalchemy<2",))),
    *django_breaks.TABLE,
    (
        (
            r"Field\.__init__\(\) got an unexpected keyword argument '(?:missing|default)'",
            r"module 'marshmallow' has no attribute '__version_info__'",
        ),
        Break("marshmallow 4 removed what the app or an extension uses", ("marshmallow<4",)),
    ),
    *science_breaks.TABLE,
    (
        (removed_from("networkx", "info", r"(?:to|from)_numpy_matrix", r"(?:to|from)_scipy_sparse_matrix", r"\w+_gpickle"),),
        Break("networkx 3 removed what the app uses", ("networkx<3",)),
    ),
    (
        (
            removed_from("elasticsearch", "RequestsHttpConnection"),
            r"URL must include a 'scheme', 'host', and 'port' component",
            r"NodeConfig\.__init__\(\) missing 1 required positional argument: 'scheme'",
            r"Either 'hosts' or 'cloud_id' must be specified",
            r"Elasticsearch\.__init__\(\) got an unexpected keyword argument '(?:use_ssl|port|scheme|url_prefix)'",
        ),
        Break("elasticsearch 8 takes other arguments", ("elasticsearch<8",)),
    ),
    (
        (r"'(?:DataFrame|Series)' object has no attribute '(?:append|iteritems)'",),
        Break("pandas 2 removed what the app uses", ("pandas<2",)),
    ),
    (
        (
            r"fillna\(\) got an unexpected keyword argument 'method'",
            r"argument 'delim_whitespace'",
            r"no longer supported for offsets",
        ),
        Break("pandas 3 removed what the app uses", ("pandas<3",)),
    ),
    (
        (
            removed_from(r"PIL\.Image", "ANTIALIAS", "LINEAR", "CUBIC"),
            r"'(?:FreeTypeFont|ImageFont|ImageDraw)' object has no attribute '(?:getsize|textsize|getoffset)'",
        ),
        Break("pillow 10 removed what the app or a package uses", ("pillow<10",)),
    ),
    ((r"removed in PyPDF2 3\.0\.0",), Break("PyPDF2 3 removed its old names", ("pypdf2<3",))),
    ((removed_from("tweepy", "StreamListener"),), Break("tweepy 4 removed StreamListener", ("tweepy<4",))),
    (
        (r"install connexion using the 'flask' extra",),
        Break("connexion 3 has its Flask app in an extra, and another interface", ("connexion<3",)),
    ),
    (
        (r"Limiter\.__init__\(\) got multiple values for argument 'key_func'",),
        Break("flask-limiter 3 takes key_func first", ("flask-limiter<3",)),
    ),
    ((no_module(r"celery\.task(?:\.\w+)?"),), Break("celery 5 removed celery.task", ("celery<5",))),
    ((no_module(r"moviepy\.editor"),), Break("moviepy 2 removed moviepy.editor", ("moviepy<2",))),
    (
        (removed_from(r"telegram(?:\.ext)?", "Filters", "Dispatcher", "ParseMode"),),
        Break("python-telegram-bot 20 renamed what the app uses", ("python-telegram-bot<20",)),
    ),
    (
        (removed_from("websockets", "handshake", "WebSocketCommonProtocol"),),
        Break("websockets 9 moved what this sanic imports", ("websockets<9",)),
    ),
    ((removed_from(r"pymongo\.database", "_check_name"),), Break("this mongoengine is written for pymongo 3", ("pymongo<4",))),
    (
        (r"If you meant to call the '(?:insert|save|remove|update|count|ensure_index)' method on a 'Collection' object",),
        Break("pymongo 4 removed old methods of collections", ("pymongo<4",)),
    ),
    ((removed_from(r"pymongo\.cursor", "_QUERY_OPTIONS"),), Break("this motor needs pymongo before 4.9", ("pymongo<4.9",))),
    (
        (r"jwt\.encode\(.*\n(?:.*\n)?.*'str' object has no attribute 'decode'",),
        Break("PyJWT 2 returns tokens as text", ("pyjwt<2",)),
    ),
    ((no_module(r"urllib3\.contrib\.appengine"),), Break("urllib3 2 removed what a package imports", ("urllib3<2",))),
    (
        (r"Descriptors cannot (?:not )?be created directly",),
        Break("a package was generated for protobuf 3", ("protobuf<3.21",)),
    ),
)
