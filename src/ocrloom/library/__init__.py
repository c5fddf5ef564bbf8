"""Documents, pages and words kept in a database, and found again with the place of every word."""

from ocrloom.library.additions import Addition
from ocrloom.library.documents import Description, Document, Stats
from ocrloom.library.hits import Hit, Match, Snippet
from ocrloom.library.library import Library
from ocrloom.library.pending import Pending, Stream

__all__ = [
    "Addition",
    "Description",
    "Document",
    "Hit",
    "Library",
    "Match",
    "Pending",
    "Snippet",
    "Stats",
    "Stream",
]
