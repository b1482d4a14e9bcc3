"""Batches of samples whose latents have one shape; seed and step decide which samples a step sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from genreason import seeds
from genreason.types import UserError


class Buckets:
    """Endless batches: every sample once an epoch, leftovers of a shape as a smaller batch.

    Nothing is remembered between steps, so that a resumed run sees what an uninterrupted one would have.
    """

    def __init__(self, shapes: Sequence[Hashable], batch: int, seed: int, ranks: int = 1) -> None:
        """Put samples, given by their shapes, into buckets.

        Args:
            shapes: of each sample.
            batch: samples in a batch of one process.
            seed: of the order.
            ranks: processes that share each step.

        Raises:
            UserError: there are no samples.
        """
        if not shapes:
            raise UserError("no samples to train on")
        self.batch, self.seed, self.ranks = batch, seed, ranks
        self.members: dict[Hashable, list[int]] = defaultdict(list)
        for i, shape in enumerate(shapes):
            self.members[shape].append(i)
        # The number of batches is the same in every epoch; the last round is filled from its beginning.
        whole = sum(-(-len(found) // batch) for found in self.members.values())
        self.rounds = -(-whole // ranks)
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def report(self) -> list[str]:
        """What is in the buckets, a line each."""
        lines = []
        for shape, found in self.members.items():
            whole, rest = divmod(len(found), self.batch)
            last = f" and one of {rest}" if rest else ""
            lines.append(f"latents {shape}: {len(found)} samples, {whole} batches of {self.batch}{last}")
        return lines

    def at(self, turn: int, rank: int = 0) -> list[int]:
        """The samples of a process's turn (turns count micro batches from 0)."""
        epoch, place = divmod(turn, self.rounds)
        if self._epoch[0] != epoch:
            self._epoch = epoch, self._shuffled(epoch)
        batches = self._epoch[1]
        return batches[(place * self.ranks + rank) % len(batches)]

    def _shuffled(self, epoch: int) -> list[list[int]]:
        stream = seeds.stream("buckets", self.seed, epoch)
        batches = []
        for found in self.members.values():
            order = [found[int(i)] for i in stream.permutation(len(found))]
            batches += [order[i : i + self.batch] for i in range(0, len(order), self.batch)]
        return [batches[int(i)] for i in stream.permutation(len(batches))]
