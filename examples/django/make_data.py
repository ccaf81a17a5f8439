"""Makes stars.db: Django's own tables, and the stars. The site itself only reads it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

STARS = [
    ("Sirius", "Canis Major", -1.46, 8.6),
    ("Canopus", "Carina", -0.74, 310),
    ("Arcturus", "Boötes", -0.05, 36.7),
    ("Vega", "Lyra", 0.03, 25),
    ("Capella", "Auriga", 0.08, 42.9),
    ("Rigel", "Orion", 0.13, 863),
    ("Procyon", "Canis Minor", 0.34, 11.5),
    ("Betelgeuse", "Orion", 0.5, 548),
    ("Altair", "Aquila", 0.76, 16.7),
    ("Aldebaran", "Taurus", 0.86, 65.3),
    ("Spica", "Virgo", 0.97, 250),
    ("Antares", "Scorpius", 1.09, 550),
]


def make(path: Path) -> None:
    """Writes the database, replacing an earlier one."""
    path.unlink(missing_ok=True)
    os.environ["DATABASE"] = str(path)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder
    from stars.models import Star

    call_command("migrate", verbosity=0)
    # The day of the run would make each run's file another one.
    MigrationRecorder(connection).migration_qs.update(applied=datetime(2026, 1, 1, tzinfo=UTC))
    fields = ("name", "constellation", "magnitude", "light_years")
    Star.objects.bulk_create(Star(**dict(zip(fields, row, strict=True))) for row in STARS)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("stars.db"))
