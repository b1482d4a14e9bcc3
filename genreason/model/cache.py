"""Keys and values of what was written, for generation: read by every step, written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genreason.model.layout import PAD, Tags
from genreason.model.towers import FusedBlock


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of a cache, without holes: keys and values (layers, heads, length, head_dim), and tags."""

    keys: Tensor
    values: Tensor
    tags: Tags

    @property
    def size(self) -> int:
        """Bytes."""
        return 2 * self.keys.nbytes

    def before(self, time: int) -> Kept:
        """The part that stands before that time (position on the first axis)."""
        chosen = self.tags.position[0, :, 0] < time
        tags = Tags(*(getattr(self.tags, name)[:, chosen] for name in Tags.__slots__))
        return Kept(self.keys[:, :, chosen], self.values[:, :, chosen], tags)


class KVCache:
    """Of a batch of rows that may be at different places.

    All rows share one place to write at. A row that takes no part in a write has a hole there, which nobody
    sees; positions are turned into the keys, so holes change nothing.

    Attributes:
        length: columns in use.
        tags: of the columns, (rows, length); PAD where a row has a hole.
        fused: the model's layers as generation has them.
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
        self.fused: list[FusedBlock] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._keys.shape[1])

    @property
    def whole(self) -> bool:
        """Whether all rows see all columns."""
        return self._whole

    @classmethod
    def joined(cls, rows: Sequence[Kept]) -> KVCache:
        """Rows that were kept as a cache; shorter ones have holes at their ends."""
        like = rows[0].keys
        layers, heads, _, head_dim = like.shape
        longest = max(row.keys.shape[2] for row in rows)
        found = cls(layers, len(rows), heads, head_dim, like, room=longest + 64)
        for i, row in enumerate(rows):
            length = row.keys.shape[2]
            found._keys[:, i, :, :length] = row.keys
            found._values[:, i, :, :length] = row.values
            for name in Tags.__slots__:
                getattr(found._tags, name)[i, :length] = getattr(row.tags, name)[0]
            found._whole = found._whole and length == longest
        found.length = longest
        return found

    def kept(self, row: int) -> Kept:
        """A copy of one row, without its holes."""
        filled = self._tags.kind[row, : self.length] != PAD
        tags = Tags(
            *(getattr(self._tags, name)[row : row + 1, : self.length][:, filled] for name in Tags.__slots__)
        )
        keys, values = (t[:, row, :, : self.length][:, :, filled] for t in (self._keys, self._values))
        return Kept(keys, values, tags)

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        self._keys, self._values = self._keys[:, rows], self._values[:, rows]
        self._tags = self._tags.rows(rows)

    def tags(self, rows: Tensor | None) -> Tags:
        """Tags of the columns in use, of some rows."""
        found = Tags(*(getattr(self._tags, n)[:, : self.length] for n in Tags.__slots__))
        return found if rows is None else found.rows(rows)

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

    def behind(
        self, layer: int, rows: Tensor | None, write: bool, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A layer's keys and values with new ones (rows, heads, n, head_dim) behind them (`reserve` first).

        The new ones lie in columns that are not in use until they are committed; only of some rows, and
        without `write`, they are in no column.
        """
        if not self.length and keys.dtype != self._keys.dtype:  # under FSDP weights are kept in another
            self._keys, self._values = self._keys.to(keys.dtype), self._values.to(keys.dtype)
        past, columns = slice(0, self.length), slice(self.length, self.length + keys.shape[2])
        whole = slice(0, columns.stop)
        if rows is None:
            self._keys[layer, :, :, columns], self._values[layer, :, :, columns] = keys, values
            return self._keys[layer, :, :, whole], self._values[layer, :, :, whole]
        if write:
            self._keys[layer][rows, :, columns], self._values[layer][rows, :, columns] = keys, values
        before = self._keys[layer, :, :, past][rows], self._values[layer, :, :, past][rows]
        return torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2)

    def commit(self, tags: Tags, rows: Tensor | None) -> None:
        """Count the columns that all layers have stored as written."""
        chosen = slice(None) if rows is None else rows
        columns = slice(self.length, self.length + len(tags))
        for name in Tags.__slots__:
            getattr(self._tags, name)[chosen, columns] = getattr(tags, name)
        all_rows = rows is None or len(rows) == self.rows
        self._whole = self._whole and all_rows and not bool((tags.kind == PAD).any())
        self.length += len(tags)
