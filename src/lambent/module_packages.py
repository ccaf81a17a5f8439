"""Packages that provide a module, for modules whose import name differs from the package's name on PyPI.

The table lists popular packages. Its source is their own documentation.
"""

from __future__ import annotations

import shlex

_BY_MODULE = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "corsheaders": "django-cors-headers",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "debug_toolbar": "django-debug-toolbar",
    "decouple": "python-decouple",
    "django_filters": "django-filter",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "environ": "django-environ",
    "fitz": "PyMuPDF",
    "flask_cors": "Flask-Cors",
    "flask_login": "Flask-Login",
    "flask_migrate": "Flask-Migrate",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "flask_wtf": "Flask-WTF",
    "git": "GitPython",
    "google.cloud.storage": "google-cloud-storage",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "markdown": "Markdown",
    "multipart": "python-multipart",
    "nacl": "PyNaCl",
    "opensearchpy": "opensearch-py",
    "pkg_resources": "setuptools<81",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "rest_framework_simplejwt": "djangorestframework-simplejwt",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socketio": "python-socketio",
    "telegram": "python-telegram-bot",
    "usb": "pyusb",
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
