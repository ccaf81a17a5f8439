"""A release that removed what an app uses is named, with the versions before it. The messages are real ones."""

from __future__ import annotations

import pytest

from lambent.aws.values import Settings
from lambent.deployment.diagnose import diagnose
from lambent.deployment.failure import Failure
from lambent.deployment.version_breaks import break_of, find_break
from lambent.errors import FunctionFailedError

SETTINGS = Settings("arn:aws:iam::123456789012:role/lambent-hello", "python3.13", "main.app", 256, 10, 512)
CASES = (
    (
        "ImproperlyConfigured: allauth.account.middleware.AccountMiddleware must be added to settings.MIDDLEWARE",
        "django-allauth<0.56",
    ),
    (
        'File "crispy_forms/utils.py", line 1\ndjango.template.exceptions.TemplateDoesNotExist: bootstrap4/uni_form.html',
        "django-crispy-forms<2",
    ),
    (
        "Could not import 'rest_framework_jwt.authentication'. cannot import name 'smart_text' from 'rest_framework.compat'",
        "djangorestframework-jwt>=1.11",
    ),
    ("TypeError: jwt_required.<locals>.wrapper() missing 1 required positional argument: 'fn'", "flask-jwt-extended<4"),
    ("AttributeError: 'JWTManager' object has no attribute 'user_claims_loader'. Did you mean", "flask-jwt-extended<4"),
    (
        "graphql_server/__init__.py\", line 2\nImportError: cannot import name 'MutableMapping' from 'collections'",
        "graphene<3",
    ),
    ("ModuleNotFoundError: No module named 'sklearn.linear_model.base'", "scikit-learn<0.24 numpy<1.24"),
    ("ValueError: node array from the pickle has an incompatible dtype:", "scikit-learn<1.3 numpy<2"),
    (
        "AttributeError: Can't get attribute '_RemainderColsList' on <module 'sklearn.compose._column_transformer'",
        "scikit-learn<1.7",
    ),
    (
        "ImportError: cannot import name 'joblib' from 'sklearn.externals' (/var/task/sklearn/externals/__init__.py)",
        "scikit-learn<0.23 numpy<1.24",
    ),
    ("TypeError: OneHotEncoder.__init__() got an unexpected keyword argument 'sparse'", "scikit-learn<1.4"),
    ("AttributeError: module 'networkx' has no attribute 'to_numpy_matrix'", "networkx<3"),
    ("ValueError: URL must include a 'scheme', 'host', and 'port' component (ie 'https://x:9200')", "elasticsearch<8"),
    ("ValueError: Either 'hosts' or 'cloud_id' must be specified", "elasticsearch<8"),
    ("ImportError: The SQLAlchemy asyncio module requires that the Python 'greenlet' library is installed.", "greenlet"),
    (
        "sqlalchemy/dialects/postgresql/psycopg.py\", line 497, in import_dbapi\nNo module named 'psycopg'",
        "sqlalchemy<2.1",
    ),
    ("AttributeError: 'Starlette' object has no attribute 'on_event'", "starlette<1"),
    ("AttributeError: 'FastAPI' object has no attribute 'add_event_handler'", "starlette<1"),
    ("TypeError: Router.__init__() got an unexpected keyword argument 'on_startup'", "starlette<1"),
    ("pydantic.errors.PydanticImportError: `BaseSettings` has been moved to the `pydantic-settings` package.", "pydantic<2"),
    ("pydantic.errors.PydanticUserError: `regex` is removed. use `pattern` instead", "pydantic<2"),
    ("TypeError: constr() got an unexpected keyword argument 'regex'", "pydantic<2"),
    ("ModuleNotFoundError: No module named 'langchain.chains'", "langchain<1 langchain-community"),
    ("ImportError: cannot import name 'LLMChain' from 'langchain' (/var/task/langchain/__init__.py)", "langchain<1"),
    (
        "ImportError: cannot import name 'eval_type_backport' from 'pydantic._internal._typing_extra' (/var/task/x.py)",
        "pydantic<2.14",
    ),
    ("TypeError: Starlette.__init__() got multiple values for argument 'lifespan'", "starlette<1"),
    ("ModuleNotFoundError: No module named 'mcp.server.fastmcp'. This is mcp 2.x", "mcp<2"),
    ("AttributeError: 'Server' object has no attribute 'list_tools'", "mcp<2"),
    ("ModuleNotFoundError: No module named 'starlette.graphql'", "fastapi<0.71 starlette<0.17 graphene<3"),
    (
        "ImportError: cannot import name 'UJSONResponse' from 'starlette.responses' (/var/task/x.py)",
        "fastapi<0.65 starlette<0.14",
    ),
    ("ImportError: cannot import name 'handshake' from 'websockets' (/var/task/x.py)", "websockets<9"),
    ("ImportError: cannot import name '_check_name' from 'pymongo.database' (/var/task/x.py)", "pymongo<4"),
    (
        "TypeError: The `dash_bootstrap_components.Navbar` component (version 2.0.4) received an unexpected keyword argument",
        "dash-bootstrap-components<2",
    ),
    ("NameError: name 'picolink' is not defined", "python-fasthtml<0.14"),
    ("    def f(self: Database): ...\nNameError: name 'Database' is not defined", "python-fasthtml<0.14"),
    ("    db = database('data/utodos.db')\nNameError: name 'database' is not defined", "python-fasthtml<0.14"),
    (
        "  File \"/var/task/fasthtml/fastapp.py\", line 79\nModuleNotFoundError: No module named 'fastlite'",
        "python-fasthtml<0.14",
    ),
    ("  File \"/var/task/fasthtml/xtend.py\", line 9\nNameError: name 'Any' is not defined", "fastlite<0.2 starlette<1"),
    ("ModuleNotFoundError: No module named 'sqlite_minutils'", "fastlite<0.1 starlette<1"),
    ("TypeError: Client.__init__() got an unexpected keyword argument 'proxies'", "httpx<0.28"),
    ("ImportError: cannot import name 'escape' from 'jinja2' (/var/task/jinja2/__init__.py)", "jinja2<3.1 itsdangerous<2.1"),
    ("ImportError: cannot import name 'json' from 'itsdangerous' (/var/task/itsdangerous/__init__.py)", "jinja2<3.1"),
    ("ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/var/task/x.py)", "markupsafe<2.1"),
    ("ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/var/task/werkzeug/urls.py)", "werkzeug<3"),
    ("AttributeError: 'LocalStack' object has no attribute '__ident_func__'", "werkzeug<2.1"),
    ("ImportError: cannot import name 'secure_filename' from 'werkzeug' (/var/task/x.py)", "werkzeug<1"),
    ("ImportError: cannot import name 'Markup' from 'flask' (/var/task/flask/__init__.py)", "flask<2.3 werkzeug<3"),
    ("AttributeError: 'Flask' object has no attribute 'before_first_request'", "flask<2.3"),
    ("ValueError: 'name' may not contain a dot '.' character.", "flask<2 markupsafe<2.1"),
    ("AttributeError: 'Engine' object has no attribute 'execute'", "sqlalchemy<2"),
    ("ImportError: cannot import name '_literal_as_text' from 'sqlalchemy.sql.expression' (x.py)", "sqlalchemy<1.4"),
    ("AttributeError: module 'marshmallow' has no attribute '__version_info__'", "marshmallow<4"),
    ("AttributeError: module 'numpy' has no attribute 'float'.", "numpy<1.24"),
    ("AttributeError: `np.float_` was removed in the NumPy 2.0 release. Use `np.float64` instead.", "numpy<2"),
    ("AttributeError: module 'jinja2' has no attribute 'Markup'", "jinja2<3.1"),
    ("AttributeError: module 'jinja2.ext' has no attribute 'autoescape'", "jinja2<3.1"),
    ("ModuleNotFoundError: No module named 'werkzeug.contrib'", "werkzeug<1"),
    ("ImportError: cannot import name 'parse_rule' from 'werkzeug.routing' (/x.py)", "werkzeug<2.2 flask<2.2"),
    ("ImportError: cannot import name 'get_current_traceback' from 'werkzeug.debug.tbtools' (/x.py)", "werkzeug<2.1"),
    ("TypeError: send_file() got an unexpected keyword argument 'attachment_filename'", "flask<2.2"),
    (
        '  File "flask_sqlalchemy/extension.py", line 6, in engine\nRuntimeError: Working outside of application context.',
        "flask-sqlalchemy<3",
    ),
    ("TypeError: Query.paginate() takes 1 positional argument but 4 were given", "flask-sqlalchemy<3"),
    ("ImportError: cannot import name 'MigrateCommand' from 'flask_migrate' (/x.py)", "flask-migrate<3"),
    ("AttributeError: 'Babel' object has no attribute 'localeselector'", "flask-babel<3"),
    ("ImportError: cannot import name 'jwt_refresh_token_required' from 'flask_jwt_extended' (/x.py)", "flask-jwt-extended<4"),
    ("ImportError: cannot import name 'TextField' from 'wtforms' (/x.py)", "wtforms<3"),
    ("ModuleNotFoundError: No module named 'wtforms.fields.html5'", "wtforms<3"),
    ("TypeError: MetaData.__init__() got an unexpected keyword argument 'bind'", "sqlalchemy<2"),
    ("TypeError: Invalid argument(s) 'convert_unicode' sent to create_engine(), using", "sqlalchemy<2"),
    ("TypeError: ForeignKey.__init__() missing 1 required positional argument: 'on_delete'", "django<2"),
    ("ImportError: cannot import name 'six' from 'django.utils' (/x.py)", "django<3"),
    ("'staticfiles' is not a registered tag library. Must be one of:", "django<3"),
    ("ImportError: cannot import name 'url' from 'django.conf.urls' (/x.py)", "django<4"),
    ("ImportError: cannot import name 'ugettext_lazy' from 'django.utils.translation' (/x.py)", "django<4"),
    ("TypeError: 'class Meta' got invalid attribute(s): index_together", "django<5.1"),
    ("AttributeError: 'DataFrame' object has no attribute 'append'", "pandas<2"),
    ("TypeError: NDFrame.fillna() got an unexpected keyword argument 'method'", "pandas<3"),
    ("ValueError: 'M' is no longer supported for offsets. Please use 'ME' instead.", "pandas<3"),
    ("AttributeError: module 'PIL.Image' has no attribute 'ANTIALIAS'", "pillow<10"),
    ("PyPDF2.errors.DeprecationError: PdfFileReader is deprecated and was removed in PyPDF2 3.0.0.", "pypdf2<3"),
    ("AttributeError: module 'tweepy' has no attribute 'StreamListener'", "tweepy<4"),
    ("ImportError: Please install connexion using the 'flask' extra", "connexion<3"),
    ("ModuleNotFoundError: No module named 'celery.task'", "celery<5"),
    ("ModuleNotFoundError: No module named 'moviepy.editor'", "moviepy<2"),
    ("If you meant to call the 'insert' method on a 'Collection' object", "pymongo<4"),
    ("ImportError: cannot import name '_QUERY_OPTIONS' from 'pymongo.cursor' (/x.py)", "pymongo<4.9"),
    ("    t = jwt.encode({}, 's').decode('utf-8')\nAttributeError: 'str' object has no attribute 'decode'", "pyjwt<2"),
    ("TypeError: Descriptors cannot be created directly.", "protobuf<3.21"),
    ("ModuleNotFoundError: No module named 'urllib3.contrib.appengine'", "urllib3<2"),
    (
        "pydantic.errors.PydanticUserError: You must set the config attribute `from_attributes=True` to use from_orm",
        "pydantic<2",
    ),
    ("You tried to access openai.ChatCompletion, but this is no longer supported in openai>=1.0.0", "openai<1"),
)
OTHERS = (
    "ImportError: cannot import name 'helper' from 'flask_helpers' (/var/task/flask_helpers.py)",
    "ModuleNotFoundError: No module named 'langchain'",
    "TypeError: unhashable type: 'dict'",
    "NameError: name 'Card' is not defined",
    "    return database.session()\nNameError: name 'database' is not defined",
    "ModuleNotFoundError: No module named 'fastlite'",
    "TypeError: Shop.__init__() got an unexpected keyword argument 'on_startup'",
    "AttributeError: module 'werkzeug' has no attribute '__version__'",
    "    name = find().decode()\nAttributeError: 'str' object has no attribute 'decode'",
    '  File "main.py", line 3, in <module>\nRuntimeError: Working outside of application context.',
)


