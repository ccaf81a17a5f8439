"""Deploy an unmodified Python web app to AWS Lambda and get a working URL."""

__version__ = "0.1.0"
