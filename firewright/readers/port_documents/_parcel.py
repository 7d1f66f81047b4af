"""Files that are ZIP archives of XML (OOXML, OpenDocument): their parts within bounds, whatever the archive claims.

Neither bombs nor entities get through: a part is unpacked up to a limit and no further, and a document type, without which
XML has no entities of its own, is refused (OOXML forbids one: ECMA-376 part 2, 7.2.3; OpenDocument has no use for one).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from struct import Struct
from struct import error as StructError
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

PART_LIMIT = 64 * 1024 * 1024
"""Bytes of the largest part, unpacked."""
PARTS_LIMIT = 10_000
"""Parts of one file: each picture of a document is one."""
DEPTH_LIMIT = 200
"""Elements within elements: tables in text boxes in tables stay far below."""
NODE_LIMIT = 3_000_000
"""Elements of one part."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How Office files before 2007 begin, and encrypted ones since ([MS-CFB] 2.2)."""
_ENCRYPTED = 0x1
"""The bit of an entry's flags that says so (APPNOTE.TXT 4.4.4)."""
_UTF8 = 0x800
"""The bit that says that an entry's name is UTF-8, not code page 437."""
_LOCAL_HEAD = Struct("<4s22xHH")
"""What stands before an entry's bytes: a mark, and the lengths of its name and of what programs add (APPNOTE.TXT 4.3.7)."""
_CHUNK = 64 * 1024


