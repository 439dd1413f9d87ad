"""The few responses whose use is restricted are found without reading all the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0027_reminders_may_be_left_out")]

    operations = [
        AddIndexConcurrently(
            model_name="response",
            index=models.Index(
                condition=models.Q(("restricted_at__isnull", False)), fields=["id"], name="response_restricted"
            ),
        ),
    ]
