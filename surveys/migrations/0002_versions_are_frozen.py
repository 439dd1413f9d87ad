"""A published version says what people were shown: nobody may change or delete it, whatever door they come through."""

from django.db import migrations

FREEZE = """
CREATE FUNCTION surveys_refuse_to_change_a_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'survey version % is published and cannot be changed', OLD.id USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER survey_version_is_frozen BEFORE UPDATE OR DELETE ON surveys_surveyversion
FOR EACH ROW EXECUTE FUNCTION surveys_refuse_to_change_a_version();
"""

THAW = """
DROP TRIGGER survey_version_is_frozen ON surveys_surveyversion;
DROP FUNCTION surveys_refuse_to_change_a_version();
"""


class Migration(migrations.Migration):
    dependencies = [("surveys", "0001_initial")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
