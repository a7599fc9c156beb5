"""A robot's way alone, from the processed format of GNM and ViNT: ``<session>_<bag>_<k>/traj_data.pkl``.

Each file is a pickle of ``{"position": (T, 2) [m], "yaw": (T,) [rad]}``. A pickle is a program, so these are not run:
the reader below knows the few commands that a dict of arrays is made of and refuses every other one, and what stands
for NumPy's own constructors are the four functions here. Nothing else can be named.

The files' steps are a quarter of a second of record time; that time runs three to four times too fast
(:mod:`.huron`), so a step took about a second, and nobody knows it better.
"""

from __future__ import annotations

import io
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import DatasetError
from sac_son_nav.states import Floats

FILE = "traj_data.pkl"
LARGEST = 64 * 2**20  # bytes of a file
_WORDS = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT STRING "
    "BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES UNICODE BINUNICODE SHORT_BINUNICODE EMPTY_TUPLE TUPLE TUPLE1 "
    "TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST APPEND APPENDS PUT BINPUT LONG_BINPUT MEMOIZE GET "
    "BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE"
)


@dataclass(frozen=True)
class Way:
    """One stretch of a robot's way: positions (T, 2) [m] and yaws (T,) [rad] in its odometry's frame."""

    session: str
    bag: str
    number: str
    positions: Floats
    yaws: Floats


def read_ways(folder: Path | str) -> tuple[Way, ...]:
    """Every stretch in a folder, in the order of their names. Raises DatasetError for one that is none."""
    files = sorted(Path(folder).glob(f"*/{FILE}"))
    if not files:
        raise DatasetError(f"ways {folder}: expected <session>_<bag>_<k>/{FILE}, got none")
    return tuple(read_way(file) for file in files)


def read_way(path: Path | str) -> Way:
    """One `traj_data.pkl`. Session, bag and number are those of its folder's name."""
    path = Path(path)
    found = read_arrays(path)
    if not {"position", "yaw"} <= found.keys():
        raise DatasetError(f"way {path}: expected position and yaw, got {', '.join(found) or 'nothing'}")
    positions, yaws = found["position"].astype(np.float64), found["yaw"].astype(np.float64)
    if yaws.ndim == 2 and yaws.shape[1] == 1:
        yaws = yaws[:, 0]
    if positions.ndim != 2 or positions.shape[1] != 2 or yaws.shape != positions.shape[:1]:
        raise DatasetError(
            f"way {path}: expected position (T, 2) and yaw (T,), got {positions.shape} and {found['yaw'].shape}"
        )
    if not (np.isfinite(positions).all() and np.isfinite(yaws).all()):
        raise DatasetError(f"way {path}: expected finite numbers, got some that are not")
    session, bag, number = ("", *path.resolve().parent.name.rsplit("_", 2))[-3:] if path.parent.name else ("", "", "")
    return Way(session, bag, number, positions, yaws)


def read_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """A pickled dict of NumPy arrays of numbers by name; nothing else is admitted, and none of its code runs. Raises
    DatasetError for whatever else the file holds."""
    path = Path(path)
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise DatasetError(f"pickle {path}: can't be read: {error.strerror}") from None
    if data is None:
        raise DatasetError(f"pickle {path}: expected at most {LARGEST} bytes, got {path.stat().st_size}")
    try:
        found = _ArraysOnly(data).load()
        if not isinstance(found, dict):
            raise pickle.UnpicklingError(f"a {type(found).__name__} at its top")
        return {_name(name): _array(value) for name, value in found.items()}
    except Exception as error:  # a parser fed with anything may raise anything
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise DatasetError(f"pickle {path}: expected a dict of NumPy arrays and nothing else, got {reason}") from None


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise pickle.UnpicklingError(f"the name {name!r:.40}")
    return name


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, list):  # some write plain lists
        return np.asarray(value, dtype=np.float64)
    raise pickle.UnpicklingError(f"a {type(value).__name__} for an array")


class _Type:
    """Stands for numpy.dtype."""

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode() if isinstance(code, bytes) else code
        if not isinstance(code, str) or code not in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "u8"):
            raise pickle.UnpicklingError(f"the type {code!r:.40}, which is no number")
        self.code, self.order = code, "<"

    def __setstate__(self, state: Any) -> None:
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"the byte order {order!r:.40}")
        self.order = order

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for numpy.ndarray: made empty, then told its shape, type and bytes."""

    def __init__(self) -> None:
        self.array: NDArray[Any] = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        self.fill(data, kind, shape, "F" if fortran else "C")

    def fill(self, data: Any, kind: Any, shape: Any, order: Any) -> _Array:
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        if isinstance(data, str):
            data = data.encode("latin1")  # as Python 2 wrote it
        size = kind.dtype.itemsize * int(np.prod([int(n) for n in shape], dtype=object))
        if not isinstance(data, bytes) or len(data) != size:
            raise pickle.UnpicklingError(f"an array of shape {shape!r:.40} whose bytes are not {size}")
        array = np.frombuffer(data, dtype=kind.dtype).reshape(tuple(shape), order="F" if order == "F" else "C")
        self.array = array.astype(kind.dtype.newbyteorder("="))
        return self


def _reconstruct(kind: Any, *_: Any) -> _Array:
    return _Array()


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any, *_: Any) -> _Array:
    return _Array().fill(data, kind, shape, order)


def _encode(text: Any, coding: Any, *_: Any) -> bytes:
    if coding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"a text in {coding!r:.40}")
    return text.encode("latin1")  # how Python 3 writes bytes in old protocols


_ADMITTED: dict[tuple[str, str], Any] = {("numpy", "ndarray"): _Array, ("numpy", "dtype"): _Type}
_ADMITTED[("_codecs", "encode")] = _encode
for _core in ("numpy.core", "numpy._core"):
    _ADMITTED[(f"{_core}.multiarray", "_reconstruct")] = _reconstruct
    _ADMITTED[(f"{_core}.numeric", "_frombuffer")] = _frombuffer


_PYTHONS = cast(Any, pickle)._Unpickler  # the one in C can be told to fill the memory


class _ArraysOnly(_PYTHONS):  # type: ignore[misc, valid-type]
    """Python's own reader of pickles with most of its commands taken out."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.size = len(data)

    def load(self) -> Any:
        try:
            return super().load()
        except KeyError as error:
            if error.args and isinstance(error.args[0], int):
                raise pickle.UnpicklingError(f"a command ({error.args[0]:#04x}) that no array needs") from None
            raise

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"the name {module}.{name}")
        return _ADMITTED[(module, name)]

    def _build(self) -> None:
        """As Python's own, but for the two stand-ins alone: nothing else is to be altered."""
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, _Array | _Type):
            raise pickle.UnpicklingError(f"a state for a {type(made).__name__}")
        made.__setstate__(state)

    def _bytearray(self) -> None:
        """As Python's own, but for a length that the file doesn't have."""
        (length,) = struct.unpack("<Q", self.read(8))
        if length > self.size:
            raise pickle.UnpicklingError(f"{length} bytes in a file of {self.size}")
        self.append(bytes(self.read(length)))

    dispatch: ClassVar[dict[int, Any]] = {
        **{code: _PYTHONS.dispatch[code] for code in (getattr(pickle, word)[0] for word in _WORDS.split())},
        pickle.BUILD[0]: _build,
        pickle.BYTEARRAY8[0]: _bytearray,
    }
