"""A guard that lets everything through, in the place of Cosmos's: tiny pipelines draw noise only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin


class TinyGuard(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Has the methods that `Cosmos2VideoToWorldPipeline` calls; a number, so that it can be saved."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self) -> None:
        """A guard."""
        super().__init__()
        self.register_buffer("place", torch.zeros(1))

    def check_text_safety(self, prompt: str) -> bool:
        """Whether a prompt may be answered."""
        return True

    def check_video_safety(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The frames (THWC), as they may be shown."""
        return frames
