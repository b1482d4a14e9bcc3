"""Write the golden files of tasks: `python scripts/golden.py [TASK...] [--force]`.

Without --force, a file whose task kept its version is only written if nothing changed.
"""

import json
import sys
from pathlib import Path

from genreason import cards, golden

FOLDER = Path(__file__).parent.parent / "tests" / "golden"


def main(names: list[str], force: bool) -> int:
    status = 0
    for name in names or sorted(cards.paths(cards.TaskCard)):
        path = FOLDER / f"{name}.json"
        new = golden.record(cards.load(cards.TaskCard, name))
        old = json.loads(path.read_text()) if path.exists() else None
        changed = [] if old is None else golden.differences(old, new)
        for line in changed:
            print(f"{name}: {line}")
        if changed and old["version"] == new["version"] and not force:
            print(f"{name}: changed, but the version did not: raise `version` in tasks/{name}.yaml")
            status = 1
            continue
        FOLDER.mkdir(exist_ok=True)
        path.write_text(json.dumps(new, indent=1, sort_keys=True) + "\n")
        print(f"{name}: {'wrote' if changed or old is None else 'unchanged'}")
    return status


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main([a for a in arguments if a != "--force"], "--force" in arguments))
