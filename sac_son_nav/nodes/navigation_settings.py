"""The settings of the navigation node that are not the navigator's own."""

from __future__ import annotations

from dataclasses import dataclass

from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes import actions


@dataclass(frozen=True)
class NodeConfig:
    """What only the node knows about."""

    autostart: bool = True  # configure and activate without being told
    require_map: bool = True  # stand until a map or a plan has come; false: straight to the goal in the open
    watchdog_period: float = 0.05  # [s]
    plan_timeout: float = 0.0  # [s] after which the last command is taken back; 0: two and a half sweeps of the laser
    action: str = "navigate_to_pose"  # served where nav2_msgs exists: that, "follow_path" behind Nav2, or "none"
    stop_file: str = ""  # where the software stop outlives the node; empty: one of its own below ROS_HOME (~/.ros)
    seed: int = 0  # of the candidates' noise

    def __post_init__(self) -> None:
        if self.action not in actions.KINDS:
            raise ConfigError(f"action: expected one of {', '.join(actions.KINDS)}, got {self.action!r}")
        if not (self.watchdog_period > 0.0 and self.plan_timeout >= 0.0):
            raise ConfigError("watchdog_period and plan_timeout: expected seconds above zero, plan_timeout also zero")
