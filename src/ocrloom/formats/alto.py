"""A result as ALTO 4.3: https://www.loc.gov/standards/alto/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrloom._version import __version__
from ocrloom.errors import OcrOutputError
from ocrloom.formats.markup import attribute, content
from ocrloom.formats.places import bounds, corners, is_upright, points
from ocrloom.formats.scripts import rtl
from ocrloom.result import BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocrloom.formats.places import Corners
    from ocrloom.result import Block, Line, OcrResult, Page, PageFailure

__all__ = ["render"]

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# \
http://www.loc.gov/standards/alto/v4/alto-4-3.xsd" SCHEMAVERSION="4.3">
 <Description>
  <MeasurementUnit>pixel</MeasurementUnit>
  <sourceImageInformation>
   <fileName>{source}</fileName>
  </sourceImageInformation>
  <Processing ID="ocr">
   <processingCategory>contentGeneration</processingCategory>
{steps}   <processingSoftware>
    <softwareCreator>The ocrloom developers</softwareCreator>
    <softwareName>ocrloom</softwareName>
    <softwareVersion>{version}</softwareVersion>
   </processingSoftware>
  </Processing>
 </Description>
{tags} <Layout>
"""


def render(result: OcrResult) -> str:
    """Makes one document of all pages.

    Each word has its confidence, and its polygon where that is no upright rectangle. Tags say
    what a block is. Recognisers and pages that could not be read are steps of the processing.

    Raises:
        OcrOutputError: There is no page, of which ALTO needs one, or a coordinate is not a number.
    """
    if not result.pages:
        raise OcrOutputError("ALTO must hold at least one page, found none; write it as JSON")
    head = _HEAD.format(
        source=content(result.source or ""),
        steps="".join(_steps(result)),
        version=__version__,
        tags=_tags(result),
    )
    pages = (_page(page, place) for place, page in enumerate(result.pages, 1))
    return f"{head}{''.join(pages)} </Layout>\n</alto>\n"


def _steps(result: OcrResult) -> Iterator[str]:
    recognisers = {word.recogniser for page in result.pages for word in page.words}
    texts = [f"recogniser: {name}" for name in sorted(recognisers)]
    texts += map(_failure, result.failures)
    for text in texts:
        yield f"   <processingStepDescription>{content(text)}</processingStepDescription>\n"


def _failure(failure: PageFailure) -> str:
    return f"page {failure.number} could not be read: {failure.kind}: {failure.message}"


def _tags(result: OcrResult) -> str:
    tags = {_tag(block): block.kind for page in result.pages for block in page.blocks}
    if not tags:
        return ""
    lines = (
        f'  <StructureTag ID="{tag}" TYPE="{kind}" LABEL="{tag.replace("_", " ")}"/>\n'
        for tag, kind in sorted(tags.items())
    )
    return f" <Tags>\n{''.join(lines)} </Tags>\n"


def _tag(block: Block) -> str:
    return f"heading_{block.level}" if block.kind is BlockKind.HEADING else str(block.kind)


def _page(page: Page, place: int) -> str:
    size = f'HEIGHT="{page.height}" WIDTH="{page.width}"'
    confidence = f' PC="{page.confidence:.3f}"' if page.words else ""
    blocks = (
        _block(block, f"block_{place}_{number}", page) for number, block in enumerate(page.blocks)
    )
    return (
        f'  <Page ID="page_{place}" PHYSICAL_IMG_NR="{page.number}" PROCESSINGREFS="ocr" '
        f"{size}{confidence}>\n"
        f'   <PrintSpace HPOS="0" VPOS="0" {size}>\n'
        f"{''.join(blocks)}   </PrintSpace>\n  </Page>\n"
    )


def _block(block: Block, name: str, page: Page) -> str:
    found = corners(block.polygon, page)
    direction = ' BASEDIRECTION="rtl"' if rtl(block.text) else ""
    wholes = [None, *(line.words[-1].whole if line.words else None for line in block.lines)]
    lines = (
        _line(line, f"{name.replace('block', 'line')}_{number}", page, wholes[number])
        for number, line in enumerate(block.lines)
        # The schema wants a word in each.
        if line.words
    )
    return (
        f'    <TextBlock ID="{name}" TAGREFS="{_tag(block)}"{direction} {_box(found)}>\n'
        f"{_shape(found, '     ')}{''.join(lines)}    </TextBlock>\n"
    )


def _line(line: Line, name: str, page: Page, begun: str | None) -> str:
    """A line; ``begun`` is the word that its first one is the rest of, if it is."""
    found = corners(line.polygon, page)
    return (
        f'     <TextLine ID="{name}" {_box(found)}>\n'
        f"{_shape(found, '      ')}{_strings(line, page, begun)}     </TextLine>\n"
    )


def _strings(line: Line, page: Page, begun: str | None) -> str:
    return "      <SP/>\n".join(_words(line, page, begun))


def _words(line: Line, page: Page, begun: str | None) -> Iterable[str]:
    parted = "" if begun is None else _part(2, begun)
    for word in line.words:
        parted = parted if word.whole is None else _part(1, word.whole)
        found = corners(word.polygon, page)
        opened = (
            f'      <String CONTENT="{attribute(word.text)}" {_box(found)} '
            f'WC="{word.confidence:.3f}"{parted}'
        )
        parted = ""
        if is_upright(found):
            yield f"{opened}/>\n"
        else:
            yield f"{opened}>{_shape(found, '').rstrip()}</String>\n"


def _part(number: int, whole: str) -> str:
    return f' SUBS_TYPE="HypPart{number}" SUBS_CONTENT="{attribute(whole)}"'


def _box(found: Corners) -> str:
    left, top, right, bottom = bounds(found)
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'


def _shape(found: Corners, indent: str) -> str:
    """The polygon, where the box does not say as much."""
    if is_upright(found):
        return ""
    return f'{indent}<Shape><Polygon POINTS="{points(found)}"/></Shape>\n'
