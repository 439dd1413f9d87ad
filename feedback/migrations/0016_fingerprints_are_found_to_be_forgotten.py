from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0015_personal_links_and_machines")]

    operations = [
        AddIndexConcurrently(
            model_name="response",
            index=models.Index(
                condition=models.Q(("fingerprint__isnull", False)),
                fields=["received_at"],
                name="response_fingerprinted",
            ),
        ),
    ]
