from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0024_mails_are_found_by_their_providers_number")]

    operations = [
        AddIndexConcurrently(
            model_name="campaignmail",
            index=models.Index(
                condition=models.Q(("kind", "first"), ("state", "sent")),
                fields=["campaign", "sent_at"],
                name="campaign_mail_sent",
            ),
        ),
    ]
