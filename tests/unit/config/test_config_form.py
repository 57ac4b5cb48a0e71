"""The form of the settings page: every key of the models, each with what a page needs to ask for it."""

from __future__ import annotations

import json

from vigilar_common.config.base import is_secret
from vigilar_common.config.form import FormField, Kind, form
from vigilar_common.config.load import leaves
from vigilar_common.config.models import field_at
from vigilar_common.config.root import KEYED_LISTS, Config


def field(path: str, key: str) -> FormField:
    section = next(section for section in form() if section["path"] == path)
    return next(field for field in section["fields"] if field["key"] == key)


def test_every_key_of_the_configuration_is_in_the_form_once() -> None:
    asked = [f"{section['path']}.{field['key']}" for section in form() for field in section["fields"]]
    assert len(asked) == len(set(asked))
    lists = {".".join(path) for path in KEYED_LISTS}
    wanted = {".".join(part for part in path if isinstance(part, str)) for path, _, _ in leaves(Config())}
    assert wanted - lists <= set(asked)
    assert "cameras.rtsp_url" in asked, "the keys of an entry are asked for although no entry is there"


def test_every_key_says_what_it_is_called_what_it_means_and_how_it_is_entered() -> None:
    for section in form():
        assert section["title"], section["path"]
        assert section["about"].endswith("."), section["path"]
        for key in section["fields"]:
            name = f"{section['path']}.{key['key']}"
            assert key["title"], name
            assert key["about"], name
            if key["kind"] in (Kind.CHOICE, Kind.CHOICES):
                assert key["choices"], name


def test_kinds_and_bounds_follow_the_models() -> None:
    assert field("web", "port")["kind"] is Kind.INTEGER
    assert (field("web", "port")["minimum"], field("web", "port")["maximum"]) == (1, 65535)
    assert field("system", "log_level")["choices"] == ["DEBUG", "INFO", "WARNING", "ERROR"]
    assert field("cameras", "enabled")["kind"] is Kind.FLAG
    assert field("cameras", "zones")["kind"] is Kind.JSON
    assert field("cameras", "id")["required"]
    assert field("mqtt", "publish_topics")["kind"] is Kind.TEXTS


def test_secrets_are_asked_for_as_such_and_never_have_a_value() -> None:
    for section in form():
        for key in section["fields"]:
            found = field_at((*section["path"].split("."), key["key"]))
            assert found is not None
            assert (key["kind"] is Kind.SECRET) == is_secret(found)
            if is_secret(found):
                assert "default" not in key
    json.dumps(form())
