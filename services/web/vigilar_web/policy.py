"""What a route demands of whoever calls it. Every route declares it; the service does not start with one that did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from vigilar_common.errors import StartupError

Function = TypeVar("Function", bound=Callable[..., Any])
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Access(StrEnum):
    PUBLIC = "public"
    """Anybody, reading only: the login page, the manifest."""
    FORM = "form"
    """Anybody, a form or sign-in of ours: must not come from another site."""
    SIGNED = "signed"
    """Anybody with a signature, which the route checks."""
    SESSION = "session"
    """Signed in (or with a token, where the policy has a scope), else 401; unsafe methods need origin, CSRF token, JSON."""
    PAGE = "page"
    """Signed in, else sent to the login page."""
    PAGE_FORM = "page_form"
    """The same, with a plain form of ours, whose field `csrf` the route checks (`require_csrf`)."""


NEEDS_SESSION = (Access.SESSION, Access.PAGE, Access.PAGE_FORM)


class Role(StrEnum):
    """Each may do what the one before may."""

    VIEWER = "viewer"
    RESIDENT = "resident"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class Scope(StrEnum):
    """What an API token may do; none of them includes another, and the role of its owner bounds them all."""

    READ = "read"
    CONTROL = "control"
    ARM = "arm"
    ADMIN = "admin"


class Cameras(StrEnum):
    NONE = "none"
    """Nothing of any camera is in it."""
    PATH = "path"
    """The gate looks at `camera_id` of the path."""
    FILTERED = "filtered"
    """The route leaves out, or answers 404 to, what is of cameras that the caller may not see."""
    ALL = "all"
    """Tells of every camera: only for who may see them all."""


@dataclass(frozen=True)
class Policy:
    role: Role
    scope: Scope | None
    """None: no token reaches it."""
    cameras: Cameras
    audit: str = ""
    """The word that the audit log has for it. Routes that change something have one, or say QUIET."""
    recent: bool = False
    """Dangerous: the password (or a passkey) must have been given within the last minutes."""


QUIET = "-"
"""Changes nothing that anybody would ask about later: a lease that a page renews, a test that only looks."""
SEE = Policy(Role.VIEWER, Scope.READ, Cameras.NONE)
SEE_CAMERA = Policy(Role.VIEWER, Scope.READ, Cameras.PATH)
SEE_FILTERED = Policy(Role.VIEWER, Scope.READ, Cameras.FILTERED)
SEE_ALL = Policy(Role.RESIDENT, Scope.READ, Cameras.ALL)
OWN_PAGE = Policy(Role.VIEWER, None, Cameras.NONE)


def control(cameras: Cameras, audit: str) -> Policy:
    """Cameras, alerts, recordings: by everybody who lives here."""
    return Policy(Role.RESIDENT, Scope.CONTROL, cameras, audit)


def administer(audit: str, cameras: Cameras = Cameras.NONE, *, token: bool = True) -> Policy:
    return Policy(Role.ADMIN, Scope.ADMIN if token else None, cameras, audit)


def own(audit: str, *, recent: bool = False) -> Policy:
    """One's own account: anybody signed in, never a token."""
    return Policy(Role.VIEWER, None, Cameras.NONE, audit, recent)


def manage(audit: str = "", *, recent: bool = True) -> Policy:
    """Other people's accounts and the PINs: admins, and only with a recent sign-in where something changes."""
    return Policy(Role.ADMIN, None, Cameras.NONE, audit, recent)


def access(
    kind: Access, policy: Policy | None = None, *, renews: bool = True
) -> Callable[[Function], Function]:
    """Declare a route's access, under its path decorator. `renews`: such a request counts as activity."""

    def mark(function: Function) -> Function:
        function.__vigilar_access__ = kind  # type: ignore[attr-defined]
        function.__vigilar_policy__ = policy  # type: ignore[attr-defined]
        function.__vigilar_renews__ = renews  # type: ignore[attr-defined]
        return function

    return mark


def kind_of(endpoint: Any) -> Access | None:
    return getattr(endpoint, "__vigilar_access__", None)


def policy_of(endpoint: Any) -> Policy | None:
    return getattr(endpoint, "__vigilar_policy__", None)


def check(routes: Iterable[Any]) -> None:
    """Raises StartupError that names every route whose policy is missing or contradicts its path."""
    wrong = [f"{route.path}: {why}" for route in routes if (why := _why_not(route))]
    if wrong:
        raise StartupError("routes without a sound policy: " + "; ".join(wrong))


def _why_not(route: Any) -> str:
    kind, policy = kind_of(route.endpoint), policy_of(route.endpoint)
    if kind is None:
        return "declares no access"
    if kind not in NEEDS_SESSION:
        return ""
    if policy is None:
        return "declares no role, scope and cameras"
    unsafe = set(getattr(route, "methods", None) or ()) - set(SAFE_METHODS)
    if unsafe and not policy.audit:
        return "changes something and has no word in the audit log"
    named = "{camera_id}" in route.path
    if named != (policy.cameras is Cameras.PATH) and policy.cameras is not Cameras.ALL:
        return "camera_id in the path and the policy's cameras disagree"
    if policy.recent and policy.scope is not None:
        return "asks for a recent sign-in, which a token never has"
    return ""
