"""How soon people are contacted, as each product sets it; the rest is what forms say of their fields."""

from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
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
        migrations.AlterField(
            model_name="campaign",
            name="window_until",
            field=models.PositiveSmallIntegerField(
                default=11,
                help_text="What is not sent by then waits for the next day.",
                validators=[MinValueValidator(1), MaxValueValidator(24)],
                verbose_name="until (hour)",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="pace",
            field=models.PositiveSmallIntegerField(
                default=120,
                help_text="As many as the mail server, and those who answer replies, can take.",
                validators=[MinValueValidator(1), MaxValueValidator(6000)],
                verbose_name="mails a minute, at most",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="name",
            field=models.CharField(
                help_text="As it is offered when a campaign chooses whom it is for.",
                max_length=120,
                verbose_name="name",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="companies",
            field=ArrayField(
                base_field=models.CharField(max_length=200),
                blank=True,
                default=list,
                help_text="As the product names them, separated by commas; any one of them.",
                size=None,
                verbose_name="companies",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="property_name",
            field=models.CharField(
                blank=True,
                help_text="One that the product’s backend sends, such as plan.",
                max_length=64,
                verbose_name="property",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="property_values",
            field=ArrayField(
                base_field=models.CharField(max_length=500),
                blank=True,
                default=list,
                help_text="Separated by commas; any one of them.",
                size=None,
                verbose_name="values of the property",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="customer_before",
            field=models.DateField(
                blank=True,
                help_text="Customers for longer than since this day.",
                null=True,
                verbose_name="customer since before",
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="customer_after",
            field=models.DateField(
                blank=True,
                help_text="Customers since a later day than this.",
                null=True,
                verbose_name="customer since after",
            ),
        ),
        migrations.AlterField(
            model_name="tag",
            name="name",
            field=models.CharField(
                help_text="A theme in a word or two. It names no person.", max_length=60, verbose_name="name"
            ),
        ),
    ]
