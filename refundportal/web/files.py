"""Files on their way in and out: any number in one field; out as attachment, never sniffed, never run."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404

from contracts.files import open_file
from contracts.models import Document
from refunds.models import Attachment
from refunds.services import Upload

SANDBOX: Final = "default-src 'none'; sandbox"
ACCEPTED: Final = ".pdf,.png,.jpg,.jpeg,.txt"


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/input.html"


class FilesField(forms.FileField):
    """Any number of files; what they are is checked where they are kept."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("allow_empty_file", True)
        super().__init__(widget=FilesInput(attrs={"accept": ACCEPTED}), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data]
        return [found for one in given if one and (found := super(FilesField, self).clean(one, initial))]


def uploads(files: Iterable[UploadedFile]) -> list[Upload]:
    """Hand files on with the names they were given."""
    return [Upload(file, file.name or "") for file in files]


def download(row: Document | Attachment) -> FileResponse:
    """
    Send the original bytes of a stored file.

    :raises Http404: they are gone, or the scanner has not called them clean
    """
    if isinstance(row, Attachment) and not row.may_be_opened:
        raise Http404
    try:
        content = open_file(row.stored_as)
    except FileNotFoundError as missing:
        raise Http404 from missing
    response = FileResponse(
        content, as_attachment=True, filename=row.file_name, content_type=row.content_type
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response
