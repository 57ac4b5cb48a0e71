"""docs/reference/topics.md and asyncapi.json, made from the topic table:  python -m vigilar_common.topics_reference [--check]"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from vigilar_common import __version__
from vigilar_common.messages import Fact
from vigilar_common.topics import TOPICS, Topic

PAGE = Path("docs/reference/topics.md")
ASYNCAPI = Path("docs/reference/asyncapi.json")


def page() -> str:
    lines = [
        "# MQTT topics",
        "",
        "Generated from `vigilar_common.topics`; the broker's users and ACL come from the same table.",
        "States are retained and asserted again after a reconnect.",
        "Commands are refused when retained, older than 30 s or repeated.",
        "`*` is every Vigilar service, `camera-worker` each camera's own user for its own camera alone.",
        "",
    ]
    for topic in TOPICS:
        lines += _section(topic)
    return "\n".join(lines).rstrip() + "\n"


def _section(topic: Topic) -> list[str]:
    lines = [f"## `{topic.pattern}`", "", topic.doc, ""]
    said = f"{topic.kind.value}, QoS {topic.qos}" + (", retained" if topic.retain else "")
    lines += [
        f"- kind: {said}; at most {topic.max_bytes} bytes",
        f"- published by: {_names(topic.publishers)}; read by: {_names(topic.subscribers)}",
    ]
    if topic.model is not None:
        if issubclass(topic.model, Fact):
            lines.append(f"- fact type in the log: `{topic.model.TYPE}`")
        lines += ["", "| field | type | meaning |", "|---|---|---|"]
        for name, schema in topic.model.model_json_schema()["properties"].items():
            if name in ("id", "ts_ms", "source", "seq", "v"):
                continue
            lines.append(f"| `{name}` | {_type(schema)} | {schema.get('description', '')} |")
    return [*lines, ""]


def _names(parties: tuple[str, ...]) -> str:
    return ", ".join(parties) or "nobody (log only)"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def asyncapi() -> str:
    """An AsyncAPI 3.0 document."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in TOPICS:
        name = re.sub(r"\W+", "_", topic.pattern.removeprefix("vigilar/")).strip("_")
        message: dict[str, Any] = {"contentType": "application/octet-stream"}
        if topic.model is not None:
            schema = topic.model.model_json_schema(
                ref_template=f"#/channels/{name}/messages/payload/payload/$defs/{{model}}"
            )
            message = {"contentType": "application/json", "payload": schema}
        parameters = {
            p: {"description": "letters, digits, _ and -"} for p in re.findall(r"\{(\w+)\}", topic.pattern)
        }
        channels[name] = {
            "address": topic.pattern,
            "description": topic.doc,
            "messages": {"payload": message},
            **({"parameters": parameters} if parameters else {}),
        }
        operations[name] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retain, "bindingVersion": "0.2.0"}},
        }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Vigilar", "version": __version__},
        "channels": channels,
        "operations": operations,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(argv: list[str]) -> int:
    stale = []
    for path, text in ((PAGE, page()), (ASYNCAPI, asyncapi())):
        if "--check" not in argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            stale.append(str(path))
    if stale:
        sys.stderr.write(f"not as the code says: {', '.join(stale)}; run `make docs-write`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
