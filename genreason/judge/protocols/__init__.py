"""Published protocols as judges. Each has a compatible mode and a fixed one that mends its known defects."""

from __future__ import annotations

MENDED: dict[str, tuple[str, ...]] = {
    "ruler": (
        "the last frame is always shown (every int(fps/2)th frame leaves up to half a second unseen)",
        "all pictures have the same scale",
        "a metric that an instance has no question for is left out (compatible: it counts as 0)",
        "an invalid reply is mended or unscored (compatible: dropped)",
        "answers cite frames, cannot_tell is allowed, passing rule coherence is reported apart",
    ),
    "tivibench": (
        "shares are over clips that were scored, with intervals (compatible: over all samples, unscored "
        "ones fail)",
        "answers cite frames and may be cannot_tell",
        "pass@k is the unbiased estimate (compatible: any of k)",
    ),
    "mme-cof": (
        "instruction alignment decides whether a clip passes (compatible: the mean of five criteria, three "
        "of them about looks)",
        "the given picture is shown, grades cite frames and may be cannot_tell",
    ),
    "viper": (
        "verdicts cite frames and may be cannot_tell",
        "a reply that cannot be read is mended or unscored",
    ),
    "v-reasonbench": (
        "pictures are sent whole as PNG (compatible: halved, JPEG)",
        "a failed call is unscored (compatible: the published figures count it as 0)",
        "pass@k needs k clips (compatible: with fewer, k is lowered)",
    ),
    "vr-bench-vlm-score": (
        "five atomic questions make the score of 0 to 5 (compatible: one grade of rule compliance)",
    ),
    "pairwise": ("both orders are asked, an answer that changes with the order is a tie",),
}
"""What the fixed mode of each protocol mends; the report says which mode was used."""
