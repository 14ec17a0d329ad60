"""What lists count applications by, in columns beside the answer that says it."""

from typing import Any

from django.db import migrations, models

from kernel.money import Money

UNDECIDED = ("needs_review", "on_hold")


def fill(apps: Any, schema_editor: Any) -> None:
    """Repeat what the stored answers say."""
    rows = apps.get_model("refunds", "RefundRequest").objects.using(schema_editor.connection.alias)
    for row in rows.exclude(answer={}).only("answer").iterator(chunk_size=500):
        answer = row.answer
        rows.filter(pk=row.pk).update(
            outcome=answer["outcome"],
            main_reason=answer["reasons"][0],
            expected_minor=Money.parse(figure_of(answer), answer["currency"]).minor,
        )


def figure_of(answer: dict[str, Any]) -> str:
    if "refund_at_most" in answer:
        return answer["refund_at_most"]
    if answer["outcome"] in UNDECIDED:
        found = {finding["rule"]: finding["detail"] for finding in answer["findings"]}
        return found["refund"]["due"]
    return answer["refund"]


class Migration(migrations.Migration):
    dependencies = [("refunds", "0005_scanned_files")]

    operations = [
        migrations.AddField(
            "refundrequest", "outcome", models.CharField(default="", editable=False, max_length=20)
        ),
        migrations.AddField(
            "refundrequest", "main_reason", models.CharField(default="", editable=False, max_length=40)
        ),
        migrations.AddField(
            "refundrequest", "expected_minor", models.BigIntegerField(default=0, editable=False)
        ),
        migrations.AlterModelOptions(
            "refundrequest",
            {"verbose_name": "application", "verbose_name_plural": "applications"},
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
