"""Annotated recordings made by hand."""

from __future__ import annotations

from pathlib import Path

# The picture's rows run along x, its columns along y, 0.05 m to a pixel: right-handed seen from above, since rows run
# downwards. Against the rows instead, it is left-handed.
UPRIGHT = "0.05 0 -1\n0 0.05 -2\n0 0 1\n"
MIRRORED = "-0.05 0 4\n0 0.05 -2\n0 0 1\n"


def annotate(folder: Path, rows: list[tuple[int, int, float, float]], **files: str) -> Path:
    """A recording of rows of frame, person, x, y; other files by their stem."""
    folder.mkdir(exist_ok=True)
    lines = [f"   {f:e} {i:e} {float(x)!r} 0.0 {float(y)!r} 0.0 0.0 0.0   " for f, i, x, y in rows]
    (folder / "obsmat.txt").write_text("\n".join(lines))
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return folder
