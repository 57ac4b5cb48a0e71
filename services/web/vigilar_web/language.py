"""The words of the pages that the server makes itself. English stands in the code; here is what else it can say.

The page of the application has its own tables (frontend/src/strings) and reads the same cookie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from html import escape
from typing import Final

COOKIE = "vigilar_language"
COOKIE_S = 31_536_000
LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
MAX_WISHES = 10
"""So many languages of Accept-Language are looked at."""

_now: ContextVar[str] = ContextVar("language", default="en")


def chosen(cookie: str, accepted: str) -> str:
    """What was chosen in this browser, else the first that it accepts and that there is, else English."""
    if cookie in LANGUAGES:
        return cookie
    wishes = (part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")[:MAX_WISHES])
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


def use(language: str) -> None:
    """For this request."""
    _now.set(language if language in LANGUAGES else "en")


def current() -> str:
    return _now.get()


def cookie_of(language: str, *, secure: bool) -> str:
    """A Set-Cookie value; scripts may read it, it is no secret."""
    return f"{COOKIE}={language}; Path=/; Max-Age={COOKIE_S}; SameSite=Lax" + ("; Secure" if secure else "")


def say(english: str, **given: str) -> str:
    """HTML: the sentence in the language of the request; what is `given` is escaped and put into its braces."""
    text = GERMAN.get(english, english) if current() == "de" else english
    return text.format_map({key: escape(value) for key, value in given.items()}) if given else text


def refused(english: str) -> str:
    """A sentence with a number or a reason in it, as the routes make them; unescaped. What is not known stays English."""
    if current() != "de":
        return english
    for pattern, german in REFUSALS.items():
        if pattern.fullmatch(english):
            return pattern.sub(german, english)
    return GERMAN.get(english, english)


REFUSALS: Final[Mapping[re.Pattern[str], str]] = {
    re.compile(r"Too many tries\. The next one is possible in (\d+) seconds?\."): (
        r"Zu viele Versuche. Der nächste ist in \1 s möglich."
    ),
    re.compile(
        r"(.+) The next try is possible in (\d+) seconds\."
    ): r"\1 Der nächste Versuch ist in \2 s möglich.",
    re.compile(r"This password cannot be used: (.+)\."): r"Dieses Passwort kann nicht verwendet werden: \1.",
    re.compile(r"The password could not be saved: (.+)"): r"Das Passwort konnte nicht gespeichert werden: \1",
    re.compile(r"The new PIN is not possible: (.+)\."): r"Die neue PIN geht nicht: \1.",
}

GERMAN: Final[Mapping[str, str]] = {
    "Log in": "Anmelden",
    "Log in · {system}": "Anmelden · {system}",
    "User name": "Benutzername",
    "Password": "Passwort",
    "Use a passkey": "Passkey verwenden",
    "No passkey was used.": "Es wurde kein Passkey verwendet.",
    "Enter the code that your authenticator app shows, or one of your recovery codes.": (
        "Geben Sie den Code ein, den Ihre Authenticator-App zeigt, oder einen Ihrer Rettungscodes."
    ),
    "Code": "Code",
    "Start again": "Von vorn beginnen",
    "Welcome · {system}": "Willkommen · {system}",
    "Welcome, {name}": "Willkommen, {name}",
    "Choose a password for {system}. Use at least 8 characters; a few unrelated words are good.": (
        "Wählen Sie ein Passwort für {system}: mindestens 8 Zeichen; ein paar Wörter ohne Zusammenhang sind gut."
    ),
    "This link was used already, or is too old. Ask whoever sent it for a new one.": (
        "Dieser Link wurde schon verwendet oder ist zu alt. Bitten Sie um einen neuen, wer ihn gesendet hat."
    ),
    "New password": "Neues Passwort",
    "Once more": "Noch einmal",
    "Save password": "Passwort speichern",
    "Set up · {system}": "Einrichten · {system}",
    "Choose a password": "Passwort wählen",
    "It opens {system} for the user <strong>{user}</strong>. Use at least 8 characters; a few unrelated words are good.": (
        "Es öffnet {system} für den Benutzer <strong>{user}</strong>: mindestens 8 Zeichen; ein paar Wörter ohne "
        "Zusammenhang sind gut."
    ),
    "New alarm PIN · {system}": "Neue Alarm-PIN · {system}",
    "Set a new alarm PIN": "Neue Alarm-PIN setzen",
    "Whoever knows the recovery passphrase may replace a PIN that was forgotten.": (
        "Wer den Rettungssatz kennt, darf eine vergessene PIN ersetzen."
    ),
    "Recovery passphrase": "Rettungssatz",
    "New PIN, 4 to 16 digits": "Neue PIN, 4 bis 16 Ziffern",
    "Set PIN": "PIN setzen",
    "Back to the house": "Zurück zum Haus",
    "No password is set yet. For safety the link that sets one is only in the log of the web service: look for the line with "
    "<code>/setup?token=</code> and open that link.": (
        "Es ist noch kein Passwort gesetzt. Zur Sicherheit steht der Link, der eines setzt, nur im Protokoll des Webdienstes: "
        "Suchen Sie die Zeile mit <code>/setup?token=</code> und öffnen Sie diesen Link."
    ),
    "A password can also be set on the machine with <code>vigilar config set-password --write</code>.": (
        "Ein Passwort lässt sich auch am Rechner setzen: <code>vigilar config set-password --write</code>."
    ),
    "The service runs, but its pages have not been built. Run <code>make web</code> in the project folder and reload this "
    "page.": (
        "Der Dienst läuft, aber seine Seiten wurden nicht gebaut. Führen Sie im Projektordner <code>make web</code> aus und "
        "laden Sie diese Seite neu."
    ),
    "User name or password is wrong.": "Benutzername oder Passwort ist falsch.",
    "This code is not right.": "Dieser Code stimmt nicht.",
    "This took too long. Please sign in again.": "Das dauerte zu lange. Bitte melden Sie sich wieder an.",
    "The password is saved. You can log in now.": "Das Passwort ist gespeichert. Sie können sich jetzt anmelden.",
    "The two passwords are not the same.": "Die beiden Passwörter sind nicht gleich.",
    "The service is busy. Please try again.": "Der Dienst ist beschäftigt. Bitte versuchen Sie es noch einmal.",
    "The two PINs differ.": "Die beiden PINs sind nicht gleich.",
    "Passphrase and PIN are needed.": "Rettungssatz und PIN sind nötig.",
    "The new PIN holds from now on.": "Die neue PIN gilt ab jetzt.",
    "The alarm does not answer; nothing was changed.": "Der Alarm antwortet nicht; nichts wurde geändert.",
    "The alarm refused this.": "Der Alarm hat das abgelehnt.",
    "Trust this house · {system}": "Diesem Haus vertrauen · {system}",
    "Trust this house": "Diesem Haus vertrauen",
    "Vigilar encrypts its page with a certificate that your house signed itself. A phone believes it, and allows notifications "
    "and the app, once it knows the house’s certificate. It can vouch for addresses inside a house only.": (
        "Vigilar verschlüsselt seine Seite mit einem Zertifikat, das Ihr Haus selbst unterschrieben hat. Ein Telefon glaubt ihm "
        "und erlaubt Benachrichtigungen und die App, sobald es das Zertifikat des Hauses kennt. Es kann nur für Adressen "
        "innerhalb eines Hauses bürgen."
    ),
    "Download the certificate": "Zertifikat herunterladen",
    "Check that it is the right one": "Prüfen, ob es das richtige ist",
    "Its SHA-256 fingerprint, which the page also shows to who is signed in, is": (
        "Sein SHA-256-Fingerabdruck, den die Seite auch Angemeldeten zeigt, ist"
    ),
    "Open the page": "Seite öffnen",
    "Computers": "Computer",
    "iPhone and iPad": "iPhone und iPad",
    "Android": "Android",
    "This page is not encrypted, so there is no certificate to trust. Notifications and the app need an encrypted address; "
    "<code>vigilar init --certificate</code> makes one.": (
        "Diese Seite ist nicht verschlüsselt, also gibt es kein Zertifikat. Benachrichtigungen und die App brauchen eine "
        "verschlüsselte Adresse; <code>vigilar init --certificate</code> macht eine."
    ),
    "The certificate of this page was not made by Vigilar; if your browser does not complain there is nothing to do.": (
        "Das Zertifikat dieser Seite wurde nicht von Vigilar gemacht; wenn Ihr Browser sich nicht beschwert, ist nichts zu tun."
    ),
    "Open this page in Safari and tap <strong>Download the certificate</strong>, then <em>Allow</em>.": (
        "Öffnen Sie diese Seite in Safari und tippen Sie auf <strong>Zertifikat herunterladen</strong>, dann <em>Zulassen</em>."
    ),
    "Open <em>Settings</em>: at the top stands <em>Profile Downloaded</em>. Tap it, then <em>Install</em>.": (
        "Öffnen Sie <em>Einstellungen</em>: Oben steht <em>Profil geladen</em>. Tippen Sie darauf, dann <em>Installieren</em>."
    ),
    "Go to <em>Settings → General → About → Certificate Trust Settings</em> and switch this house on.": (
        "Gehen Sie zu <em>Einstellungen → Allgemein → Info → Zertifikatsvertrauenseinstellungen</em> und schalten Sie dieses "
        "Haus ein."
    ),
    "Come back here, open the page, and choose <em>Share → Add to Home Screen</em>: notifications work in the installed app.": (
        "Kommen Sie hierher zurück, öffnen Sie die Seite und wählen Sie <em>Teilen → Zum Home-Bildschirm</em>: "
        "Benachrichtigungen gehen in der installierten App."
    ),
    "Tap <strong>Download the certificate</strong>.": "Tippen Sie auf <strong>Zertifikat herunterladen</strong>.",
    "Open <em>Settings → Security → More security settings → Encryption and credentials → Install a certificate → CA "
    "certificate</em> (the names differ by maker: search the settings for <em>CA certificate</em>) and choose the file.": (
        "Öffnen Sie <em>Einstellungen → Sicherheit → Weitere Sicherheitseinstellungen → Verschlüsselung und Anmeldedaten → "
        "Zertifikat installieren → CA-Zertifikat</em> (die Namen unterscheiden sich: Suchen Sie in den Einstellungen nach "
        "<em>CA-Zertifikat</em>) und wählen Sie die Datei."
    ),
    "Close the browser, open the page again, and choose <em>Install app</em> in its menu.": (
        "Schließen Sie den Browser, öffnen Sie die Seite wieder und wählen Sie in seinem Menü <em>App installieren</em>."
    ),
    "<strong>Windows:</strong> open the downloaded file, choose <em>Install Certificate → Current User → Trusted Root "
    "Certification Authorities</em>.": (
        "<strong>Windows:</strong> Öffnen Sie die Datei und wählen Sie <em>Zertifikat installieren → Aktueller Benutzer → "
        "Vertrauenswürdige Stammzertifizierungsstellen</em>."
    ),
    "<strong>Mac:</strong> open it in Keychain Access, double-click it there, and set <em>Trust → Always Trust</em>.": (
        "<strong>Mac:</strong> Öffnen Sie es in der Schlüsselbundverwaltung, doppelklicken Sie es dort und setzen Sie "
        "<em>Vertrauen → Immer vertrauen</em>."
    ),
    "<strong>Linux, Chrome:</strong> <em>Settings → Privacy and security → Security → Manage certificates → Authorities → "
    "Import</em>.": (
        "<strong>Linux, Chrome:</strong> <em>Einstellungen → Datenschutz und Sicherheit → Sicherheit → Zertifikate verwalten → "
        "Zertifizierungsstellen → Importieren</em>."
    ),
    "<strong>Firefox</strong> keeps its own list: <em>Settings → Privacy &amp; Security → View Certificates → Authorities → "
    "Import</em>.": (
        "<strong>Firefox</strong> hat eine eigene Liste: <em>Einstellungen → Datenschutz &amp; Sicherheit → Zertifikate anzeigen "
        "→ Zertifizierungsstellen → Importieren</em>."
    ),
}
