"""Search finds words without regard to accents, and the work list counts what waits without reading everything."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import feedback.models.capturing


class Migration(migrations.Migration):
    dependencies = [("feedback", "0012_improvements_are_corrected_and_withdrawn")]

    operations = [
        migrations.RemoveIndex("response", "response_search"),
        migrations.RemoveField("response", "search"),
        migrations.AddField(
            "response",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=django.contrib.postgres.search.SearchVector(
                    feedback.models.capturing.Folded("comment"), config="simple"
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "response",
            django.contrib.postgres.indexes.GinIndex(fastupdate=True, fields=["search"], name="response_search"),
        ),
        migrations.AddIndex(
            "response",
            models.Index(fields=["product", "triage", "-answered_at", "-id"], name="response_triaged"),
        ),
        migrations.AddIndex(
            "response",
            models.Index(
                condition=models.Q(("is_suspect", True)),
                fields=["product", "-answered_at", "-id"],
                name="response_suspect",
            ),
        ),
        migrations.AddIndex(
            "response",
            models.Index(
                condition=models.Q(("contact_permission", True)),
                fields=["product", "band", "-answered_at", "-id"],
                name="response_for_follow_up",
            ),
        ),
        migrations.AddIndex(
            "response",
            models.Index(
                condition=models.Q(("excluded_at__isnull", False)),
                fields=["product", "-answered_at", "-id"],
                name="response_excluded",
            ),
        ),
    ]