@pytest.mark.parametrize(("message", "requirements"), CASES)
def test_release_that_broke_an_app_is_known(message: str, requirements: str) -> None:
    known = find_break(message)
    assert known is not None
    assert " ".join(known.requirements).startswith(requirements)


@pytest.mark.parametrize("message", OTHERS)
def test_other_errors_are_no_breaks(message: str) -> None:
    assert find_break(message) is None


def test_cause_has_the_place_and_all_requirements_of_one_edit() -> None:
    log = (
        "Traceback (most recent call last):\n"
        '  File "/var/task/main.py", line 12, in home\n'
        '    return templates.TemplateResponse("home.html", {"request": request})\n'
        '  File "/var/task/starlette/templating.py", line 148, in TemplateResponse\n'
        "    template = self.get_template(name)\n"
        '  File "/var/task/jinja2/utils.py", line 515, in __getitem__\n'
        "    rv = self._mapping[key]\n"
        "TypeError: unhashable type: 'dict'\n"
    )
    cause = diagnose(Failure(SETTINGS, log=log, status=500))
    assert cause.what == "starlette 1 takes the request first: TemplateResponse(request, name, context) (main.py, line 12)"
    assert cause.hint == "add starlette<1 to your requirements"
    message = "Unable to import module 'main': cannot import name 'Markup' from 'jinja2' (/var/task/jinja2/__init__.py)"
    cause = diagnose(Failure(SETTINGS, "Runtime.ImportModuleError", message, add_command="uv add {}"))
    assert cause.hint == "uv add 'jinja2<3.1' 'itsdangerous<2.1' 'werkzeug<2.1'"


def test_break_is_known_from_the_message_when_its_frames_are_cut() -> None:
    error = FunctionFailedError("django-crispy-forms 2 moved its templates to other packages (web/urls.py, line 10)")
    broken = break_of(error)
    assert broken is not None and broken.requirements == ("django-crispy-forms<2",)
