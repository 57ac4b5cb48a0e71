"""The one way out of the house, for every service that sends something to another machine."""

from vigilar_common.egress.errors import EgressError, Problem
from vigilar_common.egress.out import Deadline, Egress, HttpAnswer

__all__ = ["Deadline", "Egress", "EgressError", "HttpAnswer", "Problem"]
