"""Emergency access of administrators, changes of staff, and the alerts about both; nobody rewrites the first two."""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# The one change of an access is that it ended; what is older than it is kept may be purged.
SEAL = """
CREATE FUNCTION privacy_refuse_to_rewrite_oversight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of emergency access and of changes of staff is append-only'
        USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER break_glass_only_ends BEFORE UPDATE ON privacy_breakglass FOR EACH ROW
WHEN (
    OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
    OR (OLD.id, OLD.user_id, OLD.reason, OLD.opened_at, OLD.expires_at)
        IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.reason, NEW.opened_at, NEW.expires_at)
)
EXECUTE FUNCTION privacy_refuse_to_rewrite_oversight();
CREATE TRIGGER break_glass_stays BEFORE DELETE ON privacy_breakglass FOR EACH ROW
WHEN (OLD.opened_at > now() - interval '24 months')
EXECUTE FUNCTION privacy_refuse_to_rewrite_oversight();
CREATE TRIGGER staff_change_is_append_only BEFORE UPDATE ON privacy_staffchange FOR EACH ROW
EXECUTE FUNCTION privacy_refuse_to_rewrite_oversight();
CREATE TRIGGER staff_change_stays BEFORE DELETE ON privacy_staffchange FOR EACH ROW
WHEN (OLD.at > now() - interval '24 months')
EXECUTE FUNCTION privacy_refuse_to_rewrite_oversight();
"""

UNSEAL = """
DROP TRIGGER break_glass_only_ends ON privacy_breakglass;
DROP TRIGGER break_glass_stays ON privacy_breakglass;
DROP TRIGGER staff_change_is_append_only ON privacy_staffchange;
DROP TRIGGER staff_change_stays ON privacy_staffchange;
DROP FUNCTION privacy_refuse_to_rewrite_oversight();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0006_purposes_of_reading_answers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="accesslogentry",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("rights_request", "to handle a rights request"),
                    ("why_not", "to see why somebody is not asked"),
                    ("suppression", "to see whether somebody is suppressed"),
                    ("emergency", "emergency access"),
                    ("identity", "to see who answered"),
                    ("comment", "to read a comment unmasked"),
                    ("history", "to see somebody's history of answers"),
                    ("follow_up", "to follow up with somebody"),
                ],
                max_length=16,
                verbose_name="purpose",
            ),
        ),
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.TextField(
                        help_text="What happened and what you need to see. Name nobody: this goes out by e-mail.",
                        max_length=1000,
                        verbose_name="reason",
                    ),
                ),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("expires_at", models.DateTimeField(verbose_name="lasts until")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "controllers",
                    models.ManyToManyField(
                        related_name="+", to="privacy.controller", verbose_name="controllers concerned"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="administrator",
                    ),
                ),
            ],
            options={
                "verbose_name": "emergency access",
                "verbose_name_plural": "emergency accesses",
                "ordering": ["-opened_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="StaffChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="time")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("made", "account made"),
                            ("roles", "roles changed"),
                            ("products", "products changed"),
                            ("password", "password set by somebody else"),
                            ("switched_on", "account switched on"),
                            ("switched_off", "account switched off"),
                        ],
                        max_length=12,
                        verbose_name="change",
                    ),
                ),
                (
                    "given",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="given",
                    ),
                ),
                (
                    "taken",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="taken",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="account",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "controllers",
                    models.ManyToManyField(
                        related_name="+", to="privacy.controller", verbose_name="controllers concerned"
                    ),
                ),
            ],
            options={
                "verbose_name": "change of staff",
                "verbose_name_plural": "changes of staff",
                "ordering": ["-at", "-pk"],
                "permissions": [("oversee_staff", "Watches over staff accounts and emergency access")],
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                (
                    "next_attempt_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="next attempt"),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                ("failed_at", models.DateTimeField(blank=True, null=True, verbose_name="given up")),
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
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
                (
                    "break_glass",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="privacy.breakglass",
                        verbose_name="emergency access",
                    ),
                ),
                (
                    "staff_change",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="privacy.staffchange",
                        verbose_name="change of staff",
                    ),
                ),
            ],
            options={
                "verbose_name": "alert",
                "verbose_name_plural": "alerts",
            },
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("user",), name="break_glass_one_at_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="break_glass_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__gt", models.F("opened_at")),
                    (
                        "expires_at__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("opened_at"), "+", models.Value(datetime.timedelta(seconds=3600))
                        ),
                    ),
                ),
                name="break_glass_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("failed_at__isnull", True), ("sent_at__isnull", True)),
                fields=["next_attempt_at"],
                name="alert_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("break_glass__isnull", True), ("staff_change__isnull", True), _connector="XOR"),
                name="alert_is_about_one_thing",
            ),
        ),
        migrations.RunSQL(SEAL, UNSEAL),
    ]
