"""The newest comments are read without the responses that have none."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0030_people_may_agree_to_be_contacted_again")]

    operations = [
        AddIndexConcurrently(
            model_name="response",
            index=models.Index(
                condition=models.Q(("comment", ""), _negated=True),
                fields=["-answered_at", "-id"],
                name="response_commented",
            ),
        ),
    ]
