"""The few errors that Vigilar's own code raises; each names the thing that failed and why."""

from __future__ import annotations


class VigilarError(Exception):
    """Base of all errors a person may see: the text says what, where and the cure when there is one."""


class ConfigError(VigilarError):
    """A configuration that cannot be used; names file, line, section and key."""


class BadMessageError(VigilarError):
    """A payload that does not fit its topic's model; it reached no handler."""


class OutboxFullError(VigilarError):
    """The outbox reached its size bound and holds only facts that may never be dropped."""


class StorageUnavailableError(VigilarError):
    """Storage did not answer (down, slow, refusing): try again later."""


class StorageRefusedError(VigilarError):
    """Storage understood the request and said no: trying again cannot help."""


class FileDamagedError(VigilarError):
    """A `.vge` file that fails authentication or is not what it says; names file, chunk and offset."""


class WrongKeyError(VigilarError):
    """No key at hand opens this file."""


class StartupError(VigilarError):
    """A service cannot start: the reason is for the operator and ends the process with exit code 1."""
