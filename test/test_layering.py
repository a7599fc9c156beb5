"""The arrows of the architecture: which part may import which, and what the pure parts leave alone."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

VOCABULARY = "vocabulary"  # the modules directly in sac_son_nav: everyone may use them, they use nobody
BELOW: dict[str, set[str]] = {
    VOCABULARY: set(),
    "crowds": {VOCABULARY},
    "perception": {VOCABULARY},
    "datasets": {VOCABULARY},
    "prediction": {VOCABULARY, "crowds"},
    "navigation": {VOCABULARY, "crowds", "prediction"},
    "simulation": {VOCABULARY, "crowds", "datasets"},  # recorded people are replayed
}
BELOW["baselines"] = {VOCABULARY, "crowds", "prediction", "navigation", "simulation"}
BELOW["evaluation"] = {*BELOW, "baselines"}
BELOW["training"] = {*BELOW, "evaluation"}
BELOW["nodes"] = set(BELOW)
BELOW["cli"] = set(BELOW) | {"expressive_motion"}
BELOW["expressive_motion"] = {VOCABULARY, "simulation"}  # and nodes.conversions, see `complaint`

# The rooms of expressive_motion among themselves; "words" are its modules that use nobody else's room.
WORDS = {"errors", "robot", "chain", "bans", "behaviour"}
ROOMS: dict[str, set[str]] = {
    "words": set(),
    "programs": {"words"},
    "skills": {"words"},
    "rehearsals": {"words", "programs", "skills"},
    "language": {"words"},
    "offline": {"words", "programs", "language"},
}
ROOMS["top"] = {*ROOMS, "nodes"}  # pipeline, library, models, events, and the command line's verbs
ROOMS["evaluation"] = {*ROOMS} - {"nodes"}
ROOMS["nodes"] = {*ROOMS} - {"evaluation"}
ROOMS["measuring"] = {*ROOMS}

PURE = {VOCABULARY, "crowds", "perception", "prediction", "navigation"}
FILES_ALLOWED = {"sac_son_nav.config", "sac_son_nav.checkpoint"}  # the two doors of the vocabulary
CLOCK = {"time", "datetime", "sched"}
NETWORK = {"socket", "http", "urllib", "requests", "ssl", "asyncio", "socketserver"}
FILES = {"os", "pathlib", "io", "tempfile", "shutil", "subprocess", "glob", "yaml", "json", "pickle", "cv2"}
GYM = {"gym", "gymnasium"}
FILE_CALLS = {"open", "load", "save", "savez", "loadtxt", "savetxt", "genfromtxt", "fromfile", "tofile", "memmap"}
GENERATORS = {"Generator", "default_rng", "SeedSequence"}  # the parts of numpy.random without a hidden state


def modules() -> list[Path]:
    return sorted(p for package in ("sac_son_nav", "expressive_motion") for p in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The part a module stands in: `sac_son_nav.crowds.orca` in crowds, `sac_son_nav.maps` in the vocabulary."""
    package, *rest = module.split(".")
    if package == "expressive_motion":
        return package
    if rest[:1] == ["cli"] or (rest and rest[0] in BELOW):
        return rest[0]
    return VOCABULARY


def expressive_room(module: str) -> str:
    """The same within expressive_motion; its modules outside of a room are words or top."""
    if module == "expressive_motion.nodes.measuring":
        return "measuring"  # looks at the node from outside, and asks it for the twelve
    name = module.split(".")[1] if "." in module else "words"
    return name if name in ROOMS else "words" if name in WORDS else "top"


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere in the tree, absolute, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*up, base] if base else up)
            # `from sac_son_nav import maps` names a module, `from sac_son_nav.maps import X` a thing in one
            yield from (
                (node.lineno, f"{base}.{alias.name}" if base == "sac_son_nav" else base) for alias in node.names
            )
            if base == "sac_son_nav.nodes":
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def is_ros(module: str) -> bool:
    top = module.split(".")[0]
    return top in {"rclpy", "launch", "launch_ros", "tf2_ros", "ament_index_python"} or top.endswith(
        ("_msgs", "_interfaces")
    )


def complaint(module: str, imported: str) -> str | None:
    """Why this import breaks the house's order, or None."""
    here, top = room(module), imported.split(".")[0]
    if top in ("sac_son_nav", "expressive_motion"):
        there = room(imported)
        if module.startswith("expressive_motion.nodes") and imported.startswith("sac_son_nav.nodes"):
            return None  # its node shares what every node needs
        if here == "expressive_motion" and imported.startswith("sac_son_nav.nodes"):
            return (
                None if imported.startswith("sac_son_nav.nodes.conversions") else "only nodes.conversions of the nodes"
            )
        if here == "expressive_motion" and imported == "sac_son_nav.navigation.shield":
            return None  # what is rehearsed goes through the same shield as what is done
        if here == there == "expressive_motion":
            mine, theirs = expressive_room(module), expressive_room(imported)
            return None if mine == theirs or theirs in ROOMS[mine] else f"{mine} may not use {theirs}"
        if there != here and there not in BELOW[here]:
            return f"{here} may not use {there}"
        if imported.startswith("sac_son_nav.cli"):
            return None if here == "cli" else "nobody imports the command line"
        return None
    if here in ("nodes", "cli", "expressive_motion", "evaluation", "training"):
        return None
    if is_ros(imported) or top in NETWORK:
        return f"no ROS and no network in {here}"
    if top in GYM and module != "sac_son_nav.simulation.env":
        return f"no gym in {here}"
    if top in CLOCK:
        return f"no clock in {here}: time is an argument"
    if here in PURE and module not in FILES_ALLOWED and top in FILES | {"random"}:
        return f"no files and no hidden randomness in {here}"
    return None


