"""How our processes talk to others of the same machine: over UDP, never through shared memory.

By default Fast DDS hands a message to another process of the machine through a queue in shared memory. When that
process has been killed, whoever writes to it next opens the queue anew and waits for a sign of life, inside `publish`
and for a second at a time (its `healthy_check_timeout_ms`, several times over). So one dead listener silences a node
towards everybody, and the base's driver stands still or drives on without odometry. Over UDP nobody waits for a
listener, and a driver that is left with shared memory has no queue of ours to wait at.
"""

from __future__ import annotations

import os
from pathlib import Path

import rclpy

from sac_son_nav.config import resource

TRANSPORTS, RANGE, LOCAL_ONLY = "FASTDDS_BUILTIN_TRANSPORTS", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOCALHOST_ONLY"
PROFILES = {2: "FASTRTPS_DEFAULT_PROFILES_FILE", 3: "FASTDDS_DEFAULT_PROFILES_FILE"}
"""What names a file of settings to Fast DDS, by its major version."""


def avoid_shared_memory() -> None:
    """Set this process's environment, and its children's, so that Fast DDS does without shared memory.

    Must come before the process's first node. Nothing changes under another middleware, and nothing where the user
    chose: a profiles file, FASTDDS_BUILTIN_TRANSPORTS (DEFAULT brings shared memory back), or ROS_STATIC_PEERS beside
    LOCALHOST, which only the middleware can combine.
    """
    if not rclpy.get_rmw_implementation_identifier().startswith("rmw_fastrtps"):
        return
    ours = str(resource("config", "dds/localhost.xml"))
    unchosen = {TRANSPORTS: "UDPv4", **dict.fromkeys(PROFILES.values(), ours)}
    local = os.environ.get(RANGE) == "LOCALHOST" or os.environ.get(LOCAL_ONLY) == "1"
    if local:
        unchosen["ROS_STATIC_PEERS"] = ""
    if any(os.environ.get(name, value) != value for name, value in unchosen.items()):
        return
    if local:
        # Told to stay on the machine, rmw_fastrtps asks for shared memory whatever the first variable says; left to
        # the file alone it does not.
        os.environ[PROFILES[_fast_dds()]] = ours
        os.environ[RANGE] = "SYSTEM_DEFAULT"
        os.environ.pop(LOCAL_ONLY, None)
    else:
        os.environ[TRANSPORTS] = "UDPv4"


def _fast_dds() -> int:
    """The major version of Fast DDS in this process; version 3 complains of the name that version 2 needs."""
    return 2 if "libfastrtps.so" in Path("/proc/self/maps").read_text() else 3
