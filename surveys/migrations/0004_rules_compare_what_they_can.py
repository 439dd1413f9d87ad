from django.db import migrations, models
from django.db.models import Q

PRESENCE = ["is_set", "is_not_set"]
OFFERED = {
    "property": ["is", "is_not", "contains", "starts_with", "greater", "less", "before", "after", *PRESENCE],
    "country": ["is", "is_not", *PRESENCE],
    "company": ["is", "is_not", "contains", "starts_with", *PRESENCE],
    "language": ["is", "is_not"],
    "known": ["is"],
    "customer_since": ["before", "after", *PRESENCE],
    "url": ["matches", "is", "is_not", "contains", "starts_with"],
    "event": ["is"],
    "device": ["is", "is_not"],
}

condition = Q()
for subject, operators in OFFERED.items():
    condition |= Q(subject=subject, operator__in=operators)


class Migration(migrations.Migration):
    dependencies = [("surveys", "0003_audiences_caps_and_cooldown")]

    operations = [
        migrations.AddConstraint(
            model_name="audiencerule",
            constraint=models.CheckConstraint(condition=condition, name="audience_rule_compares_what_it_can"),
        ),
    ]
