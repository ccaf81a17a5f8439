"""Packages that provide a module, for modules whose import name differs from the package's name on PyPI.

The table lists popular packages. Its source is their own documentation.
"""

from __future__ import annotations

import shlex

_BY_MODULE = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "Levenshtein": "python-Levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "allauth": "django-allauth",
    "apiclient": "google-api-python-client",
    "ask_sdk_core": "ask-sdk-core",
    "ask_sdk_model": "ask-sdk-model",
    "attr": "attrs",
    "aws_lambda_powertools": "aws-lambda-powertools",
    "barcode": "python-barcode",
    "bootstrap4": "django-bootstrap4",
    "bootstrap5": "django-bootstrap5",
    "bootstrap_datepicker_plus": "django-bootstrap-datepicker-plus",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
    "captcha": "django-simple-captcha",
    "captcha.audio": "captcha",
    "captcha.image": "captcha",
    "ckeditor": "django-ckeditor",
    "cloudinary_storage": "django-cloudinary-storage",
    "colorfield": "django-colorfield",
    "consul": "python-consul",
    "corsheaders": "django-cors-headers",
    "crispy_bootstrap4": "crispy-bootstrap4",
    "crispy_bootstrap5": "crispy-bootstrap5",
    "crispy_forms": "django-crispy-forms",
    "cv2": "opencv-python-headless",
    "dal": "django-autocomplete-light",
    "dateutil": "python-dateutil",
    "debug_toolbar": "django-debug-toolbar",
    "decouple": "python-decouple",
    "dj_database_url": "dj-database-url",
    "django_countries": "django-countries",
    "django_extensions": "django-extensions",
    "django_filters": "django-filter",
    "django_heroku": "django-heroku",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "drf_spectacular": "drf-spectacular",
    "drf_yasg": "drf-yasg",
    "easy_thumbnails": "easy-thumbnails",
    "engineio": "python-engineio",
    "environ": "django-environ",
    "faiss": "faiss-cpu",
    "fasthtml": "python-fasthtml",
    "fitz": "PyMuPDF",
    "flask_ask": "Flask-Ask",
    "flask_bcrypt": "Flask-Bcrypt",
    "flask_bootstrap": "Flask-Bootstrap",
    "flask_caching": "Flask-Caching",
    "flask_cors": "Flask-Cors",
    "flask_jwt_extended": "Flask-JWT-Extended",
    "flask_limiter": "Flask-Limiter",
    "flask_login": "Flask-Login",
    "flask_mail": "Flask-Mail",
    "flask_marshmallow": "flask-marshmallow",
    "flask_migrate": "Flask-Migrate",
    "flask_pymongo": "Flask-PyMongo",
    "flask_restful": "Flask-RESTful",
    "flask_restx": "flask-restx",
    "flask_session": "Flask-Session",
    "flask_socketio": "Flask-SocketIO",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "flask_wtf": "Flask-WTF",
    "fpdf": "fpdf2",
    "git": "GitPython",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.firestore": "google-cloud-firestore",
    "google.cloud.storage": "google-cloud-storage",
    "google.genai": "google-genai",
    "google.generativeai": "google-generativeai",
    "google.oauth2": "google-auth",
    "google.protobuf": "protobuf",
    "googleapiclient": "google-api-python-client",
    "gridfs": "pymongo",
    "grpc": "grpcio",
    "import_export": "django-import-export",
    "jazzmin": "django-jazzmin",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "kafka": "kafka-python",
    "knox": "django-rest-knox",
    "ldap": "python-ldap",
    "linebot": "line-bot-sdk",
    "magic": "python-magic",
    "markdown": "Markdown",
    "markdown_it": "markdown-it-py",
    "markdownx": "django-markdownx",
    "marshmallow_sqlalchemy": "marshmallow-sqlalchemy",
    "mathfilters": "django-mathfilters",
    "memcache": "python-memcached",
    "mptt": "django-mptt",
    "multipart": "python-multipart",
    "mysql": "mysql-connector-python",
    "nacl": "PyNaCl",
    "newspaper": "newspaper3k",
    "ninja": "django-ninja",
    "oauth2_provider": "django-oauth-toolkit",
    "opensearchpy": "opensearch-py",
    "paho": "paho-mqtt",
    "phonenumber_field": "django-phonenumber-field",
    "pkg_resources": "setuptools<81",
    "playhouse": "peewee",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pymysql": "PyMySQL",
    "pythonjsonlogger": "python-json-logger",
    "pywt": "PyWavelets",
    "rest_framework": "djangorestframework",
    "rest_framework_simplejwt": "djangorestframework-simplejwt",
    "rest_framework_swagger": "django-rest-swagger",
    "serial": "pyserial",
    "simple_history": "django-simple-history",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slack_bolt": "slack-bolt",
    "slack_sdk": "slack-sdk",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "social_django": "social-auth-app-django",
    "socketio": "python-socketio",
    "speech_recognition": "SpeechRecognition",
    "sslserver": "django-sslserver",
    "storages": "django-storages",
    "taggit": "django-taggit",
    "telebot": "pyTelegramBotAPI",
    "telegram": "python-telegram-bot",
    "tinymce": "django-tinymce",
    "tortoise": "tortoise-orm",
    "usb": "pyusb",
    "web": "web.py",
    "websocket": "websocket-client",
    "whois": "python-whois",
    "widget_tweaks": "django-widget-tweaks",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}

