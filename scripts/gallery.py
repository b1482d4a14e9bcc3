"""Write docs/tasks/, the gallery of tasks: `python scripts/gallery.py [TASK...]`."""

import sys
from pathlib import Path

from genreason import cards, gallery

if __name__ == "__main__":
    gallery.write(
        sys.argv[1:] or sorted(cards.paths(cards.TaskCard)), Path(__file__).parent.parent / "docs/tasks"
    )
