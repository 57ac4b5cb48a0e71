"""axe-core in a page: what it finds by WCAG 2.2 AA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parent / "peers" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def violations(page: Page) -> list[str]:
    """Each as its rule, what is wrong, and where."""
    page.evaluate(AXE.read_text("utf-8"))  # not as a script of the page: its policy forbids that
    found: list[dict[str, Any]] = page.evaluate(
        "async (rules) => (await axe.run(document, { runOnly: rules })).violations", list(RULES)
    )
    return [
        f"{one['id']}: {node['failureSummary']} at {node['target']}" for one in found for node in one["nodes"]
    ]
