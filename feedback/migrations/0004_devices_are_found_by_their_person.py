from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0003_devices_of_people")]

    operations = [
        AddIndexConcurrently(
            model_name="respondent",
            index=models.Index(
                condition=models.Q(("person__isnull", False)), fields=["person"], name="respondent_of_person"
            ),
        ),
    ]
