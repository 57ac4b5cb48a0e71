"""Every payload that crosses the broker or the fact log, one module per subject.

A message is one flat JSON object: the envelope (`id`, `ts_ms`, `source`, `seq`, `v`) and its own fields.
Unknown fields are ignored so that an older reader understands a newer writer; an unknown version is refused.
"""

from vigilar_common.messages.base import Fact, Message, Reply

__all__ = ["Fact", "Message", "Reply"]
