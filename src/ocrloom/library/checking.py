"""Whether what a library holds of its pages is whole, and belongs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryDamaged
from ocrloom.library.analysis import is_gram
from ocrloom.library.pack import PackedWords, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.library.storage.base import Store
    from ocrloom.library.storage.rows import Contents

__all__ = ["check_pages"]

_AT_ONCE: Final = 50  # pages in memory


def check_pages(store: Store) -> Iterator[str]:
    """What is wrong with the pages, a sentence each; every one of them is unpacked."""
    last = 0
    while counts := dict(store.pages_after(last, _AT_ONCE)):
        last = max(counts)
        found = store.contents(list(counts), whole=True)
        tokens = {token for each in found for token in each.tokens if not is_gram(token)}
        for token in sorted(tokens.difference(store.pages_with(list(tokens)))):
            yield f"the word {token!r} is missing from the list of words"
        for each in found:
            if damage := _damage(each, counts[each.page.id]):
                yield f"document {each.page.document}, page {each.page.number}: {damage}"


def _damage(contents: Contents, tokens: int) -> str | None:
    """What is wrong with a page; None where all is well."""
    try:
        page = unpacked(contents.words, contents.tree)
    except OcrLibraryDamaged as error:
        return str(error)
    words = PackedWords.of(contents.words)
    if not len(words.owners) == len(contents.tokens) == tokens:
        return "its words are not those that it is found by"
    owned = zip(contents.tokens, words.owners, strict=True)
    # Of plain words only, as other versions of Python may part others in another way.
    plain = ((token, words.texts[place]) for token, (place, _) in owned)
    if any(len(text) == len(token) != 0 and text.isascii() and text.lower() != token
           for token, text in plain if text.isalnum()):  # fmt: skip
        return "its words are not those that it is found by"
    languages = tuple(language.code for language in page.languages)
    if (page.number, languages) != (contents.page.number, contents.page.languages):
        return "it is another page than the list of pages says"
    return None
