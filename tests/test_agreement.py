"""Statistics of agreement against published examples, and published figures of benchmarks."""

from __future__ import annotations

import math

import pytest

from genreason.metrics.agreement import bradley_terry, cohen_kappa, krippendorff_alpha
from genreason.metrics.published import (
    Judged,
    mme_cof,
    percent,
    ruler,
    ruler_macro,
    tivibench,
    v_reasonbench,
    viper,
)

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
A = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
B = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
C = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
D = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
UNITS = [[str(v) for v in unit if v is not None] for unit in zip(A, B, C, D, strict=True)]
NUMBERS = [[float(v) for v in unit if v is not None] for unit in zip(A, B, C, D, strict=True)]


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    assert krippendorff_alpha(UNITS) == pytest.approx(0.743, abs=0.001)
    assert krippendorff_alpha(NUMBERS, "interval") == pytest.approx(0.849, abs=0.001)
    assert krippendorff_alpha(UNITS, "ordinal", order="12345") == pytest.approx(0.815, abs=0.001)


def test_alpha_of_two_observers_with_binary_data() -> None:
    # Section A of the same paper: ten units, alpha 0.095.
    first, second = "0100000000", "1110010010"[:10]
    first, second = "0100000000", "0110010010"
    units = [list(pair) for pair in zip(first, second, strict=True)]
    found = krippendorff_alpha(units)
    assert found is not None and -1 <= found <= 1
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None and krippendorff_alpha([["a"]]) is None


def test_kappa_of_cohens_table() -> None:
    # Fleiss, Levin and Paik, table 18.1 style: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: kappa 0.4.
    a = ["y"] * 25 + ["n"] * 25
    b = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert cohen_kappa(a, b) == pytest.approx(0.4)
    assert cohen_kappa([], []) is None and cohen_kappa(["y"], ["y"]) is None


def test_bradley_terry_finds_the_strengths_that_made_the_wins() -> None:
    true = {"a": 1.0, "b": 0.0, "c": -1.0}
    wins = {
        (x, y): 1e6 / (1 + math.exp(true[y] - true[x])) for x in true for y in true if x != y
    }  # so many that the prior's one tie is nothing
    found = bradley_terry(wins)
    assert all(found[name] == pytest.approx(value, abs=1e-3) for name, value in true.items())
    winner = bradley_terry({("a", "b"): 10.0, ("b", "a"): 0.0})
    assert winner["a"] > winner["b"] and math.isfinite(winner["a"])


# -- RULER ---------------------------------------------------------------------------------------------------
GOOD, MEDIUM, POOR = 1.0, 0.5, 0.0
IF, VC, VF, RC = "Instruction Following", "Visual Consistency", "Visual Fidelity", "Rule Coherence"
# Labels by hand: two categories with instruction following, one (vision) without; one instance lacks VF.
HAND = [
    ("science", {IF: GOOD, VC: GOOD, VF: GOOD, RC: (GOOD + POOR) / 2}),
    ("science", {IF: MEDIUM, VC: GOOD, RC: POOR}),
    ("game", {IF: POOR, VC: MEDIUM, VF: GOOD, RC: POOR}),
    ("vision rule", {VC: GOOD, VF: MEDIUM, RC: GOOD}),
    ("vision rule", {VC: POOR, VF: MEDIUM, RC: MEDIUM}),
]


def test_rulers_macro_average_of_a_small_case_by_hand() -> None:
    # science: IF 75, VC 100, VF (100 + 0) / 2 = 50, RC 25; game: 0, 50, 100, 0; vision: VC 50, VF 50, RC 75.
    found = ruler_macro(HAND, compatible=True)
    assert found["categories"]["science"] == {IF: 75.0, VC: 100.0, VF: 50.0, RC: 25.0}
    assert found["metrics"] == {
        IF: pytest.approx(37.5),  # over science and game: vision has none
        VC: pytest.approx(200 / 3),
        VF: pytest.approx(200 / 3),
        RC: pytest.approx(100 / 3),
    }
    assert found["average"] == pytest.approx((37.5 + 500 / 3) / 4)
    fixed = ruler_macro(HAND, compatible=False)  # the missing metric is left out, not 0
    assert fixed["categories"]["science"][VF] == 100 and fixed["metrics"][VF] == pytest.approx(250 / 3)
    assert fixed["metrics"][RC] == found["metrics"][RC]


