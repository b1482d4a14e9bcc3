"""Keys and values of what was written, for generation: read by every step, written once."""

from __future__ import annotations

import torch
from torch import Tensor

from genreason.model.layout import PAD, Tags


class KVCache:
    """Of a batch of rows that may be at different places.

    All rows share one place to write at. A row that takes no part in a write has a hole there, which nobody
    sees; positions are turned into the keys, so holes change nothing.

    Attributes:
        length: columns in use.
        tags: of the columns, (rows, length); PAD where a row has a hole.
    """

    def __init__(
        self, layers: int, rows: int, heads: int, head_dim: int, like: Tensor, room: int = 64
    ) -> None:
        """An empty cache with room for so many columns, where and as `like` is; it grows."""
        self.length = 0
        self._keys = like.new_zeros(layers, rows, heads, room, head_dim)
        self._values = torch.zeros_like(self._keys)
        empty = torch.full((rows, room), PAD, dtype=torch.int64, device=like.device)
        self._tags = Tags(empty, empty.clone(), empty.clone(), empty.new_zeros(rows, room, 3))
        self._whole = True  # no row has a hole

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._keys.shape[1])

    @property
    def whole(self) -> bool:
        """Whether all rows see all columns."""
        return self._whole

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        self._keys, self._values = self._keys[:, rows], self._values[:, rows]
        self._tags = self._tags.rows(rows)

    def tags(self, rows: Tensor | None) -> Tags:
        """Tags of the columns in use, of some rows."""
        found = Tags(*(getattr(self._tags, n)[:, : self.length] for n in Tags.__slots__))
        return found if rows is None else found.rows(rows)

    def read(self, layer: int, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Keys and values (rows, heads, length, head_dim) of a layer."""
        keys, values = (t[layer, :, :, : self.length] for t in (self._keys, self._values))
        return (keys, values) if rows is None else (keys[rows], values[rows])

    def reserve(self, count: int) -> None:
        """Make room for more columns."""
        room = self._keys.shape[3]
        if self.length + count <= room:
            return
        more = max(room, self.length + count - room)
        self._keys, self._values = (
            torch.cat([t, t.new_zeros(*t.shape[:3], more, t.shape[4])], 3) for t in (self._keys, self._values)
        )
        kind, chunk, order = (
            torch.cat([t, t.new_full((t.shape[0], more), PAD)], 1)
            for t in (self._tags.kind, self._tags.chunk, self._tags.order)
        )
        position = self._tags.position
        position = torch.cat([position, position.new_zeros(position.shape[0], more, 3)], 1)
        self._tags = Tags(kind, chunk, order, position)

    def store(self, layer: int, keys: Tensor, values: Tensor, rows: Tensor | None) -> None:
        """Put a layer's new keys and values into the columns behind those in use (`reserve` first)."""
        chosen = slice(None) if rows is None else rows
        columns = slice(self.length, self.length + keys.shape[2])
        self._keys[layer][chosen, :, columns] = keys
        self._values[layer][chosen, :, columns] = values

    def commit(self, tags: Tags, rows: Tensor | None) -> None:
        """Count the columns that all layers have stored as written."""
        chosen = slice(None) if rows is None else rows
        columns = slice(self.length, self.length + len(tags))
        for name in Tags.__slots__:
            getattr(self._tags, name)[chosen, columns] = getattr(tags, name)
        all_rows = rows is None or len(rows) == self.rows
        self._whole = self._whole and all_rows and not bool((tags.kind == PAD).any())
        self.length += len(tags)
