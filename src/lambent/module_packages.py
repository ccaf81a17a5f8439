"""Packages that provide a module, for modules whose import name differs from the package's name on PyPI.

The table lists popular packages. Its source is their own documentation.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

_DJANGO_APPS = """
    admin_honeypot admin_interface adminlte3 allauth anymail auditlog autoslug axes baton bootstrap3 bootstrap4 bootstrap5
    bootstrap_datepicker_plus bootstrap_modal_forms cities_light ckeditor cloudinary_storage colorfield compressor
    configurations constance crispy_forms csp dbbackup debug_toolbar el_pagination embed_video environ extra_views filer
    floppyforms formtools friendship froala_editor graphql_auth graphql_jwt grappelli guardian hcaptcha health_check hijack
    hitcount imagekit impersonate import_export ipware jalali_date jazzmin leaflet localflavor location_field loginas
    maintenance_mode markdownx mathfilters mdeditor model_utils modelcluster modeltranslation mptt multiselectfield
    nested_admin nested_inline ninja ninja_extra ninja_jwt ordered_model parler permissions_policy phonenumber_field
    polymorphic post_office push_notifications qr_code rest_auth reversion rosetta safedelete sass_processor sekizai silk
    simple_history smart_selects solo split_settings sslserver star_ratings storages taggit tagulous tailwind
    template_partials tinymce treebeard unfold uuslug view_breadcrumbs waffle webpack_loader widget_tweaks
"""
_NAMESPACES = """
    azure.ai.documentintelligence azure.ai.formrecognizer azure.ai.inference azure.ai.projects azure.ai.textanalytics
    azure.cognitiveservices.speech azure.communication.email azure.core azure.cosmos azure.data.tables azure.eventgrid
    azure.eventhub azure.functions azure.identity azure.keyvault.secrets azure.mgmt.compute azure.mgmt.resource
    azure.monitor.opentelemetry azure.search.documents azure.servicebus azure.storage.blob azure.storage.queue
    google.analytics.data google.cloud.aiplatform google.cloud.bigquery_storage google.cloud.datastore
    google.cloud.dialogflow google.cloud.documentai google.cloud.error_reporting google.cloud.kms google.cloud.language
    google.cloud.logging google.cloud.monitoring google.cloud.ndb google.cloud.pubsub google.cloud.scheduler
    google.cloud.speech google.cloud.tasks google.cloud.texttospeech google.cloud.translate google.cloud.videointelligence
    google.cloud.vision opentelemetry.exporter.otlp.proto.grpc opentelemetry.exporter.otlp.proto.http
    opentelemetry.instrumentation.fastapi opentelemetry.instrumentation.flask opentelemetry.sdk
