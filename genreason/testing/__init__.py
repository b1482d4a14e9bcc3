"""Contract checks for people who add a puzzle, a generator or a judge.

Each check raises `AssertionError` with one line that says what does not hold, and for which sample. They are
plain functions: call them from a test of any framework.

    from genreason import testing
    from genreason.puzzles.maze import PUZZLE, MazeParams

    def test_maze() -> None:
        testing.check_puzzle(PUZZLE, MazeParams(rooms=4), n=20)
"""

from genreason.testing.generators import check_generator
from genreason.testing.judges import check_judge, check_verdict
from genreason.testing.puzzles import MOTION, Symmetries, check_puzzle, instance_of

__all__ = [
    "MOTION",
    "Symmetries",
    "check_generator",
    "check_judge",
    "check_puzzle",
    "check_verdict",
    "instance_of",
]
