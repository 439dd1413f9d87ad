"""Search finds words of scripts that are written without spaces wherever they stand in a comment."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import feedback.models.capturing


class Migration(migrations.Migration):
    dependencies = [("feedback", "0025_mails_are_counted_by_the_day_they_were_sent")]

    operations = [
        migrations.RemoveIndex("response", "response_search"),
        migrations.RemoveField("response", "search"),
        migrations.AddField(
            "response",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=django.contrib.postgres.search.SearchVector(
                    feedback.models.capturing.Searchable("comment"), config="simple"
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
                verbose_name="search index",
            ),
        ),
        migrations.AddIndex(
            "response",
            django.contrib.postgres.indexes.GinIndex(fastupdate=True, fields=["search"], name="response_search"),
        ),
    ]
