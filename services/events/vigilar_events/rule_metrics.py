"""What rules did and could not do, for `/metrics`."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from vigilar_events.rule_actions import Actor
from vigilar_events.rules import Rules


class RuleMetrics(Collector):
    def __init__(self, rules: Rules, actor: Actor) -> None:
        self._rules, self._actor = rules, actor

    def collect(self) -> list[CounterMetricFamily]:
        met = CounterMetricFamily(
            "vigilar_rules_met", "rules whose conditions were met, by what came of it", labels=["result"]
        )
        for result, count in self._rules.results().items():
            met.add_metric([result], count)
        actions = CounterMetricFamily(
            "vigilar_rule_actions", "actions of rules, and those that failed", labels=["action"]
        )
        for action, count in list(self._actor.counters.items()):
            actions.add_metric([action], count)
        problems = CounterMetricFamily(
            "vigilar_rule_problems", "what the rules could not keep or take in", labels=["problem"]
        )
        for problem, count in list(self._rules.counters.items()):
            problems.add_metric([problem], count)
        return [met, actions, problems]
