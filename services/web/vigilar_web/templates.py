"""The few pages that work without JavaScript and before login."""

from __future__ import annotations

from html import escape

SHIELD = (
    '<svg class="mark" viewBox="0 0 48 48" aria-hidden="true" focusable="false">'
    '<path d="M24 4 8 10v13c0 10 6.6 17.5 16 21 9.4-3.5 16-11 16-21V10L24 4Z" fill="none" '
    'stroke="currentColor" stroke-width="3" stroke-linejoin="round"/>'
    '<circle cx="24" cy="23" r="6.5" fill="none" stroke="currentColor" stroke-width="3"/>'
    '<circle cx="24" cy="23" r="1.8" fill="currentColor"/></svg>'
)


def page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" href="/icons/icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/login.css">\n</head>\n'
        f"<body>\n<main>\n{SHIELD}\n{body}\n</main>\n</body>\n</html>\n"
    )


def login(system: str, wanted: str, username: str = "", error: str = "", note: str = "") -> str:
    focus = ("", " autofocus") if username else (" autofocus", "")
    return page(
        f"Log in · {system}",
        f"<h1>{escape(system)}</h1>\n{_note(note)}{_error(error)}"
        '<form method="post" action="/login">\n'
        f'<input type="hidden" name="next" value="{escape(wanted)}">\n'
        '<label for="username">User name</label>\n'
        '<input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" '
        f'spellcheck="false" maxlength="120" required value="{escape(username)}"{focus[0]}>\n'
        '<label for="password">Password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        f'maxlength="1024" required{focus[1]}{_describes(error)}>\n'
        '<button type="submit">Log in</button>\n</form>',
    )


def setup(system: str, username: str, token: str, error: str = "") -> str:
    return page(
        f"Set up · {system}",
        f"<h1>Choose a password</h1>\n<p>It opens {escape(system)} for the user "
        f"<strong>{escape(username)}</strong>. Use at least 8 characters; a few unrelated words are good.</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/setup">\n'
        f'<input type="hidden" name="token" value="{escape(token)}">\n'
        f'<input type="hidden" name="username" autocomplete="username" value="{escape(username)}">\n'
        '<label for="password">New password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="new-password" minlength="8" '
        f'maxlength="1024" required autofocus{_describes(error)}>\n'
        '<label for="repeat">Once more</label>\n'
        '<input id="repeat" name="repeat" type="password" autocomplete="new-password" minlength="8" '
        'maxlength="1024" required>\n<button type="submit">Save password</button>\n</form>',
    )


def setup_locked(system: str) -> str:
    return page(
        f"Set up · {system}",
        f"<h1>{escape(system)}</h1>\n<p>No password is set yet. For safety the link that sets one is only in the "
        "log of the web service: look for the line with <code>/setup?token=</code> and open that link.</p>\n"
        "<p>A password can also be set on the machine with <code>vigilar config set-password --write</code>.</p>",
    )


def not_built(system: str) -> str:
    return page(
        system,
        f"<h1>{escape(system)}</h1>\n<p>The service runs, but its pages have not been built. "
        "Run <code>make web</code> in the project folder and reload this page.</p>",
    )


def _error(text: str) -> str:
    return f'<p class="error" id="error" role="alert">{escape(text)}</p>\n' if text else ""


def _describes(error: str) -> str:
    return ' aria-invalid="true" aria-describedby="error"' if error else ""


def _note(text: str) -> str:
    return f'<p class="note" role="status">{escape(text)}</p>\n' if text else ""
