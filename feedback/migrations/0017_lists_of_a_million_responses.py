"""What lists and rates of years are read by, built while everybody goes on working."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("feedback", "0016_fingerprints_are_found_to_be_forgotten")]

    operations = [
        AddIndexConcurrently(
            "response", models.Index(fields=["product", "-answered_at", "-id"], name="response_newest_of_product")
        ),
        RemoveIndexConcurrently("response", "response_of_product"),
        AddIndexConcurrently(
            "response",
            models.Index(
                condition=models.Q(is_test=True), fields=["product", "-answered_at", "-id"], name="response_test"
            ),
        ),
        AddIndexConcurrently("followup", models.Index(fields=["-created_at", "-id"], name="follow_up_newest")),
        AddIndexConcurrently(
            "invitation",
            models.Index(
                condition=~models.Q(opened_at=None), fields=["product", "opened_at"], name="invitation_opened"
            ),
        ),
        AddIndexConcurrently(
            "respondent",
            models.Index(condition=models.Q(restricted_at__isnull=False), fields=["id"], name="respondent_restricted"),
        ),
    ]
