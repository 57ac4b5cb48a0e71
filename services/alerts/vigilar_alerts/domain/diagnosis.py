"""What a person can do about a delivery that failed, in plain words."""

from __future__ import annotations

CURES = {
    "dns": "Check the name for typing errors, and whether this machine can resolve names: getent hosts NAME.",
    "forbidden": "If this server is yours, name its address in [alerts] private_targets.",
    "refused": "Check host and port and whether the server runs; a firewall may refuse too.",
    "unreachable": "Check this machine's network, and that no firewall or proxy ends the connection.",
    "timeout": "Server or firewall say nothing: check host and port. Mail: many providers block port 25; a port other than 465 "
    "that speaks TLS from the first byte wants starttls = false.",
    "tls": "The port speaks no TLS, or an old one. Mail: use port 587 for STARTTLS, 465 for TLS; "
    "use_tls = false inside the house only.",
    "certificate": "Use the name the certificate is made for; name an authority of your own in [alerts] ca_file; "
    "check this machine's clock.",
    "protocol": "Something else answers at this address: check host, port and path.",
    "auth": "Check user name and password, token or secret; mail providers often want a password for apps.",
    "expired": "The device no longer takes notifications: turn them on there again.",
    "clock": "Set this machine's clock, best by NTP: timedatectl set-ntp true.",
    "redirect": "Redirects are not followed: enter the address that the server points to.",
    "busy": "The service asks to wait, or its limit is reached: alerts are tried again by themselves, repeat a test later.",
    "greylisted": "The mail server lets unknown senders wait: alerts are tried again by themselves, repeat a test later.",
    "rejected": "The service does not take this message, its answer says why: correct the address or setting that it names.",
    "missing": "Install what is named, or switch the channel off.",
    "setup": "Correct the setting that is named; it is taken over within seconds.",
}


def cure(problem: str, status: int) -> str:
    """For a failure of the kind `problem`; without one, by the HTTP status."""
    return CURES.get(problem or of_status(status), "")


def of_status(status: int) -> str:
    if 300 <= status < 400:
        return "redirect"
    if status in (401, 403, 407):
        return "auth"
    if status in (404, 410):
        return "expired"
    if status in (408, 425, 429) or status >= 500:
        return "busy"
    return "rejected" if status >= 400 else ""