class Unopened(Exception):
    """A file that is not read: `name` is the slug of the reason, the text the reason, `help` a way out."""

    def __init__(self, name: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.name, self.help = name, help


@dataclass(slots=True)
class Node:
    """An element of XML by its local name, with its attributes by theirs; `children` are texts and elements in order."""

    name: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    def elements(self, *names: str) -> Iterator[Node]:
        """The children that are elements, all or those of some names."""
        for child in self.children:
            if isinstance(child, Node) and (not names or child.name in names):
                yield child

    def first(self, *path: str) -> Node | None:
        """The first child of a name, its first child of the next, and so on; None where one is missing."""
        here: Node | None = self
        for name in path:
            here = next(here.elements(name), None) if here is not None else None
        return here

    def get(self, attribute: str, default: str = "") -> str:
        """An attribute's value."""
        return self.attributes.get(attribute, default)

    def walk(self, *names: str) -> Iterator[Node]:
        """Every element of some names below this one, in the order of the text."""
        waiting = [self.elements()]
        while waiting:
            one = next(waiting[-1], None)
            if one is None:
                waiting.pop()
                continue
            if one.name in names:
                yield one
            waiting.append(one.elements())


class Parcel:
    """An archive of parts by name. Opening it reads nothing but its directory."""

    def __init__(self, raw: bytes) -> None:
        if raw.startswith(_COMPOUND):
            message = "it is encrypted, or an Office file from before 2007"
            raise Unopened("encrypted", message, "save it without a password, as .xlsx, .ods or .docx")
        try:
            entries = ZipFile(BytesIO(raw)).infolist()
        except (BadZipFile, ValueError, OSError, EOFError, RuntimeError, OverflowError, StructError) as error:
            message = "it is cut off, or none of the archives that its format consists of"
            raise Unopened("unreadable", message, "save it again, or fetch it again") from error
        if len(entries) > PARTS_LIMIT:
            raise Unopened("too-large", f"more than {PARTS_LIMIT:,} parts", "save only the tables of ports")
        self._raw, self._entries = raw, dict[str, ZipInfo]()
        for entry in entries:
            # programs differ in which of two parts they take, so that what is read would not be what people see
            if self._entries.setdefault(entry.filename.lower(), entry) is not entry:
                raise Unopened(
                    "unreadable", f"it has two parts with one name ({entry.filename[:80]!r})", "save it again"
                )

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def part(self, name: str) -> bytes:
        """The bytes of a part. Raises Unopened where it is missing, too long, encrypted or damaged."""
        entry = self._entries.get(name.lstrip("/").lower())
        if entry is None:
            raise Unopened("unreadable", f"its part {name[:80]} is missing", "save it again")
        if entry.flag_bits & _ENCRYPTED:
            raise Unopened("encrypted", "it is encrypted", "save it without a password")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise Unopened("unreadable", f"its part {name[:80]} is packed in a way that its format does not know")
        raw = _unpacked(self._raw, entry)
        if raw is None:
            raise Unopened("unreadable", f"its part {name[:80]} is damaged", "save it again, or fetch it again")
        if len(raw) > PART_LIMIT:
            message = f"its part {name[:80]} unpacks to more than {PART_LIMIT // 2**20} MiB"
            raise Unopened("too-large", message, "save only the tables of ports")
        return raw

    def tree(self, name: str) -> Node:
        """A part as XML. Raises Unopened."""
        return next(self.pieces(name))

    def pieces(self, name: str, wanted: Iterable[str] = ()) -> Iterator[Node]:
        """The outermost elements of some names in a part, one after the other so that few are in memory; without names its root.

        Raises Unopened. O(bytes).
        """
        return _Parsing(name, frozenset(wanted)).pieces(self.part(name))


def _unpacked(raw: bytes, entry: ZipInfo) -> bytes | None:
    """The bytes of an entry, no more than one beyond PART_LIMIT whatever it claims; None where it is damaged. O(answer)."""
    begin = entry.header_offset
    head = raw[begin : begin + _LOCAL_HEAD.size]
    if len(head) < _LOCAL_HEAD.size:
        return None
    mark, name_length, more = _LOCAL_HEAD.unpack(head)
    start = begin + _LOCAL_HEAD.size + name_length + more
    name = raw[begin + _LOCAL_HEAD.size : start - more].decode(
        "utf-8" if entry.flag_bits & _UTF8 else "cp437", "replace"
    )
    packed = raw[start : start + entry.compress_size]
    if mark != b"PK\x03\x04" or name != entry.orig_filename:
        return None
    if entry.compress_type == ZIP_DEFLATED:
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            packed = unpacking.decompress(packed, PART_LIMIT + 1)
        except zlib.error:
            return None
        if not unpacking.eof and len(packed) <= PART_LIMIT:
            return None
    is_whole = len(packed) == entry.file_size and zlib.crc32(packed) == entry.CRC
    return packed if is_whole or len(packed) > PART_LIMIT else None


class _Parsing:
    """Builds elements from a parser's events; those that are wanted are handed out and forgotten."""

    def __init__(self, part: str, wanted: frozenset[str]) -> None:
        self.part, self.wanted = part, wanted
        self.open: list[Node] = []
        self.ready: list[Node] = []
        self.depth, self.count = 0, 0
        self.locals: dict[str, str] = {}

    def pieces(self, raw: bytes) -> Iterator[Node]:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self.begin
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = self.doctype
        try:
            for start in range(0, len(raw), _CHUNK):
                parser.Parse(raw[start : start + _CHUNK], False)
                yield from self.ready
                self.ready.clear()
            parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            message = f"its part {self.part[:80]} is no XML: {error}"
            raise Unopened("unreadable", message, "save it again, or fetch it again") from error
        yield from self.ready

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self.depth, self.count = self.depth + 1, self.count + 1
        if self.depth > DEPTH_LIMIT or self.count > NODE_LIMIT:
            message = (
                f"its part {self.part[:80]} has more than {NODE_LIMIT:,} elements, or {DEPTH_LIMIT} within each other"
            )
            raise Unopened("too-large", message, "save only the tables of ports")
        local = self.local(name)
        if self.open or not self.wanted or local in self.wanted:
            node = Node(local, {self.local(key): value for key, value in attributes.items()})
            if self.open:
                self.open[-1].children.append(node)
            self.open.append(node)

    def local(self, name: str) -> str:
        """A name without its namespace."""
        found = self.locals.get(name)
        if found is None:
            found = self.locals[name] = name.rpartition("}")[2]
        return found

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.open:
            node = self.open.pop()
            if not self.open:
                self.ready.append(node)

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1].children.append(text)

    def doctype(self, *_: object) -> None:
        message = f"its part {self.part[:80]} declares a document type, with which entities come"
        raise Unopened("unreadable", message, "save it again with an office program")
