"""Looking at a page: on a phone and at a desk, by day and by night, and through the eyes of axe."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
AS_EVERY = ((PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark"))
OF_PHONE, OF_DESK = AS_EVERY[:2], AS_EVERY[2:]


def look_at(page: Page, name: str, *, with_axe: Any = OF_PHONE, options: Any = None) -> dict[str, Any]:
    """Find what is wrong with the page as it stands: what axe finds on these screens, what is too wide."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    faults: dict[str, Any] = {}
    for viewport, scheme in AS_EVERY:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        seen = (
            Axe().run(page, options=options).response["violations"] if (viewport, scheme) in with_axe else ()
        )
        found = [(one["id"], one["nodes"][0]["target"]) for one in seen]
        if (width := page.evaluate("document.documentElement.scrollWidth")) > viewport["width"]:
            found.append(("wider than the screen", width))
        if found:
            faults[f"{name} {viewport['width']} {scheme}"] = found
    return faults
