"""Rules that staff set from now on are for responses from now on: nobody is alerted about what was long read."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("feedback", "0008_closing_the_loop")]
    operations = [
        migrations.RunSQL(
            "UPDATE feedback_response SET rules_applied_at = received_at WHERE rules_applied_at IS NULL",
            migrations.RunSQL.noop,
        )
    ]
