"""The sample pages before anything happened to them: each function fills and returns sheets."""

from __future__ import annotations

import texts
from draw import A4, A5, A6, Cell, Sheet, Style


def letter() -> Sheet:
    """A letter on A4, ragged right."""
    sheet = Sheet(A4, 300, margin=28)
    for text, style in zip(
        texts.LETTER_HEAD,
        (Style("serif-bold", 22, 1.25), Style("serif-italic", 13, 1.5)),
        strict=True,
    ):
        sheet.line(text, style, align="centre")
    sheet.rule()
    sheet.skip(28)
    body = Style("serif", 12.5, 1.42)
    sheet.line(texts.LETTER_DATE, body, align="right")
    sheet.skip(24)
    sheet.line(texts.LETTER_GREETING, body)
    sheet.skip(9)
    for paragraph in texts.LETTER:
        sheet.paragraph(paragraph, body)
        sheet.skip(9)
    sheet.skip(16)
    sheet.line(texts.LETTER_CLOSING[0], body)
    sheet.skip(34)
    sheet.line(texts.LETTER_CLOSING[1], Style("serif-italic", 12.5))
    return sheet


def report() -> Sheet:
    """Headings, paragraphs, lists and a page number."""
    sheet = Sheet(A4, 200, margin=25)
    body = Style("sans", 10.5, 1.45)
    sheet.line(texts.REPORT_TITLE, Style("sans-bold", 18))
    sheet.skip(14)
    for heading, paragraphs, items in texts.REPORT:
        sheet.line(heading, Style("sans-bold", 12.5, 1.7))
        for paragraph in paragraphs:
            sheet.paragraph(paragraph, body)
            sheet.skip(5)
        for item in items:
            sheet.line(f"• {item}", body, indent=18)
        sheet.skip(12)
    sheet.foot(texts.REPORT_PAGE, body)
    return sheet


def table() -> Sheet:
    """Figures in columns that end at the same place, with sums."""
    sheet = Sheet((210, 130), 200, margin=20)
    sheet.line(texts.TABLE_TITLE, Style("sans-bold", 14, 1.9))
    ends = (0.0, 0.34, 0.5, 0.67, 0.82, 1.0)
    bold, plain = Style("sans-bold", 11, 1.7), Style("sans", 11, 1.7)
    sheet.rule()
    sheet.skip(4)
    sheet.row(zip(texts.TABLE_COLUMNS, ends, strict=True), bold)
    sheet.rule(0.4)
    sheet.skip(4)
    for month, lengths in texts.TABLE:
        cells = (month, *(f"{length:,}" for length in (*lengths, sum(lengths))))
        sheet.row(zip(cells, ends, strict=True), plain)
    sheet.rule(0.4)
    sheet.skip(4)
    sums = [sum(column) for column in zip(*(lengths for _, lengths in texts.TABLE), strict=True)]
    cells = ("Sum", *(f"{length:,}" for length in (*sums, sum(sums))))
    sheet.row(zip(cells, ends, strict=True), bold)
    sheet.rule()
    sheet.skip(10)
    sheet.paragraph(texts.TABLE_NOTE, Style("sans", 9))
    return sheet


def tables() -> Sheet:
    """A table that only alignment makes and one with ruled lines, both with spans."""
    sheet = Sheet((170, 205), 200, margin=20)
    body = Style("sans", 10, 1.45)
    sheet.line(texts.TABLES_TITLE, Style("sans-bold", 15, 1.8))
    sheet.paragraph(texts.TABLES_TEXT, body)
    captions = texts.TABLES_CAPTIONS
    for caption, cells, widths, ruled in (
        (captions[0], texts.TABLES_STOCK, (0.14, 0.36, 0.17, 0.16, 0.17), False),
        (captions[1], texts.TABLES_ROOMS, (0.24, 0.2, 0.2, 0.36), True),
    ):
        sheet.skip(14)
        sheet.line(caption, Style("sans", 9, 1.9))
        sheet.grid((_cell(*each, ruled=ruled) for each in cells), widths, body, ruled=ruled)
    sheet.foot(texts.TABLES_PAGE, body)
    return sheet


def _cell(row: int, column: int, text: str, rows: int, columns: int, *, ruled: bool) -> Cell:
    """Numbers end at the right of their column, what spans stands in the middle."""
    plain = "right" if column > 1 and not ruled else "left"
    return Cell(row, column, text, rows, columns, "centre" if columns > 1 else plain)


