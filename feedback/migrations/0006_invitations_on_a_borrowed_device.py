import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0005_a_follow_up_is_with_whoever_answered")]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="borrowed_device",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="feedback.respondent",
                verbose_name="asked on the device of",
            ),
        ),
    ]
