from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.simulated_studies import World, simulate
from numpy.typing import NDArray
from scipy import stats

from tunewise.core.canonical import canonical
from tunewise.core.errors import InputError
from tunewise.statistics.comparison import Comparison, compare
from tunewise.statistics.corrections import benjamini_hochberg, holm
from tunewise.statistics.intervals import none_differs, wilson
from tunewise.statistics.power import examples_needed
from tunewise.statistics.score_matrix import RowScores

EXAMPLES = 200
IDS = [f"item {number}" for number in range(EXAMPLES)]
LABELS = np.arange(EXAMPLES) % 2


def row(
    name: str,
    *wrong: Sequence[int] | NDArray[np.integer],
    ids: Sequence[str] = IDS,
    seeded: bool = True,
) -> RowScores:
    """A contender with one run for each list of examples that it gets wrong."""
    choices = {}
    for seed, places in enumerate(wrong):
        answers = LABELS.copy()
        answers[np.asarray(places, dtype=int)] = 1 - answers[np.asarray(places, dtype=int)]
        choices[seed] = answers
    return RowScores(name, ids, LABELS, choices, seeded=seeded)


def compared(*rows: RowScores, metric: str = "accuracy", **options: object) -> Comparison:
    rng = np.random.default_rng(0)
    return compare(rows, metric, rng=rng, resamples=500, **options)  # type: ignore[arg-type]  # options vary by test


def simulated(*accuracies: float, seeds: int = 3, world: World | None = None) -> list[RowScores]:
    own = [range(seeds)] * len(accuracies)
    return simulate(world or World(), accuracies, own, rng=np.random.default_rng(3)).rows


