"""genreason: make video models reason, and prove whether they did.

Importing it loads neither torch nor cv2; the parts load what they need.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("genreason")
except PackageNotFoundError:  # run from a folder that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
