"""Letters and calculation sheets as PDF: the same view models as on the screen, set on paper."""

from refundportal.web.pdf.letter import letter_pdf

__all__ = ["letter_pdf"]
