"""Where it can be looked up that a person who was not to be contacted agreed to it since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0029_failures_of_background_work")]

    operations = [
        migrations.AddField(
            model_name="respondent",
            name="contact_agreed",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=300,
                verbose_name="agreed to be contacted again",
            ),
        ),
    ]
