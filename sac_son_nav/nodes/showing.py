"""What a control step looked at, shown to whoever listens: plan, route, people's futures, terms of the objective."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Path
from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.nodes import conversions, markers, runtime
from sac_son_nav.nodes.diagnostics import OK, Status, to_diagnostics

MAP = "map"


class PlanShow:
    """Publishes `local_plan`, `route`, `predicted_people` and `objective`, all in the map."""

    def __init__(self, node: Node) -> None:
        make = node.create_publisher
        self._local_plan = make(Path, "local_plan", runtime.RELIABLE)
        self._route = make(Path, "route", runtime.LATCHED)
        self._predictions = make(MarkerArray, "predicted_people", runtime.RELIABLE)
        self._terms = make(DiagnosticArray, "objective", runtime.RELIABLE)
        self._shown_route: Any = None

    def show(self, plan: Plan, navigator: Navigator) -> None:
        """Everything the step looked at. The local plan's stamp is the scan's."""
        stamp = conversions.to_stamp(plan.stamp_s)
        self._local_plan.publish(conversions.to_path(plan.poses, stamp, MAP))
        if navigator.route is not self._shown_route and navigator.route is not None:
            self._shown_route = navigator.route
            self._route.publish(conversions.to_path(self._shown_route.points, stamp, MAP))
        if self._predictions.get_subscription_count():
            both = markers.prediction_markers(plan.people_with, plan.people_without, stamp, MAP)
            self._predictions.publish(both)
        if self._terms.get_subscription_count():
            self._terms.publish(to_diagnostics([_objective(plan, navigator)], stamp))


def _objective(plan: Plan, navigator: Navigator) -> Status:
    """Each term of the chosen plan, as it is and as it counts."""
    weights = navigator.config.objective.weights
    weighted = {f"{name}.cost": getattr(weights, name) * value for name, value in plan.terms.items()}
    return Status("objective", OK, plan.status, {**plan.terms, **weighted})
