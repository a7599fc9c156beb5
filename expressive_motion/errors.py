"""What expressive motion refuses, as branches of the package's tree of errors.

SacSonError
└── ExpressionError
    ├── ProgramError     a program breaks a rule: its grammar, its types, a skill's range, a ban, a budget
    ├── ModelError       a language model can't be reached, or its reply can't be used
    │   ├── Unreachable  the server's doing, not the model's
    │   └── Refused      the model's own wish
    └── LibraryError     a saved behaviour can't be read, written or found
"""

from __future__ import annotations

from sac_son_nav.errors import SacSonError


class ExpressionError(SacSonError):
    """Base of everything expressive motion raises on purpose."""


class ProgramError(ExpressionError):
    """A program breaks a rule. The sentence is written for whoever wrote the program, a model as much as a person."""


class ModelError(ExpressionError):
    """A language model can't be reached in time, or its reply can't be used."""


class Unreachable(ModelError):
    """The server can't be reached, breaks off or turns us away, so nothing is known of its model."""


class Refused(ModelError):
    """The model was reached and declined; asking again is no use."""


class LibraryError(ExpressionError):
    """A saved behaviour can't be read, written or found."""
