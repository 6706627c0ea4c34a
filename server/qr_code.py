"""QR codes."""

from __future__ import annotations


def qr_rows(text: str) -> list[str]:
    """A QR code as rows of 0 and 1, so that the page draws it without an image."""
    import qrcode  # only whoever is shown one needs it

    code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    return ["".join("1" if dark else "0" for dark in row) for row in code.get_matrix()]
