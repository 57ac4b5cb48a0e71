"""The pages before login in German: complete, and chosen by the browser or by the switch."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import vigilar_web
from vigilar_web import language, templates, templates_trust
from vigilar_web.address import Address

SAME = {"Code", "Android"}
NO_TLS = Address(tls=False, names=(), ends_ms=0, own_authority=False, fingerprint="", page_url="")
HERE = Path(vigilar_web.__file__).parent


def literals(module: Any) -> set[str]:
    """What `say` is given: its own first argument, and every sentence put into a name that it is given."""
    tree = ast.parse(Path(module.__file__).read_text())
    named = {
        node.targets[0].id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    calls = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
    ]
    found = {arg.value for arg in calls if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return found | {named[arg.id] for arg in calls if isinstance(arg, ast.Name) and arg.id in named}


def test_every_sentence_of_the_templates_has_german() -> None:
    said = literals(templates) | literals(templates_trust)
    said |= {step for heading, steps in templates_trust.DEVICES.values() for step in (heading, *steps)}
    assert len(said) > 30
    assert said - set(language.GERMAN) == set()


def test_german_puts_the_same_things_into_the_same_marks() -> None:
    for english, german in language.GERMAN.items():
        for mark in (r"\{\w+\}", r"</?strong>", r"</?code>", r"</?em>"):
            assert sorted(re.findall(mark, german)) == sorted(re.findall(mark, english)), german
        assert german != english or english in SAME, english


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        ("de", "en", "de"),
        ("en", "de-AT,de;q=0.9", "en"),
        ("xx", "fr, de-CH;q=0.8, en;q=0.5", "de"),
        ("", "", "en"),
        ("../../etc", "zz", "en"),
    ],
)
def test_the_choice_of_the_browser_goes_before_its_preference(
    cookie: str, accepted: str, expected: str
) -> None:
    assert language.chosen(cookie, accepted) == expected


def test_the_login_page_speaks_german_and_refuses_in_german(web: Any) -> None:
    page = web.ask("GET", "/login", headers={"Accept-Language": "de-AT"}).text
    assert '<html lang="de">' in page
    assert "Passwort" in page
    assert "Log in" not in page
    form = {"username": "admin", "password": "wrong"}
    headers = {"Origin": "http://house.lan:49735", "Accept-Language": "de"}
    refused = web.ask("POST", "/login", data=form, headers=headers)
    assert refused.status_code == 401
    assert "Benutzername oder Passwort ist falsch." in refused.text


def test_the_switch_is_kept_by_this_browser_and_leads_to_the_same_place(web: Any) -> None:
    english = web.get("/login?next=/events%3Fcamera%3Dfront")
    assert '<html lang="en">' in english.text
    link = re.search(r'href="(/login\?language=de[^"]*)"', english.text)
    assert link
    german = web.get(link[1].replace("&amp;", "&"))
    assert 'value="/events?camera=front"' in german.text
    assert "vigilar_language=de" in german.headers["set-cookie"]
    assert "HttpOnly" not in german.headers["set-cookie"]
    assert '<html lang="de">' in web.ask("GET", "/login", headers={"Cookie": "vigilar_language=de"}).text


def test_an_unknown_language_changes_nothing(web: Any) -> None:
    answer = web.get("/login?language=%3Cscript%3E")
    assert "set-cookie" not in answer.headers
    assert "<script>" not in answer.text


def test_the_way_to_trust_the_house_is_told_in_german() -> None:
    language.use("de")
    try:
        page = templates_trust.trust("Haus", NO_TLS, "ios")
        other = templates.reset_pin("Haus", "x", "The two PINs differ.")
    finally:
        language.use("en")
    assert "nicht verschlüsselt" in page
    assert "Die beiden PINs sind nicht gleich." in other
