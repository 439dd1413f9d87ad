"""The audit trail of a request can be added to, and neither changed nor shortened, through whatever door."""

from django.db import migrations

SEAL = """
CREATE FUNCTION privacy_refuse_to_rewrite_the_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the trail of a rights request is append-only' USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER request_event_is_append_only BEFORE UPDATE OR DELETE ON privacy_requestevent
FOR EACH ROW EXECUTE FUNCTION privacy_refuse_to_rewrite_the_trail();
"""

UNSEAL = """
DROP TRIGGER request_event_is_append_only ON privacy_requestevent;
DROP FUNCTION privacy_refuse_to_rewrite_the_trail();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial")]
    operations = [migrations.RunSQL(SEAL, UNSEAL)]
