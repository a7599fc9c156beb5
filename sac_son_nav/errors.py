"""Everything this package refuses, as one tree.

    SacSonError
    ├── ConfigError          a setting is missing, unknown, mistyped or out of range
    ├── MapError             a floor plan can't be read or makes no sense
    ├── BagError             a recording can't be read or lacks what is asked of it
    ├── DatasetError         a file of recorded people can't be read or makes no sense
    ├── CheckpointError      weights are missing, damaged or not for this code
    ├── MessageError         a message from the graph can't be used
    ├── RouteError           there is no way from start to goal
    ├── ResultsError         results of a benchmark can't be had, read or compared
    └── GraphError           a process or topic of the running graph is missing or has failed

Each carries one sentence: what, where, expected, got. Command-line entry points print that sentence and exit
with status 2; nodes put it in `diagnostics` and stand still.
"""


class SacSonError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(SacSonError):
    """A setting is missing, unknown, mistyped or out of range."""


class MapError(SacSonError):
    """A floor plan can't be read or makes no sense."""


class BagError(SacSonError):
    """A recording can't be read or lacks what is asked of it."""


class DatasetError(SacSonError):
    """A file of recorded people can't be read or makes no sense."""


class CheckpointError(SacSonError):
    """Weights are missing, damaged or not for this code."""


class MessageError(SacSonError):
    """A message from the graph can't be used."""


class RouteError(SacSonError):
    """There is no way from start to goal."""


class ResultsError(SacSonError):
    """Results of a benchmark can't be had, read or compared."""


class GraphError(SacSonError):
    """A process or topic of the running graph is missing or has failed."""
