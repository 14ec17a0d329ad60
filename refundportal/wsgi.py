"""The entrance for a WSGI server: `gunicorn refundportal.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refundportal.settings")
application = get_wsgi_application()
