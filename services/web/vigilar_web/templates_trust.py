"""The page that tells how to trust the house; without scripts, for phones that are not signed in."""

from __future__ import annotations

from html import escape

from vigilar_web.address import Address
from vigilar_web.language import say
from vigilar_web.templates import page

DEVICES = {
    "ios": (
        "iPhone and iPad",
        (
            "Open this page in Safari and tap <strong>Download the certificate</strong>, then <em>Allow</em>.",
            "Open <em>Settings</em>: at the top stands <em>Profile Downloaded</em>. Tap it, then <em>Install</em>.",
            "Go to <em>Settings → General → About → Certificate Trust Settings</em> and switch this house on.",
            "Come back here, open the page, and choose <em>Share → Add to Home Screen</em>: notifications work in the "
            "installed app.",
        ),
    ),
    "android": (
        "Android",
        (
            "Tap <strong>Download the certificate</strong>.",
            "Open <em>Settings → Security → More security settings → Encryption and credentials → Install a certificate → CA "
            "certificate</em> (the names differ by maker: search the settings for <em>CA certificate</em>) and choose the file.",
            "Close the browser, open the page again, and choose <em>Install app</em> in its menu.",
        ),
    ),
    "desktop": (
        "Computers",
        (
            "<strong>Windows:</strong> open the downloaded file, choose <em>Install Certificate → Current User → Trusted Root "
            "Certification Authorities</em>.",
            "<strong>Mac:</strong> open it in Keychain Access, double-click it there, and set <em>Trust → Always Trust</em>.",
            "<strong>Linux, Chrome:</strong> <em>Settings → Privacy and security → Security → Manage certificates → "
            "Authorities → Import</em>.",
            "<strong>Firefox</strong> keeps its own list: <em>Settings → Privacy &amp; Security → View Certificates → "
            "Authorities → Import</em>.",
        ),
    ),
}


def device_of(agent: str) -> str:
    """By what the browser calls itself; an iPad calls itself a Mac, so every way is on the page."""
    if "iPhone" in agent or "iPad" in agent:
        return "ios"
    return "android" if "Android" in agent else "desktop"


def trust(system: str, found: Address, device: str) -> str:
    title = say("Trust this house · {system}", system=system)
    if not found.own_authority:
        return page(title, f"<h1>{escape(system)}</h1>\n{_nothing_to_install(found)}")
    ways = sorted(DEVICES, key=lambda name: name != device)
    why = say(
        "Vigilar encrypts its page with a certificate that your house signed itself. A phone believes it, and allows "
        "notifications and the app, once it knows the house’s certificate. It can vouch for addresses inside a house only."
    )
    fingerprint = say("Its SHA-256 fingerprint, which the page also shows to who is signed in, is")
    return page(
        title,
        f"<h1>{say('Trust this house')}</h1>\n<p>{why}</p>\n"
        f'<p><a class="button" href="/vigilar-house.crt">{say("Download the certificate")}</a></p>\n'
        f"{''.join(_way(name, name == device) for name in ways)}"
        f"<details><summary>{say('Check that it is the right one')}</summary><p>{fingerprint}</p>"
        f'<p class="code">{escape(found.fingerprint)}</p></details>\n{_open()}',
    )


def _way(name: str, first: bool) -> str:
    heading, steps = DEVICES[name]
    listed = "".join(f"<li>{say(step)}</li>" for step in steps)
    return (
        f"<details{' open' if first else ''}><summary>{say(heading)}</summary><ol>{listed}</ol></details>\n"
    )


def _open() -> str:
    return f'<p><a href="/">{say("Open the page")}</a></p>'


def _nothing_to_install(found: Address) -> str:
    if not found.tls:
        text = (
            "This page is not encrypted, so there is no certificate to trust. Notifications and the app need an encrypted "
            "address; <code>vigilar init --certificate</code> makes one."
        )
    else:
        text = "The certificate of this page was not made by Vigilar; if your browser does not complain there is nothing to do."
    return f"<p>{say(text)}</p>\n{_open()}"
