"""Whether a PDF is whole: every page that it promises, and every packed stream of its objects to its end.

The library reads on where a stream is damaged, with what it got or with nothing; here such a document is refused.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from firewright.readers.port_documents._parcel import PART_LIMIT, Unopened

if TYPE_CHECKING:
    from pdfminer.pdfdocument import PDFDocument
    from pdfminer.pdftypes import PDFStream

_FLATE = ("FlateDecode", "Fl")


def promised_pages(document: PDFDocument) -> int:
    """How many pages the document says that it has, -1 where it says nothing."""
    from pdfminer.pdftypes import resolve1

    count = resolve1(resolve1(resolve1(document.catalog)["Pages"]).get("Count"))
    return count if isinstance(count, int) else -1


def must_be_whole(document: PDFDocument) -> None:
    """Raises Unopened where a stream of the document, pictures left out, is damaged or too long. O(bytes unpacked)."""
    from pdfminer.pdftypes import PDFStream

    for number in {number for table in document.xrefs for number in table.get_objids()}:
        try:
            found = document.getobj(number)
        except Exception:  # noqa: S112 - an object that nobody needs may be broken; one that a page needs stops its reading
            continue
        if isinstance(found, PDFStream) and not _is_picture(found) and _begins_packed(found):
            _must_unpack(found)


def _is_picture(stream: PDFStream) -> bool:
    return getattr(stream.get("Subtype"), "name", "") == "Image"


def _begins_packed(stream: PDFStream) -> bool:
    filters = stream.get_filters()
    return bool(filters) and getattr(filters[0][0], "name", "") in _FLATE


def _must_unpack(stream: PDFStream) -> None:
    raw = stream.get_rawdata()
    if raw is None:
        return  # Unpacked before: a stream that holds other objects, which were found in it.
    if stream.decipher is not None and stream.objid is not None and stream.genno is not None:
        raw = stream.decipher(stream.objid, stream.genno, raw, stream.attrs)
    # without its head of two bytes: the data itself says where it ends, and some programs leave out the check sum behind
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacking.decompress(raw[2:], PART_LIMIT + 1)
    except zlib.error:
        raise Unopened("unreadable", "a part of it is damaged", "fetch it again") from None
    if len(data) > PART_LIMIT:
        message = f"a part of it unpacks to more than {PART_LIMIT // 2**20} MiB"
        raise Unopened("too-large", message, "save only the tables of ports")
    told = unpacking.unused_data[:4]
    is_other = len(told) == 4 and int.from_bytes(told, "big") != zlib.adler32(data)
    if raw and (is_other or not unpacking.eof):
        raise Unopened("unreadable", "a part of it is damaged", "fetch it again")
