"""Background work that failed is seen in the admin: what, with which kind of error, how often and when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0028_restricted_responses_are_found")]

    operations = [
        migrations.CreateModel(
            name="TaskFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("task", models.CharField(max_length=200, verbose_name="task")),
                (
                    "error",
                    models.CharField(
                        help_text="The workers’ log says more.", max_length=200, verbose_name="kind of error"
                    ),
                ),
                ("times", models.PositiveIntegerField(default=1, verbose_name="how often")),
                ("first_at", models.DateTimeField(verbose_name="first")),
                ("last_at", models.DateTimeField(verbose_name="last")),
            ],
            options={
                "verbose_name": "failed task",
                "verbose_name_plural": "failed tasks",
                "ordering": ["-last_at", "-pk"],
                "constraints": [models.UniqueConstraint(fields=("task", "error"), name="task_failure_unique")],
            },
        ),
    ]
