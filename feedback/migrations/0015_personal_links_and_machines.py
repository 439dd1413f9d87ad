"""Machines are told from people on the pages of links, and people can unsubscribe."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0014_people_are_found_by_phone"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="invitation",
            options={
                "base_manager_name": "including_restricted",
                "permissions": [("make_personal_links", "Can make personal links")],
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
            },
        ),
        migrations.AddField(
            model_name="invitation",
            name="score_opened",
            field=models.SmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="score_opened_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="suspicion",
            field=models.CharField(
                blank=True,
                choices=[
                    ("head", "The link was checked without loading the page."),
                    ("early", "The link was opened within seconds of the e-mail being sent."),
                    ("two_scores", "Two different scores were opened within a minute."),
                    ("scanner", "A program that scans links says so in its name."),
                    ("no_input", "The page ran in a browser, but nobody touched, clicked or typed."),
                    (
                        "too_fast",
                        "It was sent within seconds, from a browser that cannot tell whether somebody pressed.",
                    ),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=10,
                verbose_name="visited by a machine",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="unsubscribed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="unsubscribed from e-mail"),
        ),
        migrations.AddField(
            model_name="respondent",
            name="unsubscribed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="unsubscribed from e-mail"),
        ),
        migrations.AddField(
            model_name="response",
            name="fingerprint",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="response",
            name="is_confirmed",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="response",
            name="suspicion",
            field=models.CharField(
                blank=True,
                choices=[
                    ("head", "The link was checked without loading the page."),
                    ("early", "The link was opened within seconds of the e-mail being sent."),
                    ("two_scores", "Two different scores were opened within a minute."),
                    ("scanner", "A program that scans links says so in its name."),
                    ("no_input", "The page ran in a browser, but nobody touched, clicked or typed."),
                    (
                        "too_fast",
                        "It was sent within seconds, from a browser that cannot tell whether somebody pressed.",
                    ),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=10,
                verbose_name="why it is suspect",
            ),
        ),
    ]
