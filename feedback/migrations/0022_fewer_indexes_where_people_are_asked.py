"""Asking somebody writes fewer indexes and locks fewer rows.

Each step is a transaction of its own, and gives up rather than hold up everybody who is asked behind a long report.
What is done already is passed over when it is run again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("feedback", "0021_how_soon_people_are_contacted"),
        ("privacy", "0014_server_keys_read_nothing"),
        ("surveys", "0007_surveys_may_allow_a_reminder"),
    ]

    operations = [
        migrations.RunSQL("SET lock_timeout = '5s'", "RESET lock_timeout"),
        migrations.AlterField(
            model_name="invitation",
            name="product",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="privacy.product",
                verbose_name="product",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="respondent",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invitations",
                to="feedback.respondent",
                verbose_name="respondent",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="survey",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="surveys.survey",
                verbose_name="survey",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="surveys.surveyversion",
                verbose_name="version",
            ),
        ),
        migrations.AlterField(
            model_name="respondent",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="privacy.product",
                verbose_name="product",
            ),
        ),
        # Whoever is asked gets a new version of their row: with room for it on the same page no index is written.
        migrations.RunSQL(
            "ALTER TABLE feedback_respondent SET (fillfactor = 90)",
            "ALTER TABLE feedback_respondent RESET (fillfactor)",
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = '5s'"),
    ]
