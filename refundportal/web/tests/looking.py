"""Looking at a page: on a phone and at a desk, by day and by night, and through the eyes of axe."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
AS_EVERY = ((PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark"))
OF_PHONE, OF_DESK = AS_EVERY[:2], AS_EVERY[2:]
# No rule needs the style sheets apart; to get them, axe would ask for what they import beside the page.
_ASKED = """only => axe.run({
  preload: false, resultTypes: ["violations"], ...(only ? {runOnly: {type: "rule", values: only}} : {}),
}).then(found => found.violations.map(one => [one.id, one.nodes[0].target]))"""


def look_at(page: Page, name: str, *, with_axe: Any = OF_PHONE) -> dict[str, Any]:
    """
    Find what is wrong with the page as it stands: what axe finds on these screens, what is too wide.

    Night differs from day in colours alone, so by night axe looks at those.
    """
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    page.evaluate(AXE_SCRIPT)
    faults: dict[str, Any] = {}
    for viewport, scheme in AS_EVERY:
        if scheme == "light":
            page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        only = ["color-contrast"] if scheme == "dark" else None
        found = page.evaluate(_ASKED, only) if (viewport, scheme) in with_axe else []
        if (width := page.evaluate("document.documentElement.scrollWidth")) > viewport["width"]:
            found.append(("wider than the screen", width))
        if found:
            faults[f"{name} {viewport['width']} {scheme}"] = found
    return faults
