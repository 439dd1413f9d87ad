from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0005_reads_of_personal_data")]

    operations = [
        migrations.AlterField(
            "accesslogentry",
            "purpose",
            models.CharField(
                choices=[
                    ("rights_request", "to handle a rights request"),
                    ("why_not", "to see why somebody is not asked"),
                    ("suppression", "to see whether somebody is suppressed"),
                    ("identity", "to see who answered"),
                    ("comment", "to read a comment unmasked"),
                    ("history", "to see somebody's history of answers"),
                ],
                max_length=16,
                verbose_name="purpose",
            ),
        ),
    ]
