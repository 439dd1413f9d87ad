from datetime import time

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0020_unread_responses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="workinghours",
            name="escalate_to",
            field=models.ManyToManyField(
                blank=True,
                help_text="Told besides the owner and the team when a first contact is overdue. Nobody chosen: the "
                "reviewers of the product. Where none of them can be told, its administrators are.",
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="tell of what is overdue",
            ),
        ),
        migrations.AddField(
            model_name="workinghours",
            name="first_contact_hours",
            field=models.PositiveSmallIntegerField(
                db_default=48,
                default=48,
                help_text="Within how many hours a detractor, or whoever is of high priority, is contacted; 24 hours "
                "are one working day. It holds for follow-ups that begin from now on: a date once promised stays.",
                validators=[MinValueValidator(1), MaxValueValidator(720)],
                verbose_name="hours to the first contact",
            ),
        ),
        migrations.AddField(
            model_name="workinghours",
            name="remind_hours",
            field=models.PositiveSmallIntegerField(
                db_default=4,
                default=4,
                help_text="How many working hours before the first contact is due its owner, or else the team, is "
                "reminded. Follow-ups count as “due soon” from then on.",
                validators=[MinValueValidator(1), MaxValueValidator(240)],
                verbose_name="working hours to the reminder",
            ),
        ),
        migrations.AddConstraint(
            model_name="workinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(first_contact_hours__range=(1, 720)), name="working_hours_first_contact_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="workinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(remind_hours__range=(1, 240)), name="working_hours_reminder_in_range"
            ),
        ),
        migrations.AlterField(
            model_name="workinghours",
            name="opens",
            field=models.TimeField(
                default=time(9),
                help_text="By the clocks of the product’s time zone, the same on each of the days.",
                verbose_name="from",
            ),
        ),
        migrations.AlterField(
            model_name="workinghours",
            name="closes",
            field=models.TimeField(
                default=time(17),
                help_text="Later than the beginning. Clocks stand still overnight.",
                verbose_name="until",
            ),
        ),
        migrations.AlterField(
            model_name="team",
            name="name",
            field=models.CharField(
                help_text="How colleagues know it, where follow-ups are assigned and listed.",
                max_length=60,
                verbose_name="name",
            ),
        ),
        migrations.AlterField(
            model_name="rootcause",
            name="name",
            field=models.CharField(
                help_text="In a few words, as it is offered when a follow-up is closed: “fees”.",
                max_length=80,
                verbose_name="name",
            ),
        ),
    ]
