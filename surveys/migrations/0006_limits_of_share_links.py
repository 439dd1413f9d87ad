import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("surveys", "0005_the_current_version_is_the_surveys_own"),
    ]

    operations = [
        migrations.AddField(
            model_name="survey",
            name="link_cap",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Once reached, the link takes no more. Empty: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="most answers through the share link",
            ),
        ),
        migrations.AddField(
            model_name="survey",
            name="link_ends_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="share link works until"),
        ),
        migrations.AddField(
            model_name="survey",
            name="one_per_device",
            field=models.BooleanField(
                default=False,
                help_text="A cookie remembers that somebody answered, not who. Clearing cookies lifts it.",
                verbose_name="one answer per device through the share link",
            ),
        ),
        migrations.AddField(
            model_name="survey",
            name="score_links",
            field=models.CharField(
                choices=[
                    ("confirm", "wait for the button to be pressed"),
                    ("assisted", "send it at the first touch, click or key"),
                ],
                default="confirm",
                help_text="No answer is ever sent by opening a link alone: programs that scan mail open every link.",
                max_length=8,
                verbose_name="a link with a score opens a page that will",
            ),
        ),
        migrations.AddConstraint(
            model_name="survey",
            constraint=models.CheckConstraint(
                condition=models.Q(("link_cap__gte", 1)), name="survey_link_cap_allows_an_answer"
            ),
        ),
    ]
