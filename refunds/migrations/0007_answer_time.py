from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0006_answer_columns")]

    operations = [
        migrations.AddIndex(
            "refundrequest", models.Index(fields=["decided_at"], name="requests_by_answer_time")
        ),
    ]
