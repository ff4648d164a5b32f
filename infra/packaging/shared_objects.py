"""Takes out of shared objects what only linkers and debuggers read.

In Python and not with binutils' `strip`, which knows its own machine's architecture alone and
makes other bytes in every version: a layer must come out the same wherever it is built.
"""

from __future__ import annotations

import struct
from typing import Final

_IDENTITY: Final = b"\x7fELF\x02\x01"
"""First bytes of an ELF file with 64-bit addresses, low bytes first: all that Lambda runs."""

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")


def without_symbols(content: bytes) -> bytes:
    """Return a shared object up to the last byte that is loaded; other files as they are.

    What follows the segments are the symbol table, debugging information and the section headers
    that describe them. The dynamic linker reads segments alone (System V ABI, "Program Loading and
    Dynamic Linking"; the section header table is optional there), and the symbols that it looks up
    are loaded with them.
    """
    if not content.startswith(_IDENTITY):
        return content
    header = list(_HEADER.unpack_from(content))
    table, size, count = header[5], header[9], header[10]
    ends = [table + size * count]
    for number in range(count):
        segment = _SEGMENT.unpack_from(content, table + number * size)
        offset, bytes_in_file = segment[2], segment[5]
        ends.append(offset + bytes_in_file)
    header[6] = 0  # e_shoff: no section headers ...
    header[12] = header[13] = 0  # ... e_shnum, e_shstrndx: none of them
    return _HEADER.pack(*header) + content[_HEADER.size : max(ends)]
