"""What every answer says about how browsers may use it."""

from __future__ import annotations

from collections.abc import Mapping

_NOTHING_INLINE: Mapping[str, str] = {}


def content_security_policy(allowed: Mapping[str, str] = _NOTHING_INLINE) -> str:
    """`allowed`: hashes of inline `script` and `style`, each as a source with a space before it."""
    return (
        f"default-src 'none'; script-src 'self'{allowed.get('script', '')}; style-src 'self'{allowed.get('style', '')}; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
        "manifest-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


HEADERS = {
    "Content-Security-Policy": content_security_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=(), serial=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Set unless the answer brings its own value."""
