from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0014_server_keys_read_nothing"),
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
                    ("emergency", "emergency access"),
                    ("identity", "to see who answered"),
                    ("comment", "to read a comment unmasked"),
                    ("history", "to see somebody's history of answers"),
                    ("follow_up", "to follow up with somebody"),
                    ("export", "to take data out in a file"),
                ],
                max_length=16,
                verbose_name="purpose",
            ),
        ),
    ]
