"""The few pages that work without JavaScript and before login."""

from __future__ import annotations

from html import escape

MARK = (
    '<svg class="mark" viewBox="12 8 40 48" aria-hidden="true" focusable="false">'
    '<path fill="currentColor" d="M32 9a18.5 18.5 0 0 1 18.5 18.5c0 12.3-8 21-18.5 27.5'
    '-10.5-6.5-18.5-15.2-18.5-27.5A18.5 18.5 0 0 1 32 9z"/>'
    '<path class="eye" d="M18 28.3C22 22.8 26.6 20 32 20s10 2.8 14 8.3c-4 5.5-8.6 8.3-14 8.3s-10-2.8-14-8.3z"/>'
    '<circle fill="currentColor" cx="32" cy="28.3" r="6"/></svg>'
)
"""The mark of the application and its icons."""


def page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" href="/icons/icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/login.css">\n</head>\n'
        f"<body>\n<main>\n{MARK}\n{body}\n</main>\n</body>\n</html>\n"
    )


def second_step(system: str, wanted: str, pending: str, error: str = "") -> str:
    return page(
        f"Log in · {system}",
        f"<h1>{escape(system)}</h1>\n<p>Enter the code that your authenticator app shows, or one of your recovery codes.</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/login/code">\n'
        f'<input type="hidden" name="next" value="{escape(wanted)}">\n'
        f'<input type="hidden" name="pending" value="{escape(pending)}">\n'
        '<label for="code">Code</label>\n'
        '<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" '
        f'maxlength="40" required autofocus{_describes(error)}>\n'
        '<button type="submit">Log in</button>\n</form>\n<p><a href="/login">Start again</a></p>',
    )


def invite(system: str, name: str, token: str, error: str = "") -> str:
    return page(
        f"Welcome · {system}",
        f"<h1>Welcome, {escape(name)}</h1>\n<p>Choose a password for {escape(system)}. Use at least 8 characters; "
        "a few unrelated words are good.</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/invite">\n'
        f'<input type="hidden" name="token" value="{escape(token)}">\n'
        f'<input type="hidden" name="username" autocomplete="username" value="{escape(name)}">\n'
        f"{_new_password(error)}</form>",
    )


def invite_over(system: str) -> str:
    return page(
        f"Welcome · {system}",
        f"<h1>{escape(system)}</h1>\n<p>This link was used already, or is too old. Ask whoever sent it for a new one.</p>\n"
        '<p><a href="/login">Log in</a></p>',
    )


def _new_password(error: str) -> str:
    return (
        '<label for="password">New password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="new-password" minlength="8" '
        f'maxlength="1024" required autofocus{_describes(error)}>\n'
        '<label for="repeat">Once more</label>\n'
        '<input id="repeat" name="repeat" type="password" autocomplete="new-password" minlength="8" '
        'maxlength="1024" required>\n<button type="submit">Save password</button>\n'
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
        '<button type="submit">Log in</button>\n</form>\n'
        '<button type="button" id="passkey" class="second" hidden>Use a passkey</button>\n'
        '<p class="error" id="passkey-error" role="alert" hidden></p>\n'
        '<script src="/login.js" defer></script>',
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
        f"{_new_password(error)}</form>",
    )


def reset_pin(system: str, csrf: str, error: str = "", note: str = "") -> str:
    return page(
        f"New alarm PIN · {system}",
        "<h1>Set a new alarm PIN</h1>\n<p>Whoever knows the recovery passphrase may replace a PIN that was forgotten.</p>\n"
        f"{_note(note)}{_error(error)}"
        '<form method="post" action="/system/reset-pin">\n'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">\n'
        '<label for="passphrase">Recovery passphrase</label>\n'
        '<input id="passphrase" name="passphrase" type="password" autocomplete="off" maxlength="1024" '
        f"required autofocus{_describes(error)}>\n"
        '<label for="new_pin">New PIN, 4 to 16 digits</label>\n'
        '<input id="new_pin" name="new_pin" type="password" inputmode="numeric" autocomplete="off" minlength="4" '
        'maxlength="16" pattern="[0-9]*" required>\n'
        '<label for="repeat">Once more</label>\n'
        '<input id="repeat" name="repeat" type="password" inputmode="numeric" autocomplete="off" minlength="4" '
        'maxlength="16" pattern="[0-9]*" required>\n<button type="submit">Set PIN</button>\n</form>\n'
        '<p><a href="/">Back to the house</a></p>',
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
