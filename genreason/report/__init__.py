"""Run folders to figures (`aggregate`) and to a page that shows every sample (`write_report`)."""

from genreason.report.aggregate import aggregate
from genreason.report.html import write_report

__all__ = ["aggregate", "write_report"]
