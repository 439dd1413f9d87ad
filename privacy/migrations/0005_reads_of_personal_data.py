"""Who among the staff read whose data: added to, and neither changed nor shortened before its time."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Whoever may write rows could otherwise also take back that they looked; what is older than it is kept may be purged.
SEAL = """
CREATE FUNCTION privacy_refuse_to_rewrite_the_access_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '24 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the log of reads is append-only' USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER access_log_is_append_only BEFORE UPDATE OR DELETE ON privacy_accesslogentry
FOR EACH ROW EXECUTE FUNCTION privacy_refuse_to_rewrite_the_access_log();
"""

UNSEAL = """
DROP TRIGGER access_log_is_append_only ON privacy_accesslogentry;
DROP FUNCTION privacy_refuse_to_rewrite_the_access_log();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0004_suppression"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessLogEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="time")),
                ("record_kind", models.CharField(max_length=64, verbose_name="kind of record")),
                ("record_number", models.BigIntegerField(blank=True, null=True, verbose_name="number of the record")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("rights_request", "to handle a rights request"),
                            ("why_not", "to see why somebody is not asked"),
                            ("suppression", "to see whether somebody is suppressed"),
                        ],
                        max_length=16,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "controller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="privacy.controller",
                        verbose_name="controller",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="privacy.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "read of personal data",
                "verbose_name_plural": "reads of personal data",
                "ordering": ["-at", "-pk"],
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="access_log_newest"),
                    models.Index(fields=["record_kind", "record_number"], name="access_log_of_record"),
                ],
            },
        ),
        migrations.RunSQL(SEAL, UNSEAL),
    ]
