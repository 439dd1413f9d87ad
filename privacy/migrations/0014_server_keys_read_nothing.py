import django.contrib.postgres.fields
from django.db import migrations, models

# A key that could do nothing else is of no use any more.
FORGET_READING = """
UPDATE privacy_serverkey SET scopes = array_remove(scopes, 'read') WHERE 'read' = ANY (scopes);
UPDATE privacy_serverkey SET revoked_at = now() WHERE scopes = '{}' AND revoked_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0013_mails_of_products")]

    operations = [
        migrations.RunSQL(FORGET_READING, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="serverkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("ask", "invite people"),
                        ("rights", "file rights requests of people it signs for"),
                    ],
                    max_length=8,
                ),
                size=None,
                verbose_name="may",
            ),
        ),
    ]