def test_of_equal_rows_one_that_always_says_the_same_is_not_the_best() -> None:
    always = RowScores("majority", IDS, LABELS, {0: np.zeros_like(LABELS)}, seeded=False)
    equal = row("tfidf", range(EXAMPLES // 2), seeded=False)
    found = compared(always, equal)
    assert [one.name for one in found.rows] == ["tfidf", "majority"]
    assert found.rows[0].mean == found.rows[1].mean and found.best == "tfidf"


@pytest.mark.parametrize("best", ["a", "majority"])
def test_of_constant_rows_of_one_score_the_reference_comes_last_unless_it_is_best(
    best: str,
) -> None:
    majority = RowScores("majority", IDS, LABELS, {0: np.zeros(EXAMPLES, int)}, seeded=False)
    learned = RowScores("learned", IDS, LABELS, {0: np.zeros(EXAMPLES, int)})
    rows = [row("a", range(30)), majority, learned] if best == "a" else [majority, learned]
    found = compared(*rows)
    assert found.best == best
    assert [one.name for one in found.rows[1:]] == ["learned", "majority"][: len(rows) - 1]


def test_seeds_that_average_to_the_same_score_are_equal_to_it() -> None:
    """A mean of three floats may end one digit below what it is a mean of."""
    always = RowScores("majority", IDS, LABELS, {0: np.zeros_like(LABELS)}, seeded=False)
    for wrong in ((99, 100, 101), (81, 100, 119), (67, 99, 134)):
        found = compared(always, row("lora", *map(range, wrong)))
        assert found.best == "lora"


def test_rows_are_ordered_best_first_with_mean_and_spread() -> None:
    found = compared(row("weak", range(60), range(40)), row("strong", range(10), range(20)))
    assert [one.name for one in found.rows] == ["strong", "weak"]
    assert found.best == "strong"
    weak = found.row("weak")
    assert weak.scores == {0: 0.7, 1: 0.8}
    assert weak.mean == pytest.approx(0.75)
    assert weak.spread == pytest.approx(np.std([0.7, 0.8], ddof=1))


def test_a_single_run_has_wilsons_interval_and_no_claim_about_its_method() -> None:
    one = compared(row("only", range(50))).rows[0]
    assert one.items_interval == pytest.approx(wilson(150, 200))
    assert one.spread is None
    assert one.method_interval is None
    assert one.method_reason == "'only' has one seed: not testable beyond these checkpoints"


def test_runs_that_agree_on_every_example_are_worth_no_more_than_one() -> None:
    one = compared(row("again", range(50), range(50), range(50))).rows[0]
    assert one.items_interval == pytest.approx(wilson(150, 200))


def test_runs_that_err_apart_narrow_the_interval() -> None:
    apart = compared(row("apart", range(50), range(50, 100))).rows[0].items_interval
    assert apart is not None
    whole = wilson(150, 200)
    assert apart.high - apart.low < whole.high - whole.low


def test_a_method_without_randomness_can_be_spoken_about_after_one_run() -> None:
    found = compared(
        row("tfidf", range(60), seeded=False), row("majority", range(100), seeded=False)
    )
    assert found.rows[0].method_interval is not None
    pair = found.pairs[0]
    assert pair.method.separated
    assert pair.method.test == "normal over examples; neither method has randomness"


def test_one_run_each_is_decided_by_exact_mcnemar() -> None:
    pair = compared(row("a", range(10)), row("b", range(12, 40))).pairs[0]
    assert pair.items.test == "exact McNemar"
    assert pair.items.p == pytest.approx(stats.binomtest(10, 38).pvalue)
    assert pair.mcnemar[0].exact == pair.items.p
    assert pair.decided_by == "items"
    assert pair.method.reason is not None
    assert pair.method.separated is None


def test_several_runs_are_decided_by_the_claim_about_the_methods() -> None:
    pair = compared(*simulated(0.8, 0.6)).pairs[0]
    assert pair.decided_by == "method"
    assert pair.method.test == "Student's t over 3 paired seeds, joined with examples"
    assert pair.items.test == "exact sign flips of examples over all seeds"
    assert set(pair.mcnemar) == {0, 1, 2}
    assert not pair.tied


def test_two_seeds_that_lie_close_by_chance_do_not_speak_for_their_models() -> None:
    """Both differ by 3 points, so their spread is zero; over the examples it could be chance."""
    pair = compared(
        row("a", range(8), range(100, 108)),
        row("b", range(20, 34), range(120, 134)),
    ).pairs[0]
    assert pair.method.p is not None and pair.items.p is not None
    assert pair.method.p < 0.05 < pair.items.p
    assert pair.decided_by == "items"
    assert pair.tied


def test_other_seeds_are_not_paired() -> None:
    own, other = simulated(0.8, 0.6)
    moved = RowScores(
        "moved", other.ids, other.labels, {s + 9: c for s, c in other.choices.items()}
    )
    pair = compared(own, moved).pairs[0]
    assert pair.method.test == "moderated t over 3 and 3 seeds, joined with examples"
    assert pair.mcnemar == {}


def test_a_row_without_randomness_meets_every_seed() -> None:
    fixed = RowScores("fixed", IDS, LABELS, {0: 1 - LABELS}, seeded=False)
    pair = compared(row("a", range(10), range(20)), fixed).pairs[0]
    assert set(pair.mcnemar) == {0, 1}
    assert pair.decided_by == "method"


def test_rows_over_different_examples_are_not_tested() -> None:
    other = row("other", range(90), ids=[f"else {number}" for number in range(EXAMPLES)])
    found = compared(row("a", range(10)), other)
    assert found.pairs[0].items.reason == "not testable: they answered different examples"
    assert found.pairs[0].decided_by == "nothing"
    assert found.tied == ["a", "other"]


def test_the_same_examples_with_other_labels_are_not_tested() -> None:
    relabelled = RowScores("b", IDS, 1 - LABELS, {0: LABELS})
    found = compared(row("a", range(10)), relabelled)
    assert found.pairs[0].items.reason == "not testable: the same examples have different labels"


def test_examples_are_matched_by_id_whatever_their_order() -> None:
    order = np.random.default_rng(0).permutation(EXAMPLES)
    second = row("b", range(5, 60), range(70))
    shuffled = RowScores(
        "b",
        [IDS[i] for i in order],
        LABELS[order],
        {seed: run[order] for seed, run in second.choices.items()},
    )
    first = row("a", range(10), range(20))
    assert compared(first, shuffled).plain() == compared(first, second).plain()


def test_identical_answers_leave_a_bound_and_not_a_point() -> None:
    pair = compared(row("a", range(10)), row("b", range(10))).pairs[0]
    assert pair.tied
    assert pair.items.p == 1.0
    assert pair.items.interval == none_differs(EXAMPLES)
    assert pair.needed_items is None


def test_seeds_without_a_single_error_are_no_surer_of_the_methods_than_the_examples() -> None:
    """A third contender lends them a spread of next to nothing."""
    rows = [row("a", [], [], []), row("b", [], [], []), row("c", [1], [2], [3, 4])]
    pair = compared(*rows, equivalence_margin=0.01).pairs[0]
    assert (pair.row, pair.other) == ("b", "a")
    assert pair.method.interval is not None
    assert pair.method.interval.high >= none_differs(EXAMPLES).high
    assert pair.equivalence is not None
    assert pair.equivalence.p == pytest.approx(0.99**EXAMPLES)
    assert compared(*rows, metric="f1_macro").pairs[0].method.interval is None


def test_the_same_runs_under_other_seeds_differ_by_no_rounding() -> None:
    """Their means are sums in another order, which would leave a difference of 1e-16."""
    runs = [range(number) for number in (7, 13, 29, 43, 57)]
    pairs = [compared(row("a", *runs), row("b", *runs[n:], *runs[:n])).pairs[0] for n in range(5)]
    assert all(pair.difference == 0 for pair in pairs)
    assert all(pair.disagreement == 0 and pair.needed_items is None for pair in pairs)


def test_every_pair_counts_when_the_best_is_picked_by_its_score() -> None:
    rows = [row(name, range(wrong)) for name, wrong in zip("abcd", (20, 26, 30, 60), strict=True)]
    found = compared(*rows)
    assert found.family_size == 6
    wrong = {"a": 20, "b": 26, "c": 30, "d": 60}
    pairs = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    p = [stats.binomtest(0, wrong[y] - wrong[x]).pvalue for x, y in pairs]
    expected = dict(zip(pairs, holm(p), strict=True))
    for pair in found.pairs:
        assert pair.items.p_adjusted == pytest.approx(expected[pair.other, pair.row])


def test_a_declared_family_counts_itself_and_the_rest_is_exploratory() -> None:
    rows = [row(name, range(wrong)) for name, wrong in zip("abc", (20, 27, 60), strict=True)]
    found = compared(*rows, family=[("c", "b")])
    by_names = {(pair.row, pair.other): pair for pair in found.pairs}
    declared = by_names["c", "b"]
    assert (declared.correction, declared.confirmatory) == ("Holm", True)
    assert declared.items.p_adjusted == declared.items.p
    rest = [by_names["b", "a"], by_names["c", "a"]]
    assert {pair.correction for pair in rest} == {"Benjamini-Hochberg"}
    p = [pair.items.p or 0.0 for pair in rest]
    assert [pair.items.p_adjusted for pair in rest] == pytest.approx(benjamini_hochberg(p))


def test_macro_f1_is_compared_by_approximate_randomization() -> None:
    rows = [row("a", range(20)), row("b", range(30, 90))]
    pair = compared(*rows, metric="f1_macro").pairs[0]
    assert pair.items.test == "approximate randomization of examples"
    assert pair.items.separated
    assert pair.items.interval is not None
    assert pair.items.interval.low < pair.difference < pair.items.interval.high
    assert pair.mcnemar == {}
    assert pair.needed_items is not None


def test_the_lowest_loss_is_the_best() -> None:
    sure = np.where(np.eye(2)[LABELS] == 1, 0.9, 0.1)
    rows = [
        RowScores("unsure", IDS, LABELS, {0: LABELS}, {0: np.full((EXAMPLES, 2), 0.5)}),
        RowScores("sure", IDS, LABELS, {0: LABELS}, {0: sure}),
    ]
    found = compared(*rows, metric="loss")
    assert found.best == "sure"
    assert not found.pairs[0].tied
    assert found.pairs[0].difference == pytest.approx(np.log(0.9) - np.log(0.5))


def test_an_undefined_score_takes_no_part_and_says_why() -> None:
    constant = RowScores("constant", IDS, LABELS, {0: np.zeros(EXAMPLES, int)})
    found = compared(row("a", range(10)), row("b", range(30)), constant, metric="matthews")
    assert found.rows[-1].name == "constant"
    assert found.rows[-1].mean is None
    assert found.rows[-1].items_reason == "matthews is undefined on these answers (seeds [0])"
    assert [(pair.row, pair.other) for pair in found.pairs] == [("b", "a")]
    assert np.isfinite(found.pairs[0].difference)


def test_no_row_with_a_score_means_no_best_and_no_tie() -> None:
    constant = RowScores("constant", IDS, LABELS, {0: np.zeros(EXAMPLES, int)})
    found = compared(constant, metric="matthews")
    assert (found.best, found.tied, found.pairs) == (None, [], [])


def test_equivalence_within_a_margin_is_shown_and_not_assumed() -> None:
    same = [row("a", range(10)), row("b", range(1, 11))]
    wide = compared(*same, equivalence_margin=0.05).pairs[0].equivalence
    narrow = compared(*same, equivalence_margin=0.005).pairs[0].equivalence
    assert wide is not None
    assert wide.equivalent
    assert narrow is not None
    assert not narrow.equivalent


def test_seeds_that_lie_close_by_chance_make_nothing_equivalent_that_examples_do_not() -> None:
    """The seeds differ by 0 and half a point; over the examples the gap may exceed the margin."""
    pair = compared(
        row("a", range(8), range(100, 108)),
        row("b", range(20, 28), range(120, 129)),
        equivalence_margin=0.024,
    ).pairs[0]
    assert pair.equivalence is not None and pair.items.interval is not None
    assert pair.items.interval.low < -0.024
    assert pair.equivalence.p > 0.05
    assert not pair.equivalence.equivalent


def test_identical_answers_are_equivalent_as_far_as_the_examples_reach() -> None:
    same = [row("a", range(10)), row("b", range(10))]
    near = compared(*same, equivalence_margin=0.02).pairs[0].equivalence
    nearer = compared(*same, equivalence_margin=0.01).pairs[0].equivalence
    assert near is not None
    assert near.p == pytest.approx(0.98**EXAMPLES)
    assert near.equivalent
    assert nearer is not None
    assert not nearer.equivalent


def test_right_throughout_is_not_certain_for_ever() -> None:
    one = compared(row("perfect", [], [], [])).rows[0]
    assert one.method_interval == pytest.approx(wilson(EXAMPLES, EXAMPLES))


def test_examples_needed_allow_for_the_other_comparisons() -> None:
    a, b, c = row("a", range(20)), row("b", range(15, 45)), row("c", range(100))
    pair = compared(a, b, c).to_best("b")
    assert pair is not None
    assert pair.needed_items == examples_needed(10 / 200, 40 / 200, alpha=0.05 / 3)


def test_needed_seeds_do_not_promise_what_examples_withhold() -> None:
    close = compared(*simulated(0.75, 0.74, world=World(seed=0.01, method_example=2.0)))
    assert close.pairs[0].needed_seeds is None


def test_the_same_random_numbers_give_the_same_comparison() -> None:
    rows = simulated(0.75, 0.7, 0.6)
    assert compared(*rows, metric="f1_macro") == compared(*rows, metric="f1_macro")


def test_a_comparison_is_plain_enough_for_json() -> None:
    found = compared(*simulated(0.75, 0.7), equivalence_margin=0.02)
    plain = json.loads(canonical(found.plain()))
    assert plain["pairs"][0]["mcnemar"]["0"]["exact"] == found.pairs[0].mcnemar[0].exact
    assert len(plain["rows"][0]["method_interval"]) == 2


def test_many_rows_can_still_be_separated_by_randomization() -> None:
    rows = [row(f"row {number}", range(10)) for number in range(12)]
    found = compared(*rows, row("weak", range(100)), metric="f1_macro")
    assert "weak" not in found.tied


def test_an_unknown_metric_a_double_name_and_an_unknown_pair_are_refused() -> None:
    a, b = row("a", range(10)), row("b", range(20))
    with pytest.raises(InputError, match="Did you mean 'f1_macro'"):
        compared(a, b, metric="f1macro")
    with pytest.raises(ValueError, match="same name"):
        compared(a, a)
    with pytest.raises(ValueError, match="not there: 'c'"):
        compared(a, b, family=[("a", "c")])
    with pytest.raises(ValueError, match="at least one row"):
        compared()


def test_rows_with_broken_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="an example id occurs twice"):
        RowScores("a", ["x", "x"], np.array([0, 1]), {0: np.array([0, 1])})
    with pytest.raises(ValueError, match=r"2 ids, columns of \[1, 2\] examples"):
        RowScores("a", ["x", "y"], np.array([0, 1]), {0: np.array([0])})
    with pytest.raises(ValueError, match="no examples or no runs"):
        RowScores("a", ["x"], np.array([0]), {})


def test_a_gap_of_26_points_over_two_seeds_is_one_of_methods() -> None:
    """Questions about pictures: 40.4, 33, 14.1 and 7.2 % right, the last without randomness."""
    found = compared(
        answering("fusion", 0.404, 0.412),
        answering("question only", 0.33, 0.322),
        answering("picture only", 0.141, 0.135),
        answering("majority", 0.072, seeded=False),
    )
    assert found.tied == ["fusion"]
    assert found.not_shown == []


def test_a_classifier_far_ahead_is_ahead_as_a_method() -> None:
    """Tickets: TF-IDF has 94.5 % right, LoRA 35.8 ± 2.1 over two seeds, full 48."""
    found = compared(
        answering("tfidf", 0.945, seeded=False),
        answering("full", 0.50, 0.48),
        answering("lora", 0.343, 0.373),
        answering("prefix", 0.30, 0.31),
        answering("majority", 0.2, seeded=False),
    )
    assert (found.best, found.tied, found.not_shown) == ("tfidf", ["tfidf"], [])


def test_what_two_seeds_cannot_show_is_not_called_tied() -> None:
    """Their spread is as wide as the gap: the examples separate them, the seeds do not."""
    found = compared(answering("a", 0.60, 0.80), answering("b", 0.52, 0.50))
    pair = found.pairs[0]
    assert (pair.outcome, pair.tied) == ("not-shown-over-seeds", False)
    assert (found.tied, found.not_shown) == (["a"], ["b"])
    assert pair.needed_seeds is not None and pair.needed_seeds > 2


def answering(name: str, *fractions: float, seeded: bool = True) -> RowScores:
    """A contender that gets these fractions of 500 examples right, run by run."""
    rng = np.random.default_rng(len(name))
    labels, hardness = np.arange(500) % 2, np.random.default_rng(1).random(500)
    choices = {}
    for seed, fraction in enumerate(fractions):
        order = np.argsort(hardness + 0.7 * rng.random(500))
        right = np.isin(np.arange(500), order[: round(500 * fraction)])
        choices[seed] = np.where(right, labels, 1 - labels)
    return RowScores(name, [str(n) for n in range(500)], labels, choices, seeded=seeded)


def test_a_pair_turned_round_says_the_same_of_the_other_row() -> None:
    weak, strong = row("weak", range(60), range(40)), row("strong", range(10), range(20, 30))
    pair = compared(weak, strong, equivalence_margin=0.05).pairs[0]
    turned = pair.turned()
    assert (turned.row, turned.other) == (pair.other, pair.row)
    assert turned.difference == -pair.difference
    assert pair.items.interval is not None and turned.items.interval is not None
    assert turned.items.interval == (-pair.items.interval.high, -pair.items.interval.low)
    assert pair.equivalence is not None and turned.equivalence is not None
    assert turned.equivalence.interval == pair.equivalence.interval.turned()
    assert turned.mcnemar[0].first_only == pair.mcnemar[0].second_only == 50
    assert (turned.items.p, turned.method.p) == (pair.items.p, pair.method.p)
    assert turned.turned() == replace(pair, improvement=None)
