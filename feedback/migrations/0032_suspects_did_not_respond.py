"""An answer that a machine seems to have given does not say that the person responded, until staff accept it."""

from django.db import migrations

FORGET_RESPONSES_OF_SUSPECTS = """
UPDATE feedback_invitation invitation SET responded_at = NULL FROM feedback_response response
WHERE response.invitation_id = invitation.id AND response.is_suspect AND invitation.responded_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("feedback", "0031_the_newest_comments_are_found")]

    operations = [migrations.RunSQL(FORGET_RESPONSES_OF_SUSPECTS, migrations.RunSQL.noop)]
