"""Flask: sessions, forms, files, streams, redirects, errors."""

from digest import FILE, digest
from flask import Flask, Response, abort, jsonify, make_response, redirect, request, send_file, url_for

app = Flask(__name__)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@app.route("/", defaults={"rest": ""}, methods=METHODS)
@app.route("/<path:rest>", methods=METHODS)
def echo(rest):
    return jsonify(
        method=request.method,
        path=request.path,
        rest=rest,
        query=list(request.args.items(multi=True)),
        raw=request.query_string.decode("latin-1"),
        cookies=request.cookies.to_dict(flat=False),
        agent=request.headers.get("user-agent"),
        body=digest(request.get_data(cache=False)),
    )


@app.post("/form")
def form():
    files = [[name, file.filename, file.content_type, digest(file.read())] for name, file in request.files.items(multi=True)]
    return jsonify(form=list(request.form.items(multi=True)), files=files)


@app.post("/json")
def json():
    return jsonify(request.get_json())


@app.get("/stream")
def stream():
    return Response((f"part {number} ü\n" for number in range(int(request.args.get("n", 3)))), mimetype="text/plain")


@app.get("/cookies")
def cookies():
    answer = make_response("set")
    answer.set_cookie("a", "1", httponly=True)
    answer.set_cookie("b", "two words; and more")
    answer.headers.add("Link", "</a>")
    answer.headers.add("Link", "</b>")
    return answer


@app.get("/download")
def download():
    # Flask's own etag depends on the folder of the file, which differs between a server and Lambda
    return send_file(FILE, as_attachment=True, download_name="tölð.txt", mimetype="text/plain", conditional=True, etag="own")


@app.get("/go")
def go():
    return redirect(url_for("echo", rest="há/é", a="b c"))


@app.get("/fail")
def fail():
    abort(418)


@app.get("/crash")
def crash():
    raise ValueError("on purpose")


@app.get("/empty")
def empty():
    return "", 204