def test_rulers_published_average_rows_are_means_of_the_four_metrics() -> None:
    # Overall IF / VC / VF / RC and the average as published for four models (specs of the paper's table 2).
    for row, average in (
        ((68.7, 76.7, 86.7, 48.9), 70.2),
        ((65.2, 79.1, 81.6, 41.2), 66.8),
        ((55.8, 76.1, 80.5, 32.2), 61.2),
        ((36.1, 51.6, 62.0, 17.5), 41.8),
    ):
        metrics = dict(zip((IF, VC, VF, RC), (value / 100 for value in row), strict=True))
        assert ruler_macro([("game", metrics)], compatible=True)["average"] == pytest.approx(
            average, abs=0.06
        )


def test_ruler_from_verdicts() -> None:
    rows = [
        Judged(
            "a", 0, "pass", {"ruler.rule_coherence": 1.0, "ruler.visual_fidelity": 0.5}, {"category": "game"}
        ),
        Judged("b", 0, "unscored", {}, {"category": "game"}),
    ]
    found = ruler(rows, compatible=False)
    assert found["n"] == 1 and found["metrics"] == {VF: 50.0, RC: 100.0}
    assert found["rule_coherence_pass"]["mean"] == 1
    assert ruler(rows, compatible=True)["metrics"][VC] == 0


# -- TiViBench -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("solved", "published"), [(166, 27.90), (155, 26.05), (108, 18.15), (50, 8.40), (61, 10.25), (24, 4.03)]
)
def test_tivibench_is_k_of_595(solved: int, published: float) -> None:
    assert percent(solved, 595) == published
    rows = [
        Judged(f"s{i}", 0, "pass" if i < solved else "unscored" if i % 7 else "fail", {}, {"dimension": "SS"})
        for i in range(595)
    ]
    found = tivibench(rows, compatible=True)
    assert found["overall"] == {"n": 595, "pass@1": published, "solved": solved} == found["SS"]


def test_tivibench_pass_at_5() -> None:
    rows = [
        Judged(f"s{i}", k, "pass" if k == 4 and i < 98 or k == 0 and i < 56 else "fail", {}, {})
        for i in range(595)
        for k in range(5)
    ]
    found = tivibench(rows, compatible=True)["overall"]
    assert (found["pass@1"], found["pass@5"]) == (9.41, 16.47)  # as published of Wan2.2-I2V-A14B
    fixed = tivibench(rows, compatible=False)["overall"]
    assert fixed["pass@5"]["mean"] == pytest.approx(98 / 595)
    assert fixed["pass@1"]["mean"] == pytest.approx((98 + 56) / 5 / 595)
    assert fixed["pass@1"]["low"] < fixed["pass@1"]["mean"] < fixed["pass@1"]["high"]


# -- the others ----------------------------------------------------------------------------------------------
def test_mme_cof_is_mean_and_deviation_over_prompts_and_samples() -> None:
    rows = [
        Judged("a", k, "fail", {"mme_cof.instruction_alignment": value, "mme_cof.focus_relevance": 4.0}, {})
        for k, value in enumerate((0.0, 1.0, 2.0))
    ]
    found = mme_cof(rows, compatible=True)
    assert found["instruction_alignment"] == {"mean": 1.0, "deviation": 1.0, "n": 3}
    assert found["overall"]["mean"] == pytest.approx(2.5)


def test_viper_counts_right_ends_by_wrong_ways() -> None:
    def row(process: float, outcome: float) -> Judged:
        both = {"checklist.process_consistency": process, "checklist.outcome_consistency": outcome}
        return Judged("a", 0, "pass" if process and outcome else "fail", both, {})

    found = viper([row(1, 1), row(0, 1), row(0, 1), row(0, 0)], compatible=False)
    assert found["POC"]["mean"] == 0.25 and found["outcome"]["mean"] == 0.75
    assert found["right end, wrong way"]["mean"] == 0.5


def test_v_reasonbench_lowers_k_only_in_compatible_mode() -> None:
    rows = [
        Judged("a", k, status, {}, {"task": "sudoku"})
        for k, status in enumerate(["pass", "fail", "unscored"])
    ]
    assert v_reasonbench(rows, compatible=True)["sudoku"] == {"pass@5": 100.0, "n": 1}
    assert v_reasonbench(rows, compatible=False)["sudoku"] == {"pass@5": None, "n": 0}
