from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feedback", "0023_mails_know_their_providers_number")]

    operations = [
        AddIndexConcurrently(
            model_name="campaignmail",
            index=models.Index(
                condition=models.Q(("provider_message_id", ""), _negated=True),
                fields=["provider_message_id"],
                name="campaign_mail_at_provider",
            ),
        ),
    ]
