import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    """Make the table of provider events anew: nothing was ever written into the old one."""

    dependencies = [
        ("payments", "0005_reconciliations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name="ProviderEvent"),
        migrations.CreateModel(
            name="ProviderEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("external_id", models.CharField(max_length=140)),
                ("type", models.CharField(max_length=80)),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField()),
                ("worked_at", models.DateTimeField(null=True)),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=40)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "set_aside_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", True), ("worked_at__isnull", True)),
                        fields=["next_attempt_at"],
                        name="provider_events_to_work",
                    ),
                    models.Index(
                        condition=models.Q(("worked_at__isnull", True)),
                        fields=["received_at"],
                        name="provider_events_not_worked",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "external_id"), name="a_provider_event_is_kept_once"
                    )
                ],
            },
        ),
    ]
