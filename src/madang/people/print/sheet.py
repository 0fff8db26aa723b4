"""A4 pages as PDF (ISO 32000), with a font in them that has Korean: headings, lines, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files

from fpdf import FPDF
from fpdf.fonts import FontFace

_FONT, _SIZE, _LINE_MM = "noto", 10, 5.5
_HEAD = FontFace(fill_color=(236, 240, 244))


@lru_cache(maxsize=1)
def font_path() -> str:
    return str(files("noto_cjk_sans_jp_regular").joinpath("NotoSansCJKjp-Regular.otf"))


class Sheet(FPDF):
    """`page` tells what stands at the foot of each. Making one takes about a second of processor: outside the event loop."""

    def __init__(self, title: str, language: str, page: Callable[[int], str]) -> None:
        super().__init__(format="A4")
        self._page = page
        self.add_font(_FONT, fname=font_path())
        self.set_title(title)
        self.set_lang(language)
        self.set_auto_page_break(True, margin=18)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(_FONT, size=8)
        self.cell(0, 5, self._page(self.page_no()), align="R")

    def heading(self, text: str, size: int = 13) -> None:
        self.ln(2)
        self.set_font(_FONT, size=size)
        self.start_section(text)
        self.line_of(text, size)
        self.ln(0.5)

    def line_of(self, text: str, size: int = _SIZE) -> None:
        self.set_font(_FONT, size=size)
        self.multi_cell(0, _LINE_MM * size / _SIZE, text, new_x="LMARGIN", new_y="NEXT", align="L")

    def rows(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        """A table whose head comes again on each page; `widths` are shares."""
        self.set_font(_FONT, size=8)
        with self.table(
            col_widths=tuple(widths), line_height=4.5, text_align="LEFT", headings_style=_HEAD, padding=0.8
        ) as table:
            for cells in (head, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
