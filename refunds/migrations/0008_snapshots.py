from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [("refunds", "0007_answer_time")]

    operations = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("as_of", models.DateTimeField()),
                ("after", models.UUIDField(null=True)),
                ("figures", models.JSONField(default=dict)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["as_of"], name="snapshots_by_time")],
            },
        ),
    ]
