"""A follow-up names its response and, for one open case per person, its respondent: both must be about one person.

Each step is a transaction of its own: the index is built without stopping answers from being stored, and rows are
checked under a lock that lets others write. Where a response is given to another respondent its follow-ups go along.
"""

from django.db import migrations, models

INDEX = "response_of_one_respondent"

ADD = """
ALTER TABLE feedback_followup ADD CONSTRAINT follow_up_with_whoever_answered
FOREIGN KEY (response_id, respondent_id) REFERENCES feedback_response (id, respondent_id)
ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("feedback", "0004_devices_are_found_by_their_person")]
    operations = [
        # An index that was interrupted half-way stays behind, invalid.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}", migrations.RunSQL.noop),
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON feedback_response (id, respondent_id)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            f"ALTER TABLE feedback_response ADD CONSTRAINT {INDEX} UNIQUE USING INDEX {INDEX}",
            f"ALTER TABLE feedback_response DROP CONSTRAINT {INDEX}",
            state_operations=[
                migrations.AddConstraint("response", models.UniqueConstraint(fields=["id", "respondent"], name=INDEX))
            ],
        ),
        migrations.RunSQL(ADD, "ALTER TABLE feedback_followup DROP CONSTRAINT follow_up_with_whoever_answered"),
        migrations.RunSQL(
            "ALTER TABLE feedback_followup VALIDATE CONSTRAINT follow_up_with_whoever_answered",
            migrations.RunSQL.noop,
        ),
    ]
