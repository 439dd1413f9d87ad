"""People are also read on the page of a response and of a follow-up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0005_reads_of_personal_data"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accesslogentry",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("rights_request", "to handle a rights request"),
                    ("why_not", "to see why somebody is not asked"),
                    ("suppression", "to see whether somebody is suppressed"),
                    ("response", "to read a response"),
                    ("follow_up", "to follow up with somebody"),
                ],
                max_length=16,
                verbose_name="purpose",
            ),
        ),
    ]
