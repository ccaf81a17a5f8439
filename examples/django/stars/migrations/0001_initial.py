from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Star",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50, unique=True)),
                ("constellation", models.CharField(max_length=50)),
                ("magnitude", models.FloatField(help_text="apparent; the lower, the brighter")),
                ("light_years", models.FloatField()),
            ],
            options={
                "ordering": ("magnitude",),
            },
        ),
    ]
