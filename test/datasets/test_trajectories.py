"""Ways in the processed format: what NumPy pickled comes back, and a pickle that wants more is refused unrun."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.datasets.trajectories import read_arrays, read_way, read_ways
from sac_son_nav.errors import DatasetError

WAY = {"position": np.random.default_rng(0).normal(size=(12, 2)), "yaw": np.linspace(-1.0, 1.0, 12)}


def put(folder: Path, what: Any, name: str = "Dec-06-2022-bww8_00000010_3", protocol: int = 4) -> Path:
    file = folder / name / "traj_data.pkl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(what if isinstance(what, bytes) else pickle.dumps(what, protocol))
    return file


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_back_from_every_protocol(tmp_path: Path, protocol: int) -> None:
    way = read_way(put(tmp_path, WAY, protocol=protocol))
    assert (way.session, way.bag, way.number) == ("Dec-06-2022-bww8", "00000010", "3")
    np.testing.assert_array_equal(way.positions, WAY["position"])
    np.testing.assert_array_equal(way.yaws, WAY["yaw"])


def test_other_layouts_of_numbers_come_back(tmp_path: Path) -> None:
    odd = {"f": np.asfortranarray(WAY["position"]), "b": WAY["yaw"].astype(">f4"), "n": np.arange(5), "l": [1.0, 2.0]}
    found = read_arrays(put(tmp_path, odd))
    for name, array in odd.items():
        np.testing.assert_array_equal(found[name], array)


class Shell:
    def __reduce__(self) -> Any:
        return os.system, ("touch run",)


HOSTILE: dict[str, tuple[Any, str]] = {
    "a command": (Shell(), "posix.system"),
    "a command in an array's place": ({"position": Shell(), "yaw": WAY["yaw"]}, "posix.system"),
    "a command by its old spelling": (b"cos\nsystem\n(S'touch run'\ntR.", "os.system"),
    "an attribute": (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
    "another function of numpy": (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
    "the stand-ins' own globals": (b"csac_son_nav.datasets.trajectories\npickle\n.", "trajectories.pickle"),
    "an instance": (b"(ios\nsystem\n.", r"a command \(0x69\)"),
    "an extension": (b"\x80\x02\x82\x01.", r"a command \(0x82\)"),
    "a persistent object": (b"Pfile\n.", r"a command \(0x50\)"),
    "a state for what is none of arrays": (b"\x80\x04cnumpy\ndtype\n}b.", "a state for a type"),
    "objects": ({"position": np.array([None, Shell()], dtype=object), "yaw": WAY["yaw"]}, "posix.system|type 'O8'"),
    "a text": ("position", "a str at its top"),
    "more bytes than there are": (b"\x80\x05\x96" + (2**45).to_bytes(8, "little"), "35184372088832 bytes in a file"),
    "a full memory": (b"\x80\x04r\xff\xff\xff\xff.", "list index out of range"),
    "nothing": (b"", "EOFError"),
    "half of it": (pickle.dumps(WAY)[:-60], "got"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_pickle_that_is_no_dict_of_arrays_is_refused_and_not_run(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    what, words = HOSTILE[name]
    file = put(tmp_path, what)
    with pytest.raises(DatasetError, match=words) as caught:
        read_way(file)
    assert str(caught.value).startswith(f"pickle {file}: expected a dict of NumPy arrays and nothing else, got ")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [file.parent.name]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"position": WAY["position"]}, "expected position and yaw, got position"),
        ({"position": WAY["yaw"], "yaw": WAY["yaw"]}, r"expected position \(T, 2\) and yaw \(T,\), got \(12,\)"),
        ({"position": WAY["position"] * np.nan, "yaw": WAY["yaw"]}, "expected finite numbers"),
    ],
)
def test_a_way_that_makes_no_sense_is_one_sentence(tmp_path: Path, what: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_way(put(tmp_path, what))


def test_the_command_tells_what_a_folder_of_ways_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match=r"expected <session>_<bag>_<k>/traj_data.pkl, got none"):
        read_ways(tmp_path)
    put(tmp_path, WAY)
    put(tmp_path, WAY, "Jan-12-2023-cory1-intloss_00000001_0")
    assert [way.session for way in read_ways(tmp_path)] == ["Dec-06-2022-bww8", "Jan-12-2023-cory1-intloss"]
    assert main(["evaluate", "huron", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert "2 stretches of 2 sessions in the processed format, 22 steps" in capsys.readouterr().out
