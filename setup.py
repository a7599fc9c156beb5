import re
from pathlib import Path

from setuptools import find_packages, setup

NAME = "sac_son"
HERE = Path(__file__).resolve().parent

# The Python wheels of ROS 2 and every message package we or rclpy use, each pinned: rclpy does not pin them, and pip
# would mix two distributions. x86-64 only; a robot with ROS from apt needs none of this.
COMMON_INTERFACES = [
    *["diagnostic-msgs", "geometry-msgs", "nav-msgs", "sensor-msgs"],
    *["std-msgs", "std-srvs", "visualization-msgs"],
]
RCL_INTERFACES = [
    *["action-msgs", "builtin-interfaces", "lifecycle-msgs", "rcl-interfaces"],
    *["rosgraph-msgs", "service-msgs", "type-description-interfaces"],
]


def wheels(rclpy: str, common: str, rcl: str) -> list[str]:
    return [
        f"ros-rclpy[fastrtps]=={rclpy}",
        *(f"ros-{name}=={common}" for name in COMMON_INTERFACES),
        *(f"ros-{name}=={rcl}" for name in RCL_INTERFACES),
    ]


def files(folder: str) -> list[tuple[str, list[str]]]:
    """Every file below `folder` as data_files, subfolders kept; hidden files stay behind."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts):
            found.setdefault(f"share/{NAME}/{path.parent.as_posix()}", []).append(path.as_posix())
    return list(found.items())


version = re.search(r'^__version__ = "(.+)"$', (HERE / "sac_son_nav/__init__.py").read_text(), re.MULTILINE)
assert version, "sac_son_nav/__init__.py names no __version__"

setup(
    name=NAME,
    version=version[1],
    description="Socially unobtrusive navigation for mobile robots, with ROS 2",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    maintainer="The sac_son maintainers",
    maintainer_email="maintainers@users.noreply.r-seed-ab01fa2e.example",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["sac_son_nav*", "expressive_motion*"]),
    package_data={
        "sac_son_nav": ["py.typed"],
        "expressive_motion": ["py.typed", "*.yaml", "*/*.yaml", "language/prompts/*"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *files("launch"),
        *files("config"),
        *files("models"),
        # What `ros2 run` and launch start after a plain `pip install .`; colcon puts its own scripts there.
        (f"lib/{NAME}", [path.as_posix() for path in sorted(Path("scripts").iterdir()) if path.is_file()]),
    ],
    zip_safe=True,
    install_requires=[
        "setuptools",
        "array-api-compat",
        "joblib",  # `sac-son benchmark` wants 1.4, which apt may not have; no node needs it
        "matplotlib",
        "numpy>=1.21",
        # colcon with rosdep takes apt's python3-opencv and reads none of this. OpenCV 5 is another interface.
        "opencv-python-headless>=4.6,<5",
        "pyyaml",
        "rosbags",
        "safetensors>=0.4",
        "scipy>=1.8",
        "transforms3d",
    ],
    extras_require={
        "ros": wheels("9.1.2", "5.5.1", "2.3.0"),  # Kilted
        "ros_jazzy": wheels("7.1.6", "5.3.6", "2.0.3"),
        # Language models and the sandbox their programs run in; navigation does without.
        "expression": ["httpx>=0.27", "pydantic-monty>=1.4"],
        "train": ["gymnasium>=1.1", "torch>=2.6"],
        "test": ["pytest", "hypothesis"],
    },
    entry_points={
        "console_scripts": [
            "sac-son = sac_son_nav.cli:main",
            "perception_node = sac_son_nav.nodes.perception:main",
            "navigation_node = sac_son_nav.nodes.navigation:main",
            "simulation_node = sac_son_nav.nodes.simulation:main",
            "replay_node = sac_son_nav.nodes.replay:main",
            "expression_node = expressive_motion.nodes.expression:main",
        ],
    },
)
