"""The laws that simulated people can walk by, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sac_son_nav.arrays import Array
from sac_son_nav.crowds import orca, power_law, social_force
from sac_son_nav.errors import ConfigError


@dataclass(frozen=True)
class Law:
    """A law of walking: how positions and velocities go on, its parameters, and the time [s] in which it brings people
    back to the velocity they want, None if they take it at once."""

    step: Callable[..., tuple[Array, Array]]
    config: Any
    relaxation_time: float | None = None


# Bodies are hard here; a forecast in long steps has to make do with the softer ones of the law's defaults.
BODIES = social_force.SocialForceConfig(contact_stiffness=250.0)
LAWS = {
    "social_force": Law(social_force.step, BODIES, BODIES.relaxation_time),
    "orca": Law(orca.step, orca.OrcaConfig()),
    "power_law": Law(power_law.step, power_law.PowerLawConfig(), power_law.PowerLawConfig().relaxation_time),
}


def law_named(name: str | Law) -> Law:
    """One of LAWS, or a law that is given as such; raises ConfigError for another name."""
    if isinstance(name, Law):
        return name
    if name not in LAWS:
        raise ConfigError(f"humans: expected one of {', '.join(LAWS)}, got {name!r}")
    return LAWS[name]
