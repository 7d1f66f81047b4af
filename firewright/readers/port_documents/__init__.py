"""Port documents: tables and lists of ports as vendors and providers write them, in any format.

`port_documents/NAME.py` has a `FORMAT`: how bytes of one format become a `Page` of headings, grids, lists and paragraphs.
What they mean is the same for all: `read_page` makes them a `Document`. A row that is not understood is refused by name.
"""

from firewright.readers.port_documents._document import (
    Document,
    DocumentNote,
    DocumentZone,
    Entry,
    Requirement,
    SaidTimeout,
    State,
)
from firewright.readers.port_documents._format import FORMATS, Format, Given, MissingExtra, format_of
from firewright.readers.port_documents._page import (
    BLOCK_LIMIT,
    CELL_LIMIT,
    COLUMN_LIMIT,
    ROW_LIMIT,
    Block,
    Bullets,
    Cell,
    Grid,
    Heading,
    Item,
    Page,
    Paragraph,
    Row,
)
from firewright.readers.port_documents._reading import read_page

__all__ = [
    "BLOCK_LIMIT",
    "CELL_LIMIT",
    "COLUMN_LIMIT",
    "FORMATS",
    "ROW_LIMIT",
    "Block",
    "Bullets",
    "Cell",
    "Document",
    "DocumentNote",
    "DocumentZone",
    "Entry",
    "Format",
    "Given",
    "Grid",
    "Heading",
    "Item",
    "MissingExtra",
    "Page",
    "Paragraph",
    "Requirement",
    "Row",
    "SaidTimeout",
    "State",
    "format_of",
    "read_page",
]
