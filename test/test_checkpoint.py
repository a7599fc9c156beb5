"""Weights on disk: what is written comes back, and whatever is wrong with a file is one sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav import checkpoint
from sac_son_nav.checkpoint import Model, expect, git_state, load_model, read_tensors, save_model, write_tensors
from sac_son_nav.errors import CheckpointError

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(7, np.int64), "c": np.zeros((0, 2))}


def test_arrays_come_back_to_the_last_bit_with_what_was_told(tmp_path: Path) -> None:
    sha256 = write_tensors(tmp_path / "w.safetensors", WEIGHTS, {"step": 3, "curve": [[1, 0.1]]})
    assert hashlib.sha256((tmp_path / "w.safetensors").read_bytes()).hexdigest() == sha256
    tensors, told = read_tensors(tmp_path / "w.safetensors", sha256)
    assert told == {"step": 3, "curve": [[1, 0.1]]}
    assert {n: (a.dtype, a.shape) for n, a in tensors.items()} == {n: (a.dtype, a.shape) for n, a in WEIGHTS.items()}
    assert all(np.array_equal(tensors[name], array) for name, array in WEIGHTS.items())
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_the_same_arrays_make_the_same_file(tmp_path: Path) -> None:
    hashes = {write_tensors(tmp_path / "w", dict(order)) for order in (WEIGHTS.items(), reversed(WEIGHTS.items()))}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 4, b"not weights at all", b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00{}more"]
)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"weights .*w: expected a safetensors file, got {len(data)} bytes"):
        read_tensors(tmp_path / "w")


def test_a_file_cut_short_or_altered_anywhere_is_found(tmp_path: Path) -> None:
    sha256 = write_tensors(tmp_path / "w", WEIGHTS)
    whole = (tmp_path / "w").read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / "w").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="SHA-256"):
            read_tensors(tmp_path / "w", sha256)
        (tmp_path / "w").write_bytes(whole[:place])
        with pytest.raises(CheckpointError, match="expected a safetensors file"):
            read_tensors(tmp_path / "w")


def made(folder: Path) -> Path:
    save_model(folder, Model("forecaster", {"width": 3}, WEIGHTS, {"seconds": 9}), "# A card\n")
    return folder


def test_a_model_comes_back(tmp_path: Path) -> None:
    model = load_model(made(tmp_path / "m"), "forecaster")
    assert (model.kind, model.settings, model.made["seconds"]) == ("forecaster", {"width": 3}, 9)
    assert set(model.weights) == set(WEIGHTS)
    assert (tmp_path / "m/card.md").read_text() == "# A card\n"


@pytest.mark.parametrize("kind", ["forecaster", "pednet", "pednet_robot", "policy", "response"])
def test_every_kind_of_model_says_at_which_commit_it_was_made(tmp_path: Path, kind: str) -> None:
    save_model(tmp_path, Model(kind, {}, WEIGHTS), "card")
    assert load_model(tmp_path, kind).made["git"] == git_state()
    save_model(tmp_path, Model(kind, {}, WEIGHTS, {"git": {"commit": "abc", "dirty": False}}), "card")
    assert load_model(tmp_path, kind).made["git"]["commit"] == "abc"  # as the training knew it when it began


def test_a_model_made_outside_of_a_git_checkout_says_so_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PACKAGE", tmp_path / "sac_son_nav")
    for made in ({}, {"git": None}):
        save_model(tmp_path / "m", Model("policy", {}, WEIGHTS, made), "card")
        assert load_model(tmp_path / "m", "policy").made["git"] == (
            "none: the code that made this stood in no git checkout"
        )


def test_what_is_wrong_with_a_model_is_said(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    with pytest.raises(CheckpointError, match="expected a response, got a forecaster"):
        load_model(folder, "response")
    config = (folder / "config.yaml").read_text()
    for broken, words in (
        (
            config.replace("settings:", "setting:"),
            "expected the keys kind, settings, made, weights_sha256, got kind, s",
        ),
        (config + "more: 1\n", "expected the keys"),
        ("[1, 2", "expected YAML"),
        ("", "got None"),
        (config.replace("sha256: ", "sha256: 0"), "expected the file whose SHA-256 begins 0"),
    ):
        (folder / "config.yaml").write_text(broken)
        with pytest.raises(CheckpointError, match=words):
            load_model(folder, "forecaster")
    (folder / "config.yaml").write_text(config)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no such file"):
        load_model(folder, "forecaster")
    with pytest.raises(CheckpointError, match="'nobodys_model': not found; known are"):
        load_model("nobodys_model", "forecaster")
    with pytest.raises(CheckpointError, match="no such folder"):
        load_model(tmp_path / "x" / "y", "forecaster")


def test_weights_must_be_those_the_code_expects() -> None:
    like = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(2, np.float32)}
    expect({"a": np.ones((2, 3), np.float32), "b": np.ones(2, np.float32)}, like, "m")
    for wrong, words in (
        ({"a": like["a"]}, "expected 2 arrays, got 1: it lacks 'b'"),
        ({**like, "c": like["b"]}, "got 3: it also has 'c'"),
        ({**like, "b": np.zeros(3, np.float32)}, r"b: expected float32 \(2,\), got float32 \(3,\)"),
        ({**like, "b": np.zeros(2)}, r"b: expected float32 \(2,\), got float64 \(2,\)"),
        ({**like, "b": np.array([0.0, np.nan], np.float32)}, "b: expected finite numbers"),
    ):
        with pytest.raises(CheckpointError, match=words):
            expect(wrong, like, "m")
