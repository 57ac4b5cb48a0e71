"""The description of the public API: whole, true, and of nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

from vigilar_web.accounts.model import Account
from vigilar_web.openapi import BODIES, NO_BODY, documented
from vigilar_web.policy import SAFE_METHODS, Role
from web_people import ROUTES, add_account, sign_in


def described(web: Any) -> Any:
    account: Account = add_account(web, "viewer", role=Role.VIEWER)
    sign_in(web, account)
    response = web.get("/api/v1/openapi.json")
    assert response.status_code == 200, response.text
    return response.json()


def test_every_route_that_a_token_reaches_is_described_and_no_other(web: Any) -> None:
    found = {
        (method.upper(), path) for path, methods in described(web)["paths"].items() for method in methods
    }
    wanted = {(method, route.path_format) for route in documented(ROUTES) for method in route.methods or ()}
    assert found == wanted
    for hidden in ("/login", "/api/v1/me", "/api/v1/accounts", "/api/v1/sign-in", "/setup"):
        assert not [path for _, path in found if path.startswith(hidden)]


def test_every_operation_says_what_it_does_and_who_may(web: Any) -> None:
    document = described(web)
    operations = [(path, one) for path, methods in document["paths"].items() for one in methods.values()]
    silent = [path for path, one in operations if len(one["summary"]) < 10]
    assert silent == []
    for path, one in operations:
        assert one["x-scope"] in ("read", "control", "arm", "admin"), path
        assert one["x-role"] in ("viewer", "resident", "admin"), path
    assert len({one["operationId"] for _, one in operations}) == len(operations)


def test_every_change_has_an_example_that_its_model_takes() -> None:
    unsafe = {
        (method, route.path)
        for route in documented(ROUTES)
        for method in route.methods or ()
        if method not in SAFE_METHODS
    }
    assert unsafe == set(BODIES) | NO_BODY
    for key, (model, example) in BODIES.items():
        assert model.model_validate_json(json.dumps(example)), key


def test_every_reference_inside_the_document_leads_somewhere(web: Any) -> None:
    document = described(web)
    names = set(re.findall(r"#/components/schemas/([A-Za-z0-9_]+)", json.dumps(document)))
    assert names <= set(document["components"]["schemas"])
    assert document["security"] == [{"token": []}]