def columns() -> Sheet:
    """Two columns below a heading that spans both."""
    sheet = Sheet((210, 205), 200, margin=20)
    sheet.line(texts.COLUMNS_TITLE, Style("serif-bold", 34, 1.25), align="centre")
    sheet.line(texts.COLUMNS_UNDER, Style("serif-italic", 13, 1.6), align="centre")
    sheet.rule()
    sheet.skip(18)
    left, right, top = sheet.left, sheet.right, sheet.y
    gutter, middle = sheet.mm(8), (sheet.left + sheet.right) // 2
    half = len(texts.COLUMNS) // 2
    for paragraphs, edges in (
        (texts.COLUMNS[:half], (left, middle - gutter // 2)),
        (texts.COLUMNS[half:], (middle + gutter // 2, right)),
    ):
        (sheet.left, sheet.right), sheet.y = edges, top
        for number, paragraph in enumerate(paragraphs):
            indent = 14 if number else 0
            sheet.paragraph(paragraph, Style("serif", 13, 1.35), justified=True, indent=indent)
    return sheet


def receipt() -> Sheet:
    """A till receipt, labels left and amounts right."""
    sheet = Sheet((76, 112), 250, margin=6)
    mono, bold = Style("mono", 9.5, 1.5), Style("mono-bold", 9.5, 1.5)
    sheet.skip(6)
    sheet.line(texts.RECEIPT_HEAD[0], Style("mono-bold", 12, 1.5), align="centre")
    for text in texts.RECEIPT_HEAD[1:]:
        sheet.line(text, mono, align="centre")
    sheet.skip(10)
    for label, price in texts.RECEIPT_ITEMS:
        sheet.row([(label, 0), (f"{price / 100:.2f}", 1)], mono)
    sheet.skip(4)
    sheet.rule()
    sheet.skip(6)
    total = sum(price for _, price in texts.RECEIPT_ITEMS)
    sheet.row([("TOTAL", 0), (f"{total / 100:.2f}", 1)], bold)
    sheet.row([("Cash", 0), ("70.00", 1)], mono)
    sheet.row([("Change", 0), (f"{70 - total / 100:.2f}", 1)], mono)
    sheet.skip(12)
    for text in texts.RECEIPT_FOOT:
        sheet.line(text, mono, align="centre")
    return sheet


def plain(
    sheet: Sheet, title: str, paragraphs: list[str], body: Style, *, justified: bool = False
) -> Sheet:
    """A title and paragraphs, the most common page of all."""
    bold = {"serif": "serif-bold", "book": "book-bold", "sans": "sans-bold", "mono": "mono-bold"}
    sheet.line(title, Style(bold[body.face], body.size * 1.6, 1.8, body.colour))
    sheet.skip(body.size * 0.4)
    for paragraph in paragraphs:
        sheet.paragraph(paragraph, body, justified=justified)
        sheet.skip(body.size * 0.55)
    return sheet


def han(title: str, paragraphs: list[str]) -> Sheet:
    """A title and paragraphs of Chinese or Japanese."""
    sheet = Sheet(A5, 200, margin=18)
    sheet.han(title, 22)
    sheet.skip(6)
    for paragraph in paragraphs:
        sheet.han(paragraph, 15, leading=1.8)
        sheet.skip(8)
    return sheet


def book() -> list[Sheet]:
    """Three pages of a chapter, with running heads and page numbers."""
    sheets = []
    body = Style("serif", 11, 1.45)
    shares = (texts.BOOK[:3], texts.BOOK[3:5], texts.BOOK[5:])
    for number, paragraphs in enumerate(shares, start=1):
        sheet = Sheet((108, 174), 300, margin=16)
        if number == 1:
            sheet.skip(14)
            sheet.line(texts.BOOK_CHAPTER, Style("serif-italic", 13, 1.6), align="centre")
            sheet.line(texts.BOOK_TITLE, Style("serif-bold", 19, 1.7), align="centre")
            sheet.skip(8)
        else:
            sheet.line(texts.BOOK_TITLE, Style("serif-italic", 11), align="centre")
            sheet.skip(12)
        for place, paragraph in enumerate(paragraphs):
            indent = 16 if place or number > 1 else 0
            sheet.paragraph(paragraph, body, justified=True, indent=indent)
        sheet.foot(str(number), body)
        sheets.append(sheet)
    return sheets


def colour() -> Sheet:
    """A poster: white text on bands of colour."""
    sheet = Sheet((148, 191), 150, margin=14, paper=(250, 246, 236))
    sheet.y, sheet.bottom = 0, sheet.image.height
    for ground, large, small in texts.COLOUR_BANDS:
        top, white = sheet.y, (255, 255, 255)
        sheet.band(36, ground)
        sheet.skip(26)
        sheet.line(large, Style("sans-bold", 22, 1.6, white))
        sheet.line(small, Style("sans", 11.5, 1, white))
        sheet.y = top + sheet.mm(38.5)
    return sheet


def blank() -> Sheet:
    """A page on which nothing is written."""
    return Sheet(A5, 150, margin=20)


def card(title: str, paragraphs: list[str]) -> Sheet:
    """A card of A6 across, set by typewriter."""
    return plain(Sheet(A6[::-1], 200, margin=12), title, paragraphs, Style("mono", 10.5, 1.6))
