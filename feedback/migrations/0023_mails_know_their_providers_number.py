from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0022_fewer_indexes_where_people_are_asked")]

    operations = [
        migrations.AddField(
            model_name="campaignmail",
            name="provider_message_id",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=255, verbose_name="the provider’s number"
            ),
            preserve_default=False,
        ),
    ]
