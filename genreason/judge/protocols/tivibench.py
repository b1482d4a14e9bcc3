"""TiViBench (arXiv 2511.13704): two or three yes/no questions that must all match, pass@1 and pass@5."""

from __future__ import annotations

from genreason.judge.checklist import ChecklistJudge


class TiviBenchJudge(ChecklistJudge):
    """All questions must match; what is over all samples and seeds is in `genreason.metrics.published`."""

    @property
    def plain(self) -> bool:
        """Compatible mode cites no frames and has no "cannot tell"."""
        return self.settings.mode == "compatible"
