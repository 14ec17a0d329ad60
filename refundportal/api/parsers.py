"""Bodies: strict JSON of a limited size, or files with a few fields beside them."""

from collections.abc import Mapping
from typing import IO, Any, Final

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser, MultiPartParser

from refundportal.web.json_bodies import read_json

FILE_BODY_MAX: Final = 11 * 1024 * 1024
"""One file of at most 10 MB and the words around it."""


class BodyTooLarge(APIException):
    """More than the portal reads."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is larger than allowed here."


class StrictJsonParser(BaseParser):
    """`application/json`, read by the portal's own strict reader."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        refuse_above(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, parser_context)
        return read_json(stream.read())


class FileParser(MultiPartParser):
    """`multipart/form-data` of a limited size."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        refuse_above(FILE_BODY_MAX, parser_context)
        return super().parse(stream, media_type, parser_context)


def refuse_above(limit: int, parser_context: Mapping[str, Any] | None) -> None:
    """
    :raises BodyTooLarge: the announced length is above the limit (bytes); more than announced is never read
    """
    request = (parser_context or {})["request"]
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise BodyTooLarge()
