"""Functions that read environment variables, set them, or fail without a value. Source: what each of them raises."""

from __future__ import annotations

GET = frozenset(("os.getenv", "os.environ.get"))
TAKE = frozenset(("os.environ.pop", "os.environ.__getitem__"))
COPY = frozenset(("dict", "copy.copy", "collections.ChainMap"))
SET = frozenset(("os.environ.setdefault", "os.putenv"))

NEED_VALUE = frozenset(
    [
        *("len", "bytes", "list", "tuple", "set", "sorted", "pathlib.Path", "os.path.join", "os.path.exists"),
        *("base64.b64decode", "urllib.parse.quote_plus"),
    ]
)
"""Functions that raise an exception if an argument is None."""

NEED_TEXT = frozenset(
    [
        *("int", "float", "json.loads", "ast.literal_eval", "uuid.UUID"),
        *("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", "sqlmodel.create_engine"),
        *("dj_database_url.parse", "databases.Database", "redis.from_url", "redis.Redis.from_url", "redis.asyncio.from_url"),
        *("redis.asyncio.Redis.from_url", "cryptography.fernet.Fernet", "supabase.create_client", "stripe.StripeClient"),
        *("twilio.rest.Client", "telegram.Bot", "telebot.TeleBot", "aiogram.Bot"),
        *("linebot.LineBotApi", "linebot.WebhookHandler", "linebot.v3.WebhookHandler"),
    ]
)
"""Functions that raise one if an argument is None or empty. Of those with a name, that goes for `SECRETS`."""

SECRETS = ("token", "channel_access_token", "channel_secret")

BUILDERS = ("ApplicationBuilder().token", "Application.builder().token")
"""Methods that do so, as python-telegram-bot's documentation writes them."""

REFUSE_EMPTY = frozenset(
    [
        *("pymongo.MongoClient", "pymongo.mongo_client.MongoClient", "pymongo.AsyncMongoClient"),
        *("motor.motor_asyncio.AsyncIOMotorClient", "mongoengine.connect"),
    ]
)
"""Functions that raise one if the first argument or `host` is empty. None stands for localhost, where nothing is at a start."""

CLIENTS = {
    **dict.fromkeys(("openai.OpenAI", "openai.AsyncOpenAI"), "OPENAI_API_KEY"),
    **dict.fromkeys(("groq.Groq", "groq.AsyncGroq", "langchain_groq.ChatGroq"), "GROQ_API_KEY"),
    **dict.fromkeys(
        ("langchain_openai.ChatOpenAI", "langchain_openai.OpenAI", "langchain_openai.OpenAIEmbeddings"), "OPENAI_API_KEY"
    ),
    **dict.fromkeys(("langchain.chat_models.ChatOpenAI", "langchain.embeddings.OpenAIEmbeddings"), "OPENAI_API_KEY"),
    "langchain_anthropic.ChatAnthropic": "ANTHROPIC_API_KEY",
}
"""Classes that read a key themselves, and raise an exception if neither that nor `api_key` (`openai_api_key`) is set."""

DATABASE_CONFIG = "dj_database_url.config"
"""Reads DATABASE_URL, or the variable `env`. Without that and a `default` it returns {}, which Django takes as no database."""

NUMBERS = frozenset(("int", "float"))

SETTINGS = frozenset(("SQLALCHEMY_DATABASE_URI",))
"""Settings that a package refuses to start without, or with an empty one: Flask-SQLAlchemy."""

SIGNING = frozenset(("add_middleware", "update", "from_mapping"))
"""Methods that take a secret key: Starlette's for SessionMiddleware, Flask's of `config`."""

EXITS = frozenset(("sys.exit", "exit", "quit", "os._exit"))
EXCEPTIONS = frozenset(("KeyError", "LookupError", "Exception", "BaseException", "TypeError", "ValueError", "AttributeError"))
"""Built-in exceptions that a missing variable may raise."""
