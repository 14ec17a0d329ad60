from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_bank_rail"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["at", "id"], name="transfers_by_time"),
        ),
    ]
