"""One part of the proof in a process of its own, on the database of `DATABASE_URL`."""

import json
import logging
import sys
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings

if __name__ == "__main__":
    module, given, output = sys.argv[1:]
    django.setup()
    logging.disable(logging.CRITICAL)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    result = import_module(f"tests.faults.{module}").run(**json.loads(Path(given).read_text()))
    Path(output).write_text(json.dumps(result, indent=1, default=str))
