"""A product may have nobody reminded, so that it can promise a first contact within an hour or two."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0026_words_inside_of_scripts_without_spaces")]

    operations = [
        migrations.RemoveConstraint(model_name="workinghours", name="working_hours_reminder_in_range"),
        migrations.AlterField(
            model_name="workinghours",
            name="remind_hours",
            field=models.PositiveSmallIntegerField(
                db_default=4,
                default=4,
                help_text="How many working hours before the first contact is due its owner, or else the team, is "
                "reminded. Follow-ups count as “due soon” from then on. With 0 nobody is reminded, and none is ever "
                "due soon.",
                validators=[MinValueValidator(0), MaxValueValidator(240)],
                verbose_name="working hours between reminder and due date",
            ),
        ),
        migrations.AddConstraint(
            model_name="workinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(remind_hours__range=(0, 240)), name="working_hours_reminder_in_range"
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="customer_before",
            field=models.DateField(
                blank=True,
                help_text="Customers since an earlier day than this.",
                null=True,
                verbose_name="customer since before",
            ),
        ),
    ]
