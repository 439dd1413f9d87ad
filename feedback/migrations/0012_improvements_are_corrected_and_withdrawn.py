"""Improvements that were public are corrected with a date, or withdrawn; mail that is not sent says why."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0011_rules_tag_existing_responses"),
        ("privacy", "0004_suppression"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="improvement",
            name="corrected_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="corrected"),
        ),
        migrations.AddField(
            model_name="improvement",
            name="withdrawn_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="withdrawn"),
        ),
        migrations.AddField(
            model_name="improvementmail",
            name="dropped_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("bounced", "their e-mail came back"),
                    ("no_address", "we know no e-mail address"),
                    ("may_not", "must not be contacted"),
                    ("no_permission", "did not say that they may be contacted"),
                    ("suppressed", "on the list of people who are left alone"),
                    ("same_mailbox", "shares a mailbox with somebody who gets it"),
                    ("unlinked", "no response of theirs is linked any more"),
                    ("withdrawn", "the improvement was withdrawn"),
                ],
                max_length=16,
                verbose_name="why not sent",
            ),
        ),
        migrations.AddIndex(
            model_name="improvement",
            index=models.Index(
                condition=models.Q(("published_at__isnull", False), ("withdrawn_at__isnull", True)),
                fields=["product", "-done_on", "-id"],
                name="improvement_public",
            ),
        ),
        migrations.AddConstraint(
            model_name="improvement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("corrected_at__isnull", True), ("withdrawn_at__isnull", True)),
                    ("published_at__isnull", False),
                    _connector="OR",
                ),
                name="improvement_published_before_it_is_changed",
            ),
        ),
        migrations.AddConstraint(
            model_name="improvementmail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dropped_at__isnull", True), models.Q(("dropped_why", ""), _negated=True), _connector="OR"
                ),
                name="improvement_mail_dropped_for_a_reason",
            ),
        ),
    ]
