from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from .models import Star


def home(request: HttpRequest) -> HttpResponse:
    stars = Star.objects.all()
    if constellation := request.GET.get("constellation"):
        stars = stars.filter(constellation=constellation)
    return render(request, "stars/home.html", {"stars": stars})


def star(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "stars/star.html", {"star": get_object_or_404(Star, name=name)})
