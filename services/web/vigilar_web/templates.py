"""The few pages that work without JavaScript and before login."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from vigilar_web.language import LANGUAGES, current, refused, say

MARK = (
    '<svg class="mark" viewBox="12 8 40 48" aria-hidden="true" focusable="false">'
    '<path fill="currentColor" d="M32 9a18.5 18.5 0 0 1 18.5 18.5c0 12.3-8 21-18.5 27.5'
    '-10.5-6.5-18.5-15.2-18.5-27.5A18.5 18.5 0 0 1 32 9z"/>'
    '<path class="eye" d="M18 28.3C22 22.8 26.6 20 32 20s10 2.8 14 8.3c-4 5.5-8.6 8.3-14 8.3s-10-2.8-14-8.3z"/>'
    '<circle fill="currentColor" cx="32" cy="28.3" r="6"/></svg>'
)
"""The mark of the application and its icons."""


def page(title: str, body: str) -> str:
    """`title` is HTML already (`say` escapes what it puts in)."""
    return (
        f'<!doctype html>\n<html lang="{current()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{title}</title>\n"
        '<link rel="icon" href="/icons/icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/login.css">\n</head>\n'
        f"<body>\n<main>\n{MARK}\n{body}\n</main>\n</body>\n</html>\n"
    )


def second_step(system: str, wanted: str, pending: str, error: str = "") -> str:
    return page(
        say("Log in · {system}", system=system),
        f"<h1>{escape(system)}</h1>\n"
        f"<p>{say('Enter the code that your authenticator app shows, or one of your recovery codes.')}</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/login/code">\n'
        f'<input type="hidden" name="next" value="{escape(wanted)}">\n'
        f'<input type="hidden" name="pending" value="{escape(pending)}">\n'
        f'<label for="code">{say("Code")}</label>\n'
        '<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" '
        f'maxlength="40" required autofocus{_describes(error)}>\n'
        f'<button type="submit">{say("Log in")}</button>\n</form>\n<p><a href="/login">{say("Start again")}</a></p>',
    )


def invite(system: str, name: str, token: str, error: str = "") -> str:
    text = "Choose a password for {system}. Use at least 8 characters; a few unrelated words are good."
    return page(
        say("Welcome · {system}", system=system),
        f"<h1>{say('Welcome, {name}', name=name)}</h1>\n<p>{say(text, system=system)}</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/invite">\n'
        f'<input type="hidden" name="token" value="{escape(token)}">\n'
        f'<input type="hidden" name="username" autocomplete="username" value="{escape(name)}">\n'
        f"{_new_password(error)}</form>",
    )


def invite_over(system: str) -> str:
    return page(
        say("Welcome · {system}", system=system),
        f"<h1>{escape(system)}</h1>\n"
        f"<p>{say('This link was used already, or is too old. Ask whoever sent it for a new one.')}</p>\n"
        f'<p><a href="/login">{say("Log in")}</a></p>',
    )


def _new_password(error: str) -> str:
    return (
        f'<label for="password">{say("New password")}</label>\n'
        '<input id="password" name="password" type="password" autocomplete="new-password" minlength="8" '
        f'maxlength="1024" required autofocus{_describes(error)}>\n'
        f'<label for="repeat">{say("Once more")}</label>\n'
        '<input id="repeat" name="repeat" type="password" autocomplete="new-password" minlength="8" '
        f'maxlength="1024" required>\n<button type="submit">{say("Save password")}</button>\n'
    )


def login(system: str, wanted: str, username: str = "", error: str = "", note: str = "") -> str:
    focus = ("", " autofocus") if username else (" autofocus", "")
    return page(
        say("Log in · {system}", system=system),
        f"<h1>{escape(system)}</h1>\n{_note(note)}{_error(error)}"
        '<form method="post" action="/login">\n'
        f'<input type="hidden" name="next" value="{escape(wanted)}">\n'
        f'<label for="username">{say("User name")}</label>\n'
        '<input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" '
        f'spellcheck="false" maxlength="120" required value="{escape(username)}"{focus[0]}>\n'
        f'<label for="password">{say("Password")}</label>\n'
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        f'maxlength="1024" required{focus[1]}{_describes(error)}>\n'
        f'<button type="submit">{say("Log in")}</button>\n</form>\n'
        f'<button type="button" id="passkey" class="second" data-unused="{say("No passkey was used.")}" hidden>'
        f"{say('Use a passkey')}</button>\n"
        '<p class="error" id="passkey-error" role="alert" hidden></p>\n'
        f'{_languages(wanted)}<script src="/login.js" defer></script>',
    )


def _languages(wanted: str) -> str:
    """Links to the same page in the other languages, each in its own words."""
    links = (
        f'<a href="/login?language={code}&amp;next={quote(wanted, safe="")}" lang="{code}" hreflang="{code}">{name}</a>'
        for code, name in LANGUAGES.items()
        if code != current()
    )
    return f'<p class="languages">{" ".join(links)}</p>\n'


def setup(system: str, username: str, token: str, error: str = "") -> str:
    text = "It opens {system} for the user <strong>{user}</strong>. Use at least 8 characters; a few unrelated words are good."
    return page(
        say("Set up · {system}", system=system),
        f"<h1>{say('Choose a password')}</h1>\n<p>{say(text, system=system, user=username)}</p>\n"
        f"{_error(error)}"
        '<form method="post" action="/setup">\n'
        f'<input type="hidden" name="token" value="{escape(token)}">\n'
        f'<input type="hidden" name="username" autocomplete="username" value="{escape(username)}">\n'
        f"{_new_password(error)}</form>",
    )


def reset_pin(system: str, csrf: str, error: str = "", note: str = "") -> str:
    return page(
        say("New alarm PIN · {system}", system=system),
        f"<h1>{say('Set a new alarm PIN')}</h1>\n"
        f"<p>{say('Whoever knows the recovery passphrase may replace a PIN that was forgotten.')}</p>\n"
        f"{_note(note)}{_error(error)}"
        '<form method="post" action="/system/reset-pin">\n'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">\n'
        f'<label for="passphrase">{say("Recovery passphrase")}</label>\n'
        '<input id="passphrase" name="passphrase" type="password" autocomplete="off" maxlength="1024" '
        f"required autofocus{_describes(error)}>\n"
        f'<label for="new_pin">{say("New PIN, 4 to 16 digits")}</label>\n'
        '<input id="new_pin" name="new_pin" type="password" inputmode="numeric" autocomplete="off" minlength="4" '
        'maxlength="16" pattern="[0-9]*" required>\n'
        f'<label for="repeat">{say("Once more")}</label>\n'
        '<input id="repeat" name="repeat" type="password" inputmode="numeric" autocomplete="off" minlength="4" '
        f'maxlength="16" pattern="[0-9]*" required>\n<button type="submit">{say("Set PIN")}</button>\n</form>\n'
        f'<p><a href="/">{say("Back to the house")}</a></p>',
    )


def setup_locked(system: str) -> str:
    log = say(
        "No password is set yet. For safety the link that sets one is only in the log of the web service: look for the line "
        "with <code>/setup?token=</code> and open that link."
    )
    shell = say(
        "A password can also be set on the machine with <code>vigilar config set-password --write</code>."
    )
    return page(
        say("Set up · {system}", system=system), f"<h1>{escape(system)}</h1>\n<p>{log}</p>\n<p>{shell}</p>"
    )


def not_built(system: str) -> str:
    text = say(
        "The service runs, but its pages have not been built. Run <code>make web</code> in the project folder and reload this "
        "page."
    )
    return page(escape(system), f"<h1>{escape(system)}</h1>\n<p>{text}</p>")


def _error(text: str) -> str:
    return f'<p class="error" id="error" role="alert">{escape(refused(text))}</p>\n' if text else ""


def _describes(error: str) -> str:
    return ' aria-invalid="true" aria-describedby="error"' if error else ""


def _note(text: str) -> str:
    return f'<p class="note" role="status">{escape(refused(text))}</p>\n' if text else ""
