"""`manage.py reencrypt`: after a new key was put first in FIELD_KEYS, move every encrypted column to it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces.services.encryption import encrypted_columns, reencrypt_column


class Command(BaseCommand):
    """Ends with an error while a row can be read by no key; then the old keys must stay."""

    help = "Move every encrypted column to the first of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for model, field in encrypted_columns():
            rotation = reencrypt_column(model, field)
            unreadable += rotation.unreadable
            self.stdout.write(f"{rotation.column}: {rotation.moved} moved, {rotation.unreadable} unreadable")
        if unreadable:
            raise CommandError(
                f"{unreadable} values can be read by none of FIELD_KEYS. Add the key they were written with."
            )
        self.stdout.write("Every value is on the newest key; older keys can be taken out of FIELD_KEYS.")
