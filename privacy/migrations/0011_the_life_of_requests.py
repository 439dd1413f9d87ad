"""Notes about requests, what officers may do, and dates that nobody moves but by one extension in time."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import privacy.encryption

KEEP = """
CREATE FUNCTION privacy_keep_the_dates_of_a_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text;
BEGIN
    IF (NEW.received_at, NEW.received_on, NEW.target_on, NEW.due_on, NEW.due_extended_on) IS DISTINCT FROM
       (OLD.received_at, OLD.received_on, OLD.target_on, OLD.due_on, OLD.due_extended_on) THEN
        RAISE EXCEPTION 'the dates of a rights request are set at its receipt' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.extended_at IS DISTINCT FROM OLD.extended_at THEN
        IF OLD.extended_at IS NOT NULL THEN
            RAISE EXCEPTION 'a rights request is extended once' USING ERRCODE = 'check_violation';
        END IF;
        SELECT time_zone INTO zone FROM privacy_controller WHERE id = NEW.controller_id;
        IF (NEW.extended_at AT TIME ZONE zone)::date > NEW.due_on THEN
            RAISE EXCEPTION 'a rights request is extended before its first period ends'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rights_request_keeps_its_dates BEFORE UPDATE ON privacy_rightsrequest
FOR EACH ROW EXECUTE FUNCTION privacy_keep_the_dates_of_a_request();
"""

LET_GO = """
DROP TRIGGER rights_request_keeps_its_dates ON privacy_rightsrequest;
DROP FUNCTION privacy_keep_the_dates_of_a_request();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0010_codes_that_open_packages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="rightsrequest",
            options={
                "ordering": ["due_on", "pk"],
                "permissions": [
                    ("reveal_rightsrequest", "Can see who makes a request"),
                    ("handle_rightsrequest", "Can work on requests"),
                    ("decide_rightsrequest", "Can approve, extend and lift"),
                ],
                "verbose_name": "rights request",
                "verbose_name_plural": "rights requests",
            },
        ),
        migrations.AlterField(
            model_name="requestmessage",
            name="kind",
            field=models.CharField(
                choices=[
                    ("confirmation", "confirmation of the mailbox"),
                    ("acknowledgement", "acknowledgement of receipt"),
                    ("code", "code"),
                    ("complaint_information", "information on complaints"),
                    ("package_ready", "notice that the copy is ready"),
                    ("unlock_code", "code that opens a package"),
                    ("information_needed", "question to the person"),
                    ("extension", "notice of the extension"),
                    ("answer", "answer"),
                    ("lifting", "notice that a restriction will be lifted"),
                ],
                max_length=32,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="RequestNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", privacy.encryption.EncryptedTextField(max_length=2000, verbose_name="text")),
                ("written_at", models.DateTimeField(auto_now_add=True, verbose_name="written")),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="privacy.rightsrequest",
                        verbose_name="rights request",
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="written by",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "ordering": ["pk"],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
