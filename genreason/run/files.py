"""Files that survive being killed half way: `genreason.formats.files`, as runs name them."""

from genreason.formats.files import (
    FULL,
    append,
    clear_parts,
    disk,
    keep_lines,
    line,
    read_json,
    read_lines,
    write_json,
    write_text,
)

__all__ = [
    "FULL", "append", "clear_parts", "disk", "keep_lines", "line", "read_json", "read_lines", "write_json",
    "write_text",
]  # fmt: skip