def hidden_state(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Uses of files and of NumPy's global random numbers that need no import of their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            numpy = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in ("np", "numpy")
            if name == "open" or (numpy and name in FILE_CALLS):
                yield node.lineno, f"{name}() opens a file"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            base = getattr(node.value.value, "id", "")
            if base in ("np", "numpy") and node.attr not in GENERATORS:
                yield node.lineno, f"np.random.{node.attr} has a hidden state: take a Generator"


def complaints(source: str, module: str, is_package: bool = False) -> list[str]:
    tree = ast.parse(source)
    found = [
        f"{module}:{line}: imports {imported}: {why}"
        for line, imported in imports(tree, module, is_package)
        if (why := complaint(module, imported))
    ]
    if room(module) in PURE and module not in FILES_ALLOWED:
        found += [f"{module}:{line}: {why}" for line, why in hidden_state(tree)]
    return found


@pytest.mark.parametrize("path", modules(), ids=module_name)
def test_arrows_point_inward(path: Path) -> None:
    assert complaints(path.read_text(), module_name(path), path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sac_son_nav.maps", "from sac_son_nav.crowds import social_force"),
        ("sac_son_nav.navigation.planner", "from sac_son_nav.simulation.simulator import Simulator"),
        ("sac_son_nav.simulation.people", "from sac_son_nav.navigation import navigator"),
        ("sac_son_nav.simulation.people", "def f():\n    import time"),
        ("sac_son_nav.simulation.people", "from nav_msgs.msg import Path"),
        ("sac_son_nav.simulation.task", "import gymnasium"),
        ("sac_son_nav.crowds.orca", "from ..prediction import predictor"),
        ("sac_son_nav.crowds.orca", "from .. import nodes"),
        ("sac_son_nav.navigation.planner", "import os.path"),
        ("sac_son_nav.navigation.planner", "import numpy as np\nnp.random.rand(3)"),
        ("sac_son_nav.prediction.learned", "import numpy as np\nnp.load('weights.npz')"),
        ("sac_son_nav.perception.tracking", "open('x')"),
        ("sac_son_nav.evaluation.benchmark", "from sac_son_nav.nodes import runtime"),
        ("sac_son_nav.nodes.perception", "from sac_son_nav.cli import main"),
        ("sac_son_nav.nodes.perception", "import expressive_motion"),
        ("expressive_motion.events", "from sac_son_nav.nodes import runtime"),
        ("expressive_motion.events", "from sac_son_nav.navigation.navigator import Navigator"),
        ("expressive_motion.skills.guard", "from expressive_motion.rehearsals import checks"),
        ("expressive_motion.robot", "from expressive_motion.skills.actions import ACTIONS"),
        ("expressive_motion.offline.model", "from expressive_motion.library import Library"),
        ("expressive_motion.nodes.stage", "from expressive_motion.evaluation import norms"),
    ],
)
def test_a_wrong_arrow_is_found(module: str, source: str) -> None:
    assert complaints(source, module) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sac_son_nav.config", "import os, yaml"),
        ("sac_son_nav.simulation.scenarios", "from pathlib import Path\nfrom sac_son_nav.crowds import social_force"),
        (
            "sac_son_nav.navigation.planner",
            "import numpy as np\nrng = np.random.default_rng(0)\nfrom sac_son_nav import maps",
        ),
        ("sac_son_nav.simulation.env", "import gymnasium"),
        ("sac_son_nav.crowds.orca", "from . import social_force"),
        ("sac_son_nav.nodes.perception", "import time, rclpy\nfrom sac_son_nav.perception import tracking"),
        ("expressive_motion.nodes.expression", "from sac_son_nav.nodes.conversions import to_twist"),
        ("expressive_motion.rehearsals.rehearsal", "from sac_son_nav.navigation.shield import shield"),
    ],
)
def test_a_right_arrow_is_left_alone(module: str, source: str) -> None:
    assert complaints(source, module) == []


def uses(path: Path, known: set[str]) -> set[str]:
    """The modules of this house that a file imports anywhere, also for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {m if (m := f"{node.module}.{alias.name}") in known else str(node.module) for alias in node.names}
    return found & known - {module_name(path)}


def test_no_imports_run_in_a_circle() -> None:
    known = {module_name(path) for path in modules()}
    try:
        graphlib.TopologicalSorter({module_name(path): uses(path, known) for path in modules()}).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def imported_after(*names: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after importing these."""
    code = f"import {', '.join(names)}, sys; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_costs_nothing_heavy() -> None:
    loaded = imported_after("sac_son_nav", "sac_son_nav.cli")
    assert loaded.isdisjoint({"torch", "rclpy", "cv2", "scipy", "matplotlib", "gymnasium"})


def test_the_core_and_the_nodes_run_without_torch() -> None:
    pytest.importorskip("rclpy")
    names = [module_name(p) for p in modules() if room(module_name(p)) not in ("training", "cli")]
    names.remove("sac_son_nav.simulation.env")  # for those who train
    loaded = imported_after(*(n for n in names if n != "sac_son_nav.nodes.launching"))  # that one needs launch
    assert "rclpy" in loaded  # so the nodes were imported
    assert loaded.isdisjoint({"torch", "torchvision", "gymnasium", "habitat_sim"})
