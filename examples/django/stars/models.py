from django.db import models


class Star(models.Model):
    name = models.CharField(max_length=50, unique=True)
    constellation = models.CharField(max_length=50)
    magnitude = models.FloatField(help_text="apparent; the lower, the brighter")
    light_years = models.FloatField()

    class Meta:
        ordering = ("magnitude",)

    def __str__(self) -> str:
        return self.name