_SAME_NAMES = """
    aiofiles aiohttp aiomysql aiosqlite alembic altair anthropic apiflask apig_wsgi apscheduler arrow asgiref
    astropy asyncpg attrs authlib babel bcrypt beanie bleach blinker bokeh boltons bottle brotli cachetools ccxt
    celery cerberus certifi chalice chardet cherrypy chevron chromadb click cloudinary cloudscraper cohere colorama
    colorlog connexion cryptography dash dash_bootstrap_components dash_core_components dash_daq
    dash_html_components dash_table databases dataset datasette dateparser deep_translator django djoser dominate
    duckdb duckduckgo_search dynaconf ebooklib email_validator emoji environs eve fake_useragent falcon fastapi
    fastapi_mail fastapi_pagination fastapi_users fastmcp feedgen feedparser firebase_admin flasgger flask
    flask_admin flask_apscheduler flask_assets flask_babel flask_compress flask_dance flask_debugtoolbar
    flask_httpauth flask_jwt flask_minify flask_moment flask_mongoengine flask_mysqldb flask_oauthlib flask_paginate
    flask_principal flask_pydantic flask_script flask_seasurf flask_security flask_smorest flask_swagger_ui
    flask_talisman flask_uploads folium fuzzywuzzy geocoder geopandas geopy gevent googlemaps googletrans graphene
    groq gspread gtts gunicorn h5py hashids html5lib httpx hug humanize icalendar ics idna imageio inflection
    instaloader isodate itsdangerous jinja2 joblib jsonschema kombu langchain langchain_community langchain_core
    langchain_google_genai langchain_groq langchain_openai langdetect langgraph lark lightgbm litestar loguru lxml
    mako mangum markdown2 markdown_it markupsafe marshmallow matplotlib mcp mistralai mistune mongoengine motor
    networkx nltk numpy oauth2client odmantic ollama onnxruntime openai openpyxl orjson packaging pandas parsel
    passlib pdfplumber peewee pendulum phonenumbers pika pinecone plotly polars pony praw prettytable psutil psycopg
    psycopg_pool pycountry pydantic pydantic_settings pydeck pyfiglet pygments pymongo pynamodb pyngrok pyotp
    pypandoc pyparsing pypdf PyPDF2 pyperclip pyproj pyramid pyramid_chameleon pyramid_jinja2 pyramid_tm pystache
    python_multipart pytube pytz pywebpush qrcode quart rapidfuzz redis regex reportlab requests requests_oauthlib
    rich rq sanic schedule scipy scrapy seaborn selenium sendgrid sentry_sdk shapely simplejson slowapi spacy
    splinter spotipy sqladmin sqlalchemy sqlalchemy_utils sqlmodel sqlparse sse_starlette starlette statsmodels strawberry
    stripe structlog supabase svgwrite sympy tabulate tenacity textblob textstat thefuzz tiktoken tinydb tldextract
    toml tornado tqdm trafilatura tweepy twilio typer tzdata tzlocal ujson unidecode urllib3 uvicorn validators
    vobject waitress weasyprint web3 webargs webob websockets werkzeug whitenoise whoosh wikipedia wordcloud wtforms
    xarray xgboost xhtml2pdf xlrd xlsxwriter xlwt xmltodict yfinance youtube_transcript_api yt_dlp zeep zstandard
"""
_POPULAR = frozenset(_SAME_NAMES.split())
"""Popular packages whose module has their name."""


NEEDS = {
    **dict.fromkeys(("fastapi.Form", "fastapi.File", "fastapi.UploadFile"), ("python_multipart", "multipart")),
    "fastapi.security.OAuth2PasswordRequestForm": ("python_multipart", "multipart"),
    "fastapi.templating.Jinja2Templates": ("jinja2",),
    "starlette.templating.Jinja2Templates": ("jinja2",),
    "starlette.middleware.sessions.SessionMiddleware": ("itsdangerous",),
    "pydantic.EmailStr": ("email_validator",),
    "django.db.backends.postgresql": ("psycopg2", "psycopg"),
}
"""The modules, one of which has to be there for a name, although the name's package doesn't require them."""


ADD = "add {} to your requirements"
"""How to add a package, with {} for its requirement, if nothing is known of the project."""


def adding(command: str, *requirements: str) -> str:
    """Return how to add requirements; `command` is like `ADD`. In a command of a shell they are quoted if they have to be."""
    if not command.startswith(("add ", "put ", "require ")):
        return command.format(shlex.join(requirements))
    if len(requirements) == 1:
        return command.format(requirements[0])
    return f"{command.format('these')}, a line each: {' '.join(requirements)}"


def requirement_for(module: str) -> str:
    """Return the line for requirements.txt that provides a module ("yaml" -> "PyYAML", "httpx" -> "httpx")."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        requirement = _BY_MODULE.get(".".join(parts[:length]))
        if requirement:
            return requirement
    return parts[0].replace("_", "-")


def requirement_for_part(module: str) -> str:
    """Return the package of a part of a namespace ("google.genai" -> "google-genai"), or "" if we know none."""
    return _BY_MODULE.get(module, "") if "." in module else ""


def known_requirement(module: str) -> str:
    """Return the popular package that provides a module, or "" for one that isn't known."""
    parts = module.split(".")
    is_known = parts[0] in _POPULAR or any(".".join(parts[:length]) in _BY_MODULE for length in range(1, len(parts) + 1))
    return requirement_for(module) if is_known else ""
