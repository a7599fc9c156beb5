"""Recordings of ROS graphs, read without ROS: rosbag1, rosbag2 in sqlite3 and rosbag2 in MCAP behind one door.

Messages come raw, as CDR (what `rclpy` publishes and deserialises; ROS 1's are converted), or as the plain objects
of the `rosbags` library, read by the recording's own definitions: a ROS 1 header also has its `seq`, and a ROS 1
marker lacks what ROS 2 added. A type that nobody can make sense of stands in nobody's way until its topic is asked
for. Whatever is wrong with a recording is a BagError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag1 import Reader as Rosbag1Reader
from rosbags.rosbag2 import Reader as Rosbag2Reader
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.base import TypesysError
from rosbags.typesys.store import Typestore

from sac_son_nav.errors import BagError

_SUFFIXES = (".bag", ".mcap", ".db3")
T = TypeVar("T")


@dataclass(frozen=True)
class Topic:
    """One topic of a recording: its name, its type as ROS 2 spells it (``sensor_msgs/msg/LaserScan``), and how many
    messages it has."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class RawMessage:
    """One message as CDR bytes, and when it was recorded [ns since the epoch of the recorder's clock]."""

    topic: str
    type: str
    time_ns: int
    data: bytes


class Bag:
    """One recording, open for reading; a context manager.

    `path` is a rosbag2 folder (or its metadata.yaml), a single .mcap or .db3 file of one, a ROS 1 .bag file, or a
    folder that holds just one of these. Raises BagError when it is missing, no recording, or broken.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = _find(Path(path))
        self.is_ros1 = self.path.suffix == ".bag"
        reader: Any = Rosbag1Reader if self.is_ros1 else Rosbag2Reader
        self._reader: Any = self._guard(reader, self.path)
        self._guard(self._reader.open)
        try:
            told = {(c.msgtype, c.msgdef.format, c.msgdef.data) for c in self._open.connections}
            self._types, self._ros1 = self._guard(_typestores, self.is_ros1, frozenset(told))
            self.topics = self._guard(self._list_topics)
        except BaseException:
            self._reader.close()
            raise

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    @property
    def time_range_ns(self) -> tuple[int, int]:
        """When the first and the last message were recorded [ns]; (0, 0) for a recording without messages."""
        if not any(topic.count for topic in self.topics.values()):
            return 0, 0
        return int(self._open.start_time), int(self._open.end_time) - 1  # the reader's end is the moment after

    @property
    def duration_s(self) -> float:
        """From the first to the last message [s]."""
        first, last = self.time_range_ns
        return 1e-9 * (last - first)

    def topic_of_type(self, kind: str, name: str | None = None) -> Topic:
        """The topic `name`, which must be of this type, or without a name the only one of it.

        Raises BagError, which names what is there, when there is none or more than one.
        """
        fitting = [t for t in self.topics.values() if t.type == kind and (name is None or t.name == name)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise BagError(f"bag {self.path}: expected one topic of type {kind}, got {_say(fitting)}; name one")
        wanted = f"a topic of type {kind}" if name is None else f"the topic {name!r} of type {kind}"
        raise BagError(f"bag {self.path}: expected {wanted}, got {_say(self.topics.values())}")

    def raw_messages(
        self, topics: Sequence[str] | None = None, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[RawMessage]:
        """Messages as CDR in the order they were recorded, of these topics (None: of all), recorded at or after
        `start_ns` and before `stop_ns`. Raises BagError where the recording turns out to be broken."""
        for connection, time_ns, data in self._iterate(topics, start_ns, stop_ns):
            if self.is_ros1:
                data = self._guard(self._types.ros1_to_cdr, data, connection.msgtype)
            yield RawMessage(connection.topic, connection.msgtype, time_ns, bytes(data))

    def messages(
        self, topics: Sequence[str] | None = None, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[tuple[str, int, Any]]:
        """Topic, time of recording [ns] and deserialised message; otherwise as :meth:`raw_messages`."""
        read = self._types.deserialize_cdr if self._ros1 is None else self._ros1.deserialize_ros1
        for connection, time_ns, data in self._iterate(topics, start_ns, stop_ns):
            yield connection.topic, time_ns, self._guard(read, data, connection.msgtype)

    # -- the library behind it ----------------------------------------------------------------------------------

    @property
    def _open(self) -> Any:
        if self._reader is None:
            raise BagError(f"bag {self.path}: expected an open recording, got one already closed")
        return self._reader

    def _guard(self, read: Callable[..., T], *arguments: Any) -> T:
        """What `read` returns. A parser fed with half a file may raise anything, so all of it becomes BagError."""
        try:
            return read(*arguments)
        except BagError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            hint = "; `mcap recover` may save its beginning" if self.path.suffix == ".mcap" else ""
            raise BagError(f"bag {self.path}: expected a whole recording, got a broken one: {reason}{hint}") from error

    def _iterate(
        self, topics: Sequence[str] | None, start_ns: int | None, stop_ns: int | None
    ) -> Iterator[tuple[Connection, int, Any]]:
        wanted = list(self._open.connections)
        if topics is not None:
            unknown = sorted(set(topics) - set(self.topics))
            if unknown:
                there = _say(self.topics.values())
                raise BagError(f"bag {self.path}: expected the topic {unknown[0]!r}, got {there}")
            wanted = [c for c in wanted if c.topic in set(topics)]
        if not wanted:
            return
        found = 0
        messages = iter(self._guard(self._open.messages, wanted, start_ns, stop_ns))
        while True:
            item = self._guard(next, messages, None)
            if item is None:
                break
            found += 1
            yield item
        promised = sum(self.topics[name].count for name in {c.topic for c in wanted})
        if start_ns is None and stop_ns is None and found < promised:
            raise BagError(f"bag {self.path}: expected {promised} messages, got only {found}: it has been cut off")

    def _list_topics(self) -> dict[str, Topic]:
        topics: dict[str, Topic] = {}
        for connection in self._open.connections:
            before = topics[connection.topic].count if connection.topic in topics else 0
            topics[connection.topic] = Topic(connection.topic, connection.msgtype, before + connection.msgcount)
        return dict(sorted(topics.items()))


@lru_cache(maxsize=4)  # it takes longer than to read a short bag, and the bags of one robot are alike
def _typestores(
    is_ros1: bool, definitions: frozenset[tuple[str, MessageDefinitionFormat, str]]
) -> tuple[Typestore, Typestore | None]:
    """The types of ROS 2, and what the recording itself says of others; of ROS 1 also its own types. For ROS 2 the
    recording goes first: its bytes follow its own definitions. ROS 1's bytes are converted to ROS 2's types."""
    told: dict[str, Any] = {}
    for definition in sorted(definitions, key=str):
        told.update(_definition(*definition))
    if told and not is_ros1:
        return _over(Stores.ROS2_JAZZY, told), None
    store = get_typestore(Stores.ROS2_JAZZY)
    known = store.fielddefs
    store.register({name: fields for name, fields in told.items() if name not in known})
    return store, _over(Stores.ROS1_NOETIC, told) if is_ros1 else None


def _definition(kind: str, written: MessageDefinitionFormat, text: str) -> dict[str, Any]:
    """The types that a connection's definition makes; none where it can't be understood."""
    told: dict[str, Any] = {}
    try:
        if written == MessageDefinitionFormat.MSG:
            told.update(get_types_from_msg(text, kind))
        elif written == MessageDefinitionFormat.IDL:
            for part in text.split("=" * 80 + "\n"):
                told.update(get_types_from_idl(part.partition("\n")[2] if part.startswith("IDL: ") else part))
    except TypesysError:  # whoever asks for its messages is told
        return {}
    return told


def _over(store: Stores, told: dict[str, Any]) -> Typestore:
    """A distribution's types, and before them what a recording says."""
    own = get_typestore(Stores.EMPTY)
    known = get_typestore(store).fielddefs
    own.register({**{name: fields for name, fields in known.items() if name not in told}, **told})
    return own


def _say(topics: Any) -> str:
    return ", ".join(f"{t.name} ({t.type}, {t.count} messages)" for t in topics) or "no topic at all"


def _find(path: Path) -> Path:
    """The folder or file to open; see :class:`Bag`."""
    if not path.exists():
        raise BagError(f"bag {path}: no such file or folder")
    if path.is_file():
        if path.name == "metadata.yaml":
            return path.parent
        if path.suffix in _SUFFIXES:
            return path
        raise BagError(f"bag {path}: expected a file that ends in {', '.join(_SUFFIXES)}, got {path.name!r}")
    if (path / "metadata.yaml").is_file():
        return path
    inside = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES)
    if len(inside) == 1:
        return inside[0]
    got = ", ".join(p.name for p in inside) or "neither"
    raise BagError(f"bag {path}: expected a metadata.yaml or one {', '.join(_SUFFIXES)} file in the folder, got {got}")
