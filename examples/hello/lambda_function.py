from html import escape


def lambda_handler(event, context):
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/html; charset=utf-8"},
        "body": f"<!doctype html><title>hello</title><h1>Hello, {escape(name)}!</h1>\n",
    }
