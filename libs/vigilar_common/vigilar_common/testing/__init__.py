"""Hand-written doubles and real parts for tests; never imported by production code."""

from vigilar_common.testing.fakes import FakeBus, FakeClock, FakeFacts, FakeStorage, Published

__all__ = ["FakeBus", "FakeClock", "FakeFacts", "FakeStorage", "Published"]
