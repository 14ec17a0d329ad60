"""Run a command with the settings of a made-up production: `python -m tests.production COMMAND`."""

import os
import subprocess
import sys
import tempfile

from cryptography.fernet import Fernet


def environment(**changes: str) -> dict[str, str]:
    """Make a complete production environment; a change to the empty text leaves a variable out."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "REFUNDPORTAL_MODE": "production",
        "SECRET_KEY": "only-for-looking-at-the-settings-7f3k2p9qw8e1r5t6y0u4",
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": "postgres://portal:pw@db.invalid/portal",
        "REDIS_URL": "redis://redis.invalid:6379/0",
        "BASE_URL": "https://refunds.example.com",
        "SMTP_HOST": "mail.invalid",
        "VAR_DIR": tempfile.gettempdir(),
        **changes,
    }


if __name__ == "__main__":
    sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], env=environment(), check=False).returncode)
