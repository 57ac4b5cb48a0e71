"""What classes of objects are, as everybody says it."""

from vigilar_common.object_kinds import Kind as Kind
from vigilar_common.object_kinds import kind_of as kind_of
