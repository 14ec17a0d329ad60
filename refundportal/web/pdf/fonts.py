"""
The fonts of a letter, and how a text finds one that has its signs.

Source Serif and Source Sans are embedded (Latin, Greek, Cyrillic; figures of one width). For Chinese,
Japanese and Korean signs the reader's program brings its own font: PDF names it, nothing is embedded. A sign
that no font has becomes an empty box, so that it is seen that something stood there.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont


@dataclass(frozen=True, slots=True)
class Family:
    """An embedded font, its bold, and what stands in for signs it lacks, by the code pages that know them."""

    regular: str
    bold: str
    substitutes: tuple[tuple[str, str], ...]


SERIF: Final = Family(
    "LetterSerif",
    "LetterSerif-Bold",
    (("cp932", "HeiseiMin-W3"), ("gbk", "STSong-Light"), ("cp949", "HYSMyeongJo-Medium")),
)
SANS: Final = Family(
    "LetterSans",
    "LetterSans-Bold",
    (("cp932", "HeiseiKakuGo-W5"), ("gbk", "STSong-Light"), ("cp949", "HYGothic-Medium")),
)
_FILES: Final = {
    SERIF.regular: ("font_source_serif_pro", "SourceSerifPro-Regular.ttf"),
    SERIF.bold: ("font_source_serif_pro", "SourceSerifPro-Semibold.ttf"),
    SANS.regular: ("font_source_sans_pro", "SourceSansPro-Regular.ttf"),
    SANS.bold: ("font_source_sans_pro", "SourceSansPro-Semibold.ttf"),
}
_UNKNOWN: Final = "\N{WHITE SQUARE}"
_NARROW_SPACE: Final = str.maketrans(
    {"\N{NARROW NO-BREAK SPACE}": "\N{NO-BREAK SPACE}", "\N{THIN SPACE}": " "}
)


@cache
def register_fonts() -> dict[str, frozenset[int]]:
    """Make the fonts known, once per process; gives the signs (code points) that each embedded one has."""
    signs = {}
    for name, (package, file) in _FILES.items():
        with as_file(files(package) / "files" / file) as path:
            font = TTFont(name, str(path))
        registerFont(font)
        signs[name] = frozenset(font.face.charToGlyph)
    for family in (SERIF, SANS):
        registerFontFamily(family.regular, family.regular, family.bold, family.regular, family.bold)
        for _, name in family.substitutes:
            registerFont(UnicodeCIDFont(name))
    return signs


def marked(text: str, family: Family) -> str:
    """Write a text for a paragraph: escaped, and each run of signs in a font that has them."""
    clean = unicodedata.normalize("NFC", text).translate(_NARROW_SPACE)
    runs = groupby(clean, lambda sign: font_of(sign, family))
    return "".join(_run("".join(signs), font) for font, signs in runs)


def _run(signs: str, font: str) -> str:
    if not font:
        return escape(signs)
    if font == _UNKNOWN:
        return "".join(_boxes(signs))
    return f'<font name="{font}">{escape(signs)}</font>'


def _boxes(signs: str) -> Iterator[str]:
    """Stand in for signs that no font has; what is invisible anyway leaves nothing."""
    for sign in signs:
        kind = unicodedata.category(sign)
        if sign.isspace():
            yield " "
        elif kind[0] not in "CM":
            yield _UNKNOWN


@lru_cache(maxsize=20_000)
def font_of(sign: str, family: Family) -> str:
    """Name the font for a sign: empty for the family's own, a box if there is none."""
    signs = register_fonts()
    if ord(sign) in signs[family.regular] and ord(sign) in signs[family.bold]:
        return ""
    if unicodedata.category(sign)[0] == "C":
        return _UNKNOWN
    for code_page, font in family.substitutes:
        try:
            sign.encode(code_page)
        except UnicodeEncodeError:
            continue
        return font
    return _UNKNOWN
