"""The version that a survey shows now must be one of its own."""

from django.db import migrations, models

ADD = """
ALTER TABLE surveys_survey ADD CONSTRAINT survey_shows_a_version_of_its_own
FOREIGN KEY (current_version_id, id) REFERENCES surveys_surveyversion (id, survey_id)
DEFERRABLE INITIALLY DEFERRED
"""


class Migration(migrations.Migration):
    dependencies = [("surveys", "0004_rules_compare_what_they_can")]
    operations = [
        migrations.AddConstraint(
            "surveyversion",
            models.UniqueConstraint(fields=["id", "survey"], name="survey_version_of_one_survey"),
        ),
        migrations.RunSQL(ADD, "ALTER TABLE surveys_survey DROP CONSTRAINT survey_shows_a_version_of_its_own"),
    ]
