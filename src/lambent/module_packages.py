"""Packages that provide a module, for modules whose import name differs from the package's name on PyPI.

The table lists popular packages. Its source is their own documentation.
"""

from __future__ import annotations

import shlex

_BY_MODULE = {
    "Crypto": "pycryptodome",
    "Levenshtein": "python-Levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "allauth": "django-allauth",
    "apiclient": "google-api-python-client",
    "attr": "attrs",
    "barcode": "python-barcode",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
    "captcha": "django-simple-captcha",
    "ckeditor": "django-ckeditor",
    "colorfield": "django-colorfield",
    "consul": "python-consul",
    "corsheaders": "django-cors-headers",
    "crispy_forms": "django-crispy-forms",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "debug_toolbar": "django-debug-toolbar",
    "decouple": "python-decouple",
    "django_filters": "django-filter",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "engineio": "python-engineio",
    "environ": "django-environ",
    "fasthtml": "python-fasthtml",
    "fitz": "PyMuPDF",
    "flask_cors": "Flask-Cors",
    "flask_login": "Flask-Login",
    "flask_migrate": "Flask-Migrate",
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
    "jose": "python-jose",
    "jwt": "PyJWT",
    "knox": "django-rest-knox",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "markdown": "Markdown",
    "markdownx": "django-markdownx",
    "memcache": "python-memcached",
    "mptt": "django-mptt",
    "multipart": "python-multipart",
    "mysql": "mysql-connector-python",
    "nacl": "PyNaCl",
    "oauth2_provider": "django-oauth-toolkit",
    "opensearchpy": "opensearch-py",
    "phonenumber_field": "django-phonenumber-field",
    "pkg_resources": "setuptools<81",
    "playhouse": "peewee",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pythonjsonlogger": "python-json-logger",
    "pywt": "PyWavelets",
    "rest_framework": "djangorestframework",
    "rest_framework_simplejwt": "djangorestframework-simplejwt",
    "rest_framework_swagger": "django-rest-swagger",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "socketio": "python-socketio",
    "speech_recognition": "SpeechRecognition",
    "storages": "django-storages",
    "taggit": "django-taggit",
    "telegram": "python-telegram-bot",
    "tinymce": "django-tinymce",
    "tortoise": "tortoise-orm",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "whois": "python-whois",
    "widget_tweaks": "django-widget-tweaks",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


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
