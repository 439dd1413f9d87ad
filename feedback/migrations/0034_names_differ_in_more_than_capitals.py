"""Tags and root causes of a product differ in more than capitals, also where two people add them at the same moment."""

from django.db import migrations, models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _


class Migration(migrations.Migration):
    dependencies = [("feedback", "0033_outcomes_that_nobody_knows")]

    operations = [
        migrations.RemoveConstraint("rootcause", "root_cause_unique_per_product"),
        migrations.RemoveConstraint("tag", "tag_unique_per_product"),
        migrations.AddConstraint(
            "rootcause",
            models.UniqueConstraint(
                models.F("product"),
                Upper("name"),
                name="root_cause_unique_in_product",
                violation_error_message=_("The product has a root cause of this name already."),
            ),
        ),
        migrations.AddConstraint(
            "tag",
            models.UniqueConstraint(models.F("product"), Upper("name"), name="tag_unique_in_product"),
        ),
    ]
