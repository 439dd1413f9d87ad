from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0006_invitations_on_a_borrowed_device")]

    operations = [
        AddIndexConcurrently(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(("borrowed_device__isnull", False)),
                fields=["borrowed_device"],
                name="invitation_on_borrowed",
            ),
        ),
    ]
