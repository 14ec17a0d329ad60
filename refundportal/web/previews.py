"""Small pictures of images that came in: decoded within bounds and written anew."""

from io import BytesIO
from typing import Final

from django.http import Http404, HttpResponse
from PIL import Image, ImageOps, UnidentifiedImageError

from contracts.files import open_file
from refunds.models import Attachment

SIDE_MAX: Final = 640
PIXELS_MAX: Final = 24_000_000
"""Of images beyond it there is no preview: decoding one takes four bytes for each pixel."""


def preview(row: Attachment) -> HttpResponse:
    """
    Give a preview of an image.

    :raises Http404: the file is no image, may not be opened, or is too large to be decoded
    """
    if not (row.has_preview and row.may_be_opened):
        raise Http404
    try:
        with open_file(row.stored_as) as content:
            picture = _again(content.read())
    except (FileNotFoundError, UnidentifiedImageError, OSError, ValueError, SyntaxError) as wrong:
        raise Http404 from wrong
    response = HttpResponse(picture, content_type="image/jpeg")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _again(content: bytes) -> bytes:
    """Decode an image and write it anew, small, upright and without whatever else came with it."""
    with Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image:
        if image.width * image.height > PIXELS_MAX:
            raise ValueError("too many pixels")
        image.draft("RGB", (SIDE_MAX, SIDE_MAX))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((SIDE_MAX, SIDE_MAX))
        flat = Image.new("RGB", upright.size, "white")
        whole = upright.convert("RGBA")
        flat.paste(whole, mask=whole.getchannel("A"))
    written = BytesIO()
    flat.save(written, "JPEG", quality=80)
    return written.getvalue()
