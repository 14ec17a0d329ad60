import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0002_references_and_signatures"),
        ("payments", "0008_transfers_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="payoutstep",
            name="line",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="payments.statementline",
            ),
        ),
        migrations.AlterField(
            model_name="payoutstep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mark_accepted", "it was sent"),
                    ("mark_failed", "it was not sent"),
                    ("mark_returned", "it came back less a fee"),
                    ("replace", "send it again"),
                    ("give_up", "it is not owed any more"),
                ],
                max_length=15,
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "mark_returned"), ("line__isnull", False)),
                    models.Q(models.Q(("kind", "mark_returned"), _negated=True), ("line__isnull", True)),
                    _connector="OR",
                ),
                name="what_came_back_less_a_fee_names_its_line",
            ),
        ),
    ]
