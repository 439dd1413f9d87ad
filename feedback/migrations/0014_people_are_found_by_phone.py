from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0013_search_without_accents")]

    operations = [
        AddIndexConcurrently(
            model_name="respondent",
            index=models.Index(
                condition=models.Q(("phone", ""), _negated=True),
                fields=["phone"],
                name="respondent_phone",
            ),
        ),
    ]