"""
_API_VERSION = re.compile(r"_v\d\w*$")
_BY_MODULE = {
    **{name: f"django-{name.replace('_', '-')}" for name in _DJANGO_APPS.split()},
    **{name: re.sub("[._]", "-", name) for name in _NAMESPACES.split()},
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex",
    "Levenshtein": "python-Levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "actstream": "django-activity-stream",
    "admin_auto_filters": "django-admin-autocomplete-filter",
    "admin_reorder": "django-modeladmin-reorder",
    "adminsortable2": "django-admin-sortable2",
    "apiclient": "google-api-python-client",
    "argon2": "argon2-cffi",
    "ask_sdk_core": "ask-sdk-core",
    "ask_sdk_model": "ask-sdk-model",
    "attr": "attrs",
    "aws_lambda_powertools": "aws-lambda-powertools",
    "aws_xray_sdk": "aws-xray-sdk",
    "background_task": "django-background-tasks",
    "barcode": "python-barcode",
    "binance": "python-binance",
    "bootstrapform": "django-bootstrap-form",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
    "camelot": "camelot-py",
    "captcha": "django-simple-captcha",
    "captcha.audio": "captcha",
    "captcha.image": "captcha",
    "cassandra": "cassandra-driver",
    "ckeditor_uploader": "django-ckeditor",
    "consul": "python-consul",
    "cork": "bottle-cork",
    "corsheaders": "django-cors-headers",
    "crispy_bootstrap4": "crispy-bootstrap4",
    "crispy_bootstrap5": "crispy-bootstrap5",
    "crontab": "python-crontab",
    "cv2": "opencv-python-headless",
    "dal": "django-autocomplete-light",
    "dateutil": "python-dateutil",
    "decouple": "python-decouple",
    "deepgram": "deepgram-sdk",
    "discord": "discord.py",
    "dj_database_url": "dj-database-url",
    "django_comments": "django-contrib-comments",
    "django_countries": "django-countries",
    "django_extensions": "django-extensions",
    "django_filters": "django-filter",
    "django_heroku": "django-heroku",
    "django_quill": "django-quill-editor",
    "djmoney": "django-money",
    "djstripe": "dj-stripe",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "drf_extra_fields": "django-extra-fields",
    "drf_spectacular": "drf-spectacular",
    "drf_yasg": "drf-yasg",
    "easy_thumbnails": "easy-thumbnails",
    "easyaudit": "django-easy-audit",
    "engineio": "python-engineio",
    "eyed3": "eyeD3",
    "faiss": "faiss-cpu",
    "fastapi_cache": "fastapi-cache2",
    "fasthtml": "python-fasthtml",
    "ffmpeg": "ffmpeg-python",
    "finnhub": "finnhub-python",
    "firecrawl": "firecrawl-py",
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
    "flaskext.mysql": "flask-mysql",
    "fpdf": "fpdf2",
    "geventwebsocket": "gevent-websocket",
    "git": "GitPython",
    "github": "PyGithub",
    "gitlab": "python-gitlab",
    "gnupg": "python-gnupg",
    "google.ads": "google-ads",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.firestore": "google-cloud-firestore",
    "google.cloud.secretmanager": "google-cloud-secret-manager",
    "google.cloud.storage": "google-cloud-storage",
    "google.genai": "google-genai",
    "google.generativeai": "google-generativeai",
    "google.oauth2": "google-auth",
    "google.protobuf": "protobuf",
    "googleapiclient": "google-api-python-client",
    "graphql": "graphql-core",
    "gridfs": "pymongo",
    "grpc": "grpcio",
    "imblearn": "imbalanced-learn",
    "jenkins": "python-jenkins",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "kafka": "kafka-python",
    "knox": "django-rest-knox",
    "ldap": "python-ldap",
    "linebot": "line-bot-sdk",
    "magic": "python-magic",
    "mapwidgets": "django-map-widgets",
    "markdown": "Markdown",
    "markdown_it": "markdown-it-py",
    "marshmallow_sqlalchemy": "marshmallow-sqlalchemy",
    "mcp.server.fastmcp": "mcp<2",
    "memcache": "python-memcached",
    "mpl_toolkits": "matplotlib",
    "multipart": "python-multipart",
    "mysql": "mysql-connector-python",
    "nacl": "PyNaCl",
    "newsapi": "newsapi-python",
    "newspaper": "newspaper3k",
    "nio": "matrix-nio",
    "nmap": "python-nmap",
    "oauth2_provider": "django-oauth-toolkit",
    "odf": "odfpy",
    "onelogin": "python3-saml",
    "opensearchpy": "opensearch-py",
    "opentelemetry": "opentelemetry-api",
    "paho": "paho-mqtt",
    "pdfminer": "pdfminer.six",
    "pkg_resources": "setuptools<81",
    "plaid": "plaid-python",
    "playhouse": "peewee",
    "pptx": "python-pptx",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "pymysql": "PyMySQL",
    "pyrebase": "Pyrebase4",
    "pythonjsonlogger": "python-json-logger",
    "pywt": "PyWavelets",
    "rangefilter": "django-admin-rangefilter",
    "readability": "readability-lxml",
    "rest_flex_fields": "drf-flex-fields",
    "rest_framework": "djangorestframework",
    "rest_framework_api_key": "djangorestframework-api-key",
    "rest_framework_extensions": "drf-extensions",
    "rest_framework_gis": "djangorestframework-gis",
    "rest_framework_jwt": "djangorestframework-jwt",
    "rest_framework_nested": "drf-nested-routers",
    "rest_framework_simplejwt": "djangorestframework-simplejwt",
    "rest_framework_swagger": "django-rest-swagger",
    "ruamel": "ruamel.yaml",
    "saml2": "pysaml2",
    "sass": "libsass",
    "serial": "pyserial",
    "shapefile": "pyshp",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slack_bolt": "slack-bolt",
    "slack_sdk": "slack-sdk",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "snowpenguin": "django-recaptcha2",
    "social_core": "social-auth-core",
    "social_django": "social-auth-app-django",
    "socketio": "python-socketio",
    "socks": "PySocks",
    "sorl": "sorl-thumbnail",
    "speech_recognition": "SpeechRecognition",
    "spellchecker": "pyspellchecker",
    "stdnum": "python-stdnum",
    "strawberry": "strawberry-graphql",
    "strawberry_django": "strawberry-graphql-django",
    "tabula": "tabula-py",
    "talib": "TA-Lib",
    "tavily": "tavily-python",
    "telebot": "pyTelegramBotAPI",
    "telegram": "python-telegram-bot",
    "tortoise": "tortoise-orm",
    "two_factor": "django-two-factor-auth",
    "ulid": "python-ulid",
    "umap": "umap-learn",
    "usb": "pyusb",
    "wagtailmetadata": "wagtail-metadata",
    "weaviate": "weaviate-client",
    "web": "web.py",
    "websocket": "websocket-client",
    "whois": "python-whois",
    "wikipediaapi": "Wikipedia-API",
    "wtfpeewee": "wtf-peewee",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
    "zope.sqlalchemy": "zope.sqlalchemy",
}

_SAME_NAMES = """
    a2wsgi advanced_alchemy agno aio_pika aioboto3 aiocache aiofiles aiogram aiohttp aiohttp_cors aiohttp_jinja2
    aiohttp_session aiokafka aiomysql aioredis aiosmtplib aiosqlite airium alembic alpaca_trade_api alpha_vantage altair
    annotated_types anthropic anyio apiflask apify_client apig_wsgi apispec apispec_webframeworks apscheduler apsw ariadne
    arq arrow asana asgiref assemblyai astral astropy asyncmy asyncpg attrs authlib aws_requests_auth babel backtrader
    bcrypt beaker beanie blacksheep blake3 bleach blinker bokeh boltons boto bottle bottle_session bottle_sqlite
    bottle_utils braintree branca brotli cachecontrol cachelib cachetools cairosvg caldav catboost cattrs cbor2 ccxt celery
    cerberus certifi chalice chameleon channels channels_redis chardet cherrypy chess chevron chromadb ciso8601 click
    clickhouse_connect clickhouse_driver cloudinary cloudpickle cloudscraper cohere colander colorama colorlog
    confluent_kafka connexion coolname cornice crewai crispy_bootstrap3 crispy_bulma crispy_tailwind cron_descriptor
    croniter cryptography cvxpy cx_Oracle cytoolz daphne dash dash_ag_grid dash_auth dash_bootstrap_components
    dash_core_components dash_cytoscape dash_daq dash_extensions dash_html_components dash_iconify dash_leaflet
    dash_mantine_components dash_table databases dataset datasette dateparser ddgs deep_translator deepdiff deepl deform
    defusedxml dependency_injector dill dishka diskcache disnake dj_rest_auth dj_static django django_apscheduler
    django_bleach django_bootstrap5 django_browser_reload django_celery_beat django_celery_results django_ckeditor_5
    django_cleanup django_components django_cotton django_crontab django_elasticsearch_dsl django_eventstream django_fsm
    django_htmx django_jalali django_otp django_plotly_dash django_prometheus django_q django_recaptcha django_redis
    django_resized django_rq django_select2 django_summernote django_tables2 django_tenants django_unicorn
    django_user_agents django_vite django_weasyprint djongo djoser docker docx2txt docxtpl dominate dramatiq
    drf_writable_nested duckdb duckduckgo_search dynaconf e2b ebooklib ecdsa elasticsearch elasticsearch_dsl elevenlabs
    email_validator emoji environs ephem eve eventlet exa_py exceptiongroup fake_useragent faker falcon falcon_cors fastapi
    fastapi_babel fastapi_chameleon fastapi_crudrouter fastapi_csrf_protect fastapi_filter fastapi_health fastapi_injector
    fastapi_jwt_auth fastapi_limiter fastapi_login fastapi_mail fastapi_mcp fastapi_pagination fastapi_plugins
    fastapi_sessions fastapi_socketio fastapi_sqlalchemy fastapi_sso fastapi_users fastapi_users_db_sqlalchemy fastapi_utils
    fastapi_versioning fastcore fastembed fasthx fastjsonschema fastlite fastmcp fastparquet faststream fastui fcm_django
    feedgen feedparser firebase_admin flasgger flask flask_admin flask_api flask_apispec flask_appbuilder flask_apscheduler
    flask_assets flask_babel flask_basicauth flask_breadcrumbs flask_ckeditor flask_compress flask_dance flask_debugtoolbar
    flask_dropzone flask_executor flask_flatpages flask_googlemaps flask_graphql flask_gravatar flask_htmx flask_httpauth
    flask_json flask_jwt flask_mailman flask_menu flask_minify flask_moment flask_mongoengine flask_monitoringdashboard
    flask_mysqldb flask_oauthlib flask_oidc flask_openapi3 flask_paginate flask_principal flask_pydantic flask_rebar
    flask_redis flask_restplus flask_rq2 flask_script flask_seasurf flask_security flask_simplelogin flask_smorest
    flask_sock flask_sse flask_sslify flask_swagger_ui flask_talisman flask_uploads flask_user folium fsspec ftfy funcy
    fuzzywuzzy gcsfs gensim geocoder geoip2 geojson geopandas geopy gevent gino google_auth_oauthlib googlemaps googletrans
    gql gradio_client graphene graphene_django graphviz groq gspread gspread_dataframe gtts gunicorn h11 h2 h3 h5py hashids
    holidays htbuilder html2text html5lib htpy httpcore httplib2 httptools httpx httpx_oauth httpx_sse huey hug
    huggingface_hub humanfriendly humanize hvac icalendar ics idna igraph imageio imageio_ffmpeg inflect inflection influxdb
    influxdb_client injector inscriptis instaloader instructor iso8601 isodate itsdangerous jdatetime jieba jinja2
    jinja2_fragments jinja_partials jinjax jira joblib jsonpath_ng jsonpickle jsonschema jupyter_dash kombu kubernetes
    langchain langchain_anthropic langchain_chroma langchain_community langchain_core langchain_google_genai langchain_groq
    langchain_huggingface langchain_ollama langchain_openai langchain_pinecone langchain_text_splitters langdetect langfuse
    langgraph langid langserve langsmith lark ldap3 librosa lightgbm litellm litestar llama_index logfire loguru ludic lxml
    lyricsgenius lz4 mailchimp_marketing mailchimp_transactional mailersend mailjet_rest mako mammoth mangum markdown2
    markdown_it markdownify markitdown markupsafe marshmallow martor matplotlib maxminddb mcp mechanize meilisearch
    mercadopago mesa minio missingno mistletoe mistralai mistune mongoengine monsterui more_itertools motor moviepy mpld3
    mpmath msal msgpack msgspec mutagen nanodjango nanoid neo4j nest_asyncio netaddr networkx nextcord nh3 nltk
    notion_client num2words numba numpy oauth2client oauthlib odmantic ollama onnxruntime openai openpyxl oracledb orjson
    ormar packaging pandas pandas_datareader pandas_ta paramiko parsel passlib paypalrestsdk pdf2image pdfkit pdfplumber
    peewee pendulum pgvector phonenumbers piccolo piccolo_admin piccolo_api pika pinecone pint playwright plivo plotly
    plotly_express pluggy polars pony postgrest postmarker praw premailer prettytable prometheus_client
    prometheus_fastapi_instrumentator prometheus_flask_exporter prophet psutil psycopg_pool pulp punq pusher pwdlib py2neo
    pyairtable pyarrow pycountry pydantic pydantic_ai pydantic_core pydantic_settings pydash pydeck pydot pydub pyecharts
    pyee pyfcm pyfiglet pygal pygit2 pygments pygsheets pylibmc pymemcache pymilvus pymongo pymssql pymupdf pymupdf4llm
    pynamodb pyngrok pyodbc pyotp pyowm pypandoc pyparsing pypdf PyPDF2 pyperclip pypinyin pyproj pyramid pyramid_chameleon
    pyramid_debugtoolbar pyramid_jinja2 pyramid_mako pyramid_tm pystache pytesseract python_jwt python_multipart pytimeparse
    pytube pytz pyvis pywebpush pyzbar qdrant_client qrcode quart quart_auth quart_bcrypt quart_cors quart_db
    quart_jwt_extended quart_motor quart_rate_limiter quart_schema quart_wtf rapidfuzz razorpay recurring_ical_events redis
    regex replicate reportlab requests requests_aws4auth requests_html requests_ntlm requests_oauthlib requests_toolbelt
    resend rich rq rsa s3fs sanic sanic_cors sanic_ext sanic_jwt sanic_openapi schedule scipy scrapy seaborn segno selenium
    sentencepiece sendgrid sentry_sdk shapely shodan shortuuid sib_api_v3_sdk simple_salesforce simple_websocket simplejson
    simpy six skyfield slippers slowapi smart_open smolagents sniffio sortedcontainers soundfile spacy splinter spotipy
    sqids sqladmin sqlalchemy sqlalchemy_file sqlalchemy_serializer sqlalchemy_utils sqlite_utils sqlmodel sqlparse
    sse_starlette starlette starlette_admin starlette_context starlette_exporter starlette_prometheus starlette_wtf
    statsmodels stripe structlog suntime supabase svcs svglib svgwrite sympy ta tabulate taskiq telethon tenacity termcolor
    textblob textstat thefuzz tiktoken timeago tinydb tldextract tmdbsimple toml toolz tornado tqdm trafilatura transaction
    trino trio tweepy twilio twitchio typer typesense typing_extensions tzdata tzlocal ua_parser ujson unidecode urllib3
    user_agents uvicorn uvloop vaderSentiment validators vobject vonage wagtail waitress weasyprint web3 webargs webassets
    webcolors webdriver_manager webob websockets werkzeug whitenoise whoosh wikipedia wordcloud workalendar wsproto wtforms
    wtforms_sqlalchemy xarray xgboost xhtml2pdf xlrd xlsxwriter xlwt xmltodict yagmail yahooquery yfinance youtube_dl
    youtube_transcript_api yt_dlp zeep zeroconf zstandard zxcvbn
