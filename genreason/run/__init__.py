"""Stages from puzzles to verdicts: make, generate, judge, and all of them in one.

Every stage writes so that it can be killed at any moment: a file either has its name and is whole, or is not
there; a line of JSON Lines that was cut off is dropped. The same call goes on where the last one ended.
"""

from genreason.run.answers import attach_answers
from genreason.run.folder import RunFolder
from genreason.run.generating import generate
from genreason.run.judging import attach, judge
from genreason.run.making import make
from genreason.run.optimising import Budget, optimise
from genreason.run.whole import add_context, add_gate, floors, gate_figures, run

__all__ = [
    "Budget",
    "RunFolder",
    "add_context",
    "add_gate",
    "attach",
    "attach_answers",
    "floors",
    "gate_figures",
    "generate",
    "judge",
    "make",
    "optimise",
    "run",
]
