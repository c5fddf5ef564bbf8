"""A plugin for OCRmyPDF 17, which reads pages with ocrloom instead of Tesseract.

    ocrmypdf --plugin ocrloom.ocrmypdf -l eng in.pdf out.pdf

OCRmyPDF itself insists on its own programs, ``tesseract`` among them, also where another engine
reads. With ``--pdf-renderer sandwich`` the text layer is ocrloom's own; otherwise OCRmyPDF draws
it. Models are loaded once a process.
"""

from __future__ import annotations

import functools
from math import atan2, degrees, tan
from typing import TYPE_CHECKING, Any, Final

from ocrmypdf import OcrElement, hookimpl  # type: ignore[import-not-found,unused-ignore]
from ocrmypdf.exceptions import (  # type: ignore[import-not-found,unused-ignore]
    SubprocessOutputError,
)
from ocrmypdf.models.ocr_element import (  # type: ignore[import-not-found,unused-ignore]
    Baseline,
    BoundingBox,
    OcrClass,
)
from ocrmypdf.pluginspec import (  # type: ignore[import-not-found,unused-ignore]
    OcrEngine,
    OrientationConfidence,
)

import ocrloom
from ocrloom.errors import OcrException, OcrOutputError
from ocrloom.formats import FORMATS
from ocrloom.languages import Language
from ocrloom.result import BlockKind, OcrResult

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.result import Block, Line, Page, Polygon

__all__ = ["OcrloomEngine", "get_ocr_engine"]

# Tesseract's figures go up to some tens and its users' threshold is 14: a page is only found to
# lie otherwise where lines were read better so.
_SURE: Final = 30.0
_UPRIGHT: Final = 45.0  # degrees up to which a line is level, and at an angle

_FONT: Final = "F1"  # under which OCRmyPDF looks for it

_CLASSES: Final = {
    BlockKind.HEADER: OcrClass.HEADER,
    BlockKind.FOOTER: OcrClass.FOOTER,
    BlockKind.CAPTION: OcrClass.CAPTION,
}


@hookimpl
def get_ocr_engine(options: Any) -> OcrloomEngine | None:  # noqa: ANN401  # OCRmyPDF's
    """The engine, unless another one was asked for by ``--ocr-engine``."""
    chosen = getattr(options, "ocr_engine", "auto")
    return OcrloomEngine() if chosen == "auto" else None


class OcrloomEngine(OcrEngine):  # type: ignore[misc,unused-ignore]
    """What OCRmyPDF asks of an engine; its arguments are OCRmyPDF's."""

    @staticmethod
    def version() -> str:
        """The version of ocrloom."""
        return ocrloom.__version__

    @staticmethod
    def creator_tag(options: Any) -> str:  # noqa: ANN401
        """What the PDF's metadata say."""
        return f"ocrloom {ocrloom.__version__}"

    def __str__(self) -> str:
        return f"ocrloom {ocrloom.__version__}"

    @staticmethod
    def languages(options: Any) -> set[str]:  # noqa: ANN401
        """Codes of all languages that can be asked for; reading says which are not installed."""
        return {code for each in Language for code in (each.code, each.tesseract) if code}

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> Any:  # noqa: ANN401
        """How far a page was turned clockwise."""
        page = _read(input_file, options)
        sure = _SURE if page.words else 0.0
        return OrientationConfidence(angle=-page.rotation % 360, confidence=sure)

    @staticmethod
    def get_deskew(input_file: Path, options: Any) -> float:  # noqa: ANN401
        """By how many degrees to turn a page against the clock so that its lines are level."""
        return _read(input_file, options).skew

    @staticmethod
    def supports_generate_ocr() -> bool:
        """Yes."""
        return True

    @staticmethod
    def generate_ocr(
        input_file: Path,
        options: Any,  # noqa: ANN401
        page_number: int = 0,
    ) -> tuple[OcrElement, str]:
        """The page as OCRmyPDF's tree, and its text."""
        page = _read(input_file, options)
        element = OcrElement(
            ocr_class=OcrClass.PAGE,
            bbox=BoundingBox(left=0, top=0, right=page.width, bottom=page.height),
            dpi=page.dpi[0] if page.dpi else None,
            page_number=page_number,
            children=[_block(block) for block in page.blocks],
        )
        return element, page.text

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:  # noqa: ANN401
        """Writes the page as hOCR, and its text."""
        page = _read(input_file, options)
        result = OcrResult(pages=(page,), source=str(input_file))
        output_hocr.write_bytes(FORMATS["hocr"].encode(result))
        output_text.write_text(page.text, encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:  # noqa: ANN401
        """Writes ocrloom's own text layer of the page, and its text."""
        from ocrloom.pdf.assembly import write_layer

        page = _read(input_file, options)
        try:
            write_layer(page, output_pdf, _FONT)
        except OcrOutputError as error:
            raise SubprocessOutputError(str(error)) from error
        output_text.write_text(page.text, encoding="utf-8")


@functools.cache
def _engine(languages: tuple[str, ...]) -> ocrloom.OcrEngine:
    # OCRmyPDF has workers of its own.
    return ocrloom.OcrEngine(language=languages or None, workers=1)


def _read(path: Path, options: Any) -> Page:  # noqa: ANN401
    try:
        result = _engine(tuple(options.languages)).process(path)
    except OcrException as error:
        # What OCRmyPDF tells of an engine that failed.
        raise SubprocessOutputError(str(error)) from error
    return result.pages[0]


def _block(block: Block) -> OcrElement:
    kind = _CLASSES.get(block.kind, OcrClass.LINE)
    lines = [_line(line, kind) for line in block.lines]
    return OcrElement(ocr_class=OcrClass.PARAGRAPH, bbox=_box(block.polygon), children=lines)


def _line(line: Line, kind: str) -> OcrElement:
    (ax, ay), (bx, by), _, _ = line.polygon
    angle = degrees(atan2(by - ay, bx - ax))
    # hOCR has both: an angle for what is not level, a slope for what is nearly so.
    turned = abs(angle) > _UPRIGHT
    slope = 0.0 if turned else tan(angle / degrees(1))
    words = [
        OcrElement(
            ocr_class=OcrClass.WORD,
            bbox=_box(word.polygon),
            text=word.text,
            confidence=word.confidence,
        )
        for word in line.words
    ]
    return OcrElement(
        ocr_class=kind,
        bbox=_box(line.polygon),
        baseline=Baseline(slope=slope),
        textangle=-angle if turned else None,
        children=words,
    )


def _box(polygon: Polygon) -> BoundingBox:
    xs, ys = zip(*polygon, strict=True)
    return BoundingBox(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))