"""
_POPULAR = frozenset(_SAME_NAMES.split())
"""Popular packages whose module has their name."""
_BY_PACKAGE = {re.split(r"[<\[]", requirement)[0].lower(): requirement for requirement in _BY_MODULE.values()}


NEEDS = {
    **dict.fromkeys(("fastapi.Form", "fastapi.File", "fastapi.UploadFile"), ("python_multipart", "multipart")),
    "fastapi.security.OAuth2PasswordRequestForm": ("python_multipart", "multipart"),
    "fastapi.templating.Jinja2Templates": ("jinja2",),
    "starlette.templating.Jinja2Templates": ("jinja2",),
    "starlette.middleware.sessions.SessionMiddleware": ("itsdangerous",),
    "pydantic.EmailStr": ("email_validator",),
    "django.db.backends.mysql": ("pymysql", "MySQLdb"),
    "django.db.backends.postgresql": ("psycopg2", "psycopg"),
}
"""The modules, one of which has to be there for a name, although the name's package doesn't require them."""


ADD = "add {} to your requirements"
"""How to add a package, with {} for its requirement, if nothing is known of the project."""


def adding(command: str, *requirements: str, instead: bool = False) -> str:
    """Return how to add requirements; `command` is like `ADD`. In a command of a shell they are quoted if they have to be.

    A package is named once, with the last version or extra that is required of it. `instead` says that it takes the place of a
    line of the file.
    """
    if new_file := re.match(r"put (\S.*) and \{\} into (.*)", command):
        return f"put {' '.join(_distinct((*new_file[1].split(), *requirements)))} into {new_file[2]}"
    requirements = _distinct(requirements)
    if (file := re.match(r"add \{\} to (?!your )(.*)", command)) and (instead or any(">=" in each for each in requirements)):
        these = requirements[0] if len(requirements) == 1 else "these"
        lines = "" if len(requirements) == 1 else f", a line each: {' '.join(requirements)}"
        return f"in {file[1]}, require {these} instead{lines}"
    if not command.startswith(("add ", "put ", "require ")):
        return command.format(shlex.join(requirements))
    if len(requirements) == 1:
        return command.format(requirements[0])
    return f"{command.format('these')}, a line each: {' '.join(requirements)}"


def package_of(requirement: str) -> str:
    """Return the package of a requirement in lower case: "psycopg" for "psycopg[binary]<4"."""
    return re.split(r"[<=>~!\[]", requirement)[0].lower()


def _distinct(requirements: Iterable[str]) -> tuple[str, ...]:
    distinct: dict[str, str] = {}
    for requirement in requirements:
        name = package_of(requirement)
        if name not in distinct or requirement.lower() != name:
            distinct[name] = requirement
    return tuple(distinct.values())


def requirement_for(module: str) -> str:
    """Return the line for requirements.txt that provides a module ("yaml" -> "PyYAML", "httpx" -> "httpx")."""
    return _tabulated(module) or module.partition(".")[0].replace("_", "-")


def _tabulated(module: str) -> str:
    """Return the requirement of the longest part of a module's name that the table has, or ""."""
    parts = module.split(".")
    return next(filter(None, (_of_part(".".join(parts[:length])) for length in range(len(parts), 0, -1))), "")


def _of_part(name: str) -> str:
    return _BY_MODULE.get(name) or _BY_MODULE.get(_API_VERSION.sub("", name), "")


def requirement_for_part(module: str) -> str:
    """Return the package of a part of a namespace ("google.genai" -> "google-genai"), or "" if we know none."""
    return _of_part(module) if "." in module else ""


def known_requirement(module: str) -> str:
    """Return the popular package that provides a module, or "" for one that isn't known."""
    return _tabulated(module) or (requirement_for(module) if module.partition(".")[0] in _POPULAR else "")


def package_in_text(name: str) -> str:
    """Return the popular package that a message calls by its own name or its module's ("Pillow", "PIL"), or ""."""
    lower = name.lower()
    modules = (name.replace("-", "_"), lower.replace("-", "_"))
    return next(filter(None, map(known_requirement, modules)), "") or _BY_PACKAGE.get(lower.replace("_", "-"), "")
