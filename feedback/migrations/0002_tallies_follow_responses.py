"""Tallies change in the statement that changes responses, whatever door it comes through, so they cannot drift.

The triggers run once per statement over all its rows: a bulk write costs one upsert per distinct tally. Rows are
upserted in one order everywhere, so that two bulk writes wait for each other instead of deadlocking. Each connection
counts in one of 16 slots: a row that everybody updates would stay locked until the disk has confirmed each commit.
"""

from django.db import migrations

COUNTED = "NOT is_test AND NOT is_suspect AND excluded_at IS NULL AND restricted_at IS NULL"
DIMENSIONS = "product_id, version_id, channel, language, country, answered_on, score"
ADDED = f"SELECT {DIMENSIONS}, 1 AS change FROM added WHERE {COUNTED}"  # noqa: S608  constants of this file
REMOVED = f"SELECT {DIMENSIONS}, -1 AS change FROM removed WHERE {COUNTED}"  # noqa: S608  constants of this file

EVENTS = {
    "insert": ("NEW TABLE AS added", ADDED),
    "update": ("OLD TABLE AS removed NEW TABLE AS added", f"{ADDED} UNION ALL {REMOVED}"),
    "delete": ("OLD TABLE AS removed", REMOVED),
}

CREATE = """
CREATE FUNCTION feedback_tally_on_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feedback_tally (product_id, version_id, channel, language, country, day, score, slot, count)
    SELECT {dimensions}, pg_backend_pid() % 16, sum(change) FROM ({changes}) AS changes
    GROUP BY {dimensions} HAVING sum(change) <> 0 ORDER BY {dimensions}
    ON CONFLICT (product_id, version_id, channel, language, country, day, score, slot)
    DO UPDATE SET count = feedback_tally.count + EXCLUDED.count;
    RETURN NULL;
END
$$;
CREATE TRIGGER response_tally_on_{event} AFTER {event} ON feedback_response
REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION feedback_tally_on_{event}();
"""

DROP = """
DROP TRIGGER response_tally_on_{event} ON feedback_response;
DROP FUNCTION feedback_tally_on_{event}();
"""


class Migration(migrations.Migration):
    dependencies = [("feedback", "0001_initial")]
    operations = [
        migrations.RunSQL(
            CREATE.format(event=event, tables=tables, changes=changes, dimensions=DIMENSIONS),
            DROP.format(event=event),
        )
        for event, (tables, changes) in EVENTS.items()
    ]
