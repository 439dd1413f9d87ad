"""An e-mail of which nobody knows whether it was sent says so itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0032_suspects_did_not_respond"),
    ]

    operations = [
        migrations.AlterField(
            model_name="contact",
            name="failure",
            field=models.CharField(
                blank=True,
                choices=[
                    ("may_not_be_contacted", "This person must not be contacted."),
                    ("no_email", "This person has no e-mail address."),
                    ("refused", "The mail server does not accept it."),
                    ("unknown", "The connection broke off while it was handed over: nobody knows whether it was sent."),
                ],
                editable=False,
                max_length=20,
                verbose_name="why not sent",
            ),
        ),
    ]
