"""Django in one file: forms, files, JSON, cookies, streams, redirects, errors."""

import json

from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.http.ConditionalGetMiddleware"],
)

from digest import FILE, digest  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import FileResponse, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path, re_path  # noqa: E402


def echo(request, rest=""):
    return JsonResponse(
        {
            "method": request.method,
            "path": [request.path, request.path_info, rest],
            "query": list(request.GET.lists()),
            "cookies": request.COOKIES,
            "agent": request.headers.get("user-agent"),
            "type": request.content_type,
            "body": digest(request.body),
        }
    )


def form(request):
    files = [[name, file.name, file.content_type, digest(file.read())] for name, file in request.FILES.items()]
    return JsonResponse({"form": list(request.POST.lists()), "files": files})


def take_json(request):
    try:
        return JsonResponse(json.loads(request.body), safe=False)
    except ValueError as error:
        return JsonResponse({"error": type(error).__name__}, status=400)


def stream(request):
    parts = (f"part {number} ü\n" for number in range(int(request.GET.get("n", 3))))
    return StreamingHttpResponse(parts, content_type="text/plain; charset=utf-8")


def cookies(request):
    answer = HttpResponse("set")
    answer.set_cookie("a", "1", httponly=True)
    answer.set_cookie("b", "two words; and more")
    return answer


def download(request):
    return FileResponse(FILE.open("rb"), as_attachment=True, filename="tölð.txt")


def go(request):
    return HttpResponseRedirect("/há/é?a=b c")


def crash(request):
    raise ValueError("on purpose")


def empty(request):
    return HttpResponse(status=204)


urlpatterns = [
    path("form", form),
    path("json", take_json),
    path("stream", stream),
    path("cookies", cookies),
    path("download", download),
    path("go", go),
    path("crash", crash),
    path("empty", empty),
    path("slash/", echo),
    re_path(r"^(?P<rest>.*)$", echo),
]
app = get_wsgi_application()
