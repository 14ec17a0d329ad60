"""What is seen of files that came in without opening them: decoded within bounds and written anew."""

import unicodedata
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from django.http import Http404, HttpResponse
from PIL import Image, ImageOps, UnidentifiedImageError

from contracts.files import open_file
from refunds.models import Attachment

SIDE_MAX: Final = 640
PIXELS_MAX: Final = 24_000_000
"""Of images beyond it there is no preview: decoding one takes four bytes for each pixel."""

BYTES_READ_MAX: Final = 8192
LINES_MAX: Final = 12
LINE_SIGNS_MAX: Final = 160
_UNSHOWN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class FirstLines:
    """The beginning of a text as plain text, still to be escaped; `is_whole` when nothing was left out."""

    text: str
    is_whole: bool


def first_lines(row: Attachment) -> FirstLines | None:
    """
    Give the first lines of a text; None for any other file, and for one that is gone or may not be opened.

    Signs that show nothing or turn the direction of writing are left out.
    """
    if row.content_type != "text/plain" or not row.may_be_opened:
        return None
    try:
        with open_file(row.stored_as) as content:
            raw = content.read(BYTES_READ_MAX)
    except OSError:
        return None
    given = raw.decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    lines = ["".join(sign for sign in line if _is_shown(sign)) for line in given[:LINES_MAX]]
    cut = [line[:LINE_SIGNS_MAX] for line in lines]
    is_whole = row.size_bytes <= len(raw) and len(given) == len(lines) and cut == lines
    return FirstLines("\n".join(cut), is_whole)


def _is_shown(sign: str) -> bool:
    return sign == "\t" or unicodedata.category(sign) not in _UNSHOWN


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
