"""Broken study files, each with the one message it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewise.core.errors import InputError
from tunewise.studyfile.expand import expand
from tunewise.studyfile.studyfile import read_study

pytestmark = pytest.mark.usefixtures("guess")

SOUND = """\
name: sst5
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv}
models: [bert-base-uncased]
methods:
  - full
  - lora: {rank: 8}
training: {epochs: 3}
search: {learning_rate: [1e-4, 3e-4]}
seeds: [0, 1]
"""

BROKEN = {
    "a key that does not exist": (
        ("seeds:", "seds:"),
        "study.yaml:10 seds: unknown setting of a study 'seds'. Did you mean 'seeds'? Known: "
        "accept_leakage, budget, data, equivalence_margin, keep, memory_limit, methods, models, "
        "name, require, search, seeds, slices, task, trackers, training.",
    ),
    "a setting where it does not belong": (
        ("seeds: [0, 1]", "epochs: 3"),
        "study.yaml:10 epochs: 'epochs' is no setting of a study: it stands under 'training'.",
    ),
    "a misspelt training setting": (
        ("{epochs: 3}", "{learning_rat: 1e-4}"),
        "study.yaml:8 training.learning_rat: unknown setting of training 'learning_rat'. "
        "Did you mean 'learning_rate'? Known: accumulate, batch_size, choose, clip_norm, devices, "
        "dropout, epochs, gradient_checkpointing, learning_rate, loss_on, max_length, optimizer, "
        "packing, patience, precision, quantize, schedule, shard, timeout, warmup, weight_decay.",
    ),
    "a misspelt method": (
        ("- full", "- ful"),
        "study.yaml:6 methods.ful: unknown method 'ful'. Did you mean 'full'? Known: ",
    ),
    "a misspelt setting of a method": (
        ("rank: 8", "rnk: 8"),
        "study.yaml:7 methods.lora.rnk: unknown setting of method 'lora' 'rnk'. Did you mean "
        "'rank'? Known: ",
    ),
    "PEFT's name for alpha": (
        ("rank: 8", "lora_alpha: 8"),
        "study.yaml:7 methods.lora.lora_alpha: 'lora_alpha' is called 'alpha' here.",
    ),
    "transformers' name for epochs": (
        ("epochs: 3", "num_train_epochs: 3"),
        "study.yaml:8 training.num_train_epochs: 'num_train_epochs' is called 'epochs' here.",
    ),
    "transformers' name in another section": (
        ("seeds: [0, 1]", "per_device_train_batch_size: 8"),
        "study.yaml:10 per_device_train_batch_size: 'per_device_train_batch_size' is called "
        "'batch_size' here and stands under 'training'.",
    ),
    "accumulation as transformers counts it": (
        ("epochs: 3", "gradient_accumulation_steps: 2"),
        "study.yaml:8 training.gradient_accumulation_steps: 'gradient_accumulation_steps' is "
        "called 'accumulate' here; batch_size counts all examples of a step, over its parts.",
    ),
    "the model as one name": (
        ("models: [bert-base-uncased]", "models: [bert-base-uncased]\nmodel_name_or_path: x"),
        "study.yaml:5 model_name_or_path: 'model_name_or_path' is called 'models' here.",
    ),
    "a number in quotes": (
        ("epochs: 3", "weight_decay: '1e-4'"),
        "study.yaml:8 training.weight_decay: found '1e-4': a number; take off the quotes.",
    ),
    "a fraction where a count belongs": (
        ("epochs: 3", "epochs: 2.5"),
        "study.yaml:8 training.epochs: found 2.5: a whole number or auto.",
    ),
    "a negative count": (
        ("epochs: 3", "epochs: -1"),
        "study.yaml:8 training.epochs: found -1: a whole number from 1 up.",
    ),
    "a rate beyond reason": (
        ("epochs: 3", "weight_decay: -1"),
        "study.yaml:8 training.weight_decay: found -1: a number from 0 up.",
    ),
    "a learning rate of 3 in the search": (
        ("[1e-4, 3e-4]", "[1e-4, 3]"),
        "study.yaml:9 search.learning_rate: found 3: a number between 0 and 1.",
    ),
    "a word that is not among the choices": (
        ("epochs: 3", "schedule: cosin"),
        "study.yaml:8 training.schedule: found 'cosin'. Did you mean 'cosine'? "
        "Known: constant, cosine, linear.",
    ),
    "a rank of 0 in a sweep": (
        ("rank: 8", "rank: [8, 0]"),
        "study.yaml:7 methods.lora.rank: found 0: a whole number from 1 up.",
    ),
    "a value in a setting that is a mapping, by a name with points": (
        ("rank: 8", "ranks: {layer.0.query: 0}"),
        "study.yaml:7 methods.lora.ranks.layer.0.query: found 0: a whole number from 1 up.",
    ),
    "a mapping that names one thing twice": (
        ("source: reviews.csv", "source: reviews.csv, columns: {a: x, b: x}"),
        "study.yaml:3 data.columns: found {a: 'x', b: 'x'}: b and a are both 'x', and a column has "
        "one name.",
    ),
    "a split that there is not": (
        ("source: reviews.csv", "files: {trian: a.csv}"),
        "study.yaml:3 data.files: found {trian: 'a.csv'}: unknown split 'trian'. Did you mean "
        "'train'? Known: test, train, validation.",
    ),
    "a size without a unit that there is": (
        ("seeds: [0, 1]", "memory_limit: 8 G"),
        "study.yaml:10 memory_limit: found '8 G': a size above 0 with its unit, such as 8 GB or "
        "512 MiB.",
    ),
    "an empty sweep": (
        ("rank: 8", "rank: []"),
        "study.yaml:7 methods.lora.rank: found an empty list: a sweep needs a value, "
        "or nothing is left.",
    ),
    "two settings that clash": (
        ("epochs: 3", "batch_size: 8, accumulate: 16"),
        "study.yaml:8 training.accumulate: found 16: a step of 8 examples cannot be computed in "
        "more parts than it has examples.",
    ),
    "a duplicate key": (
        ("seeds: [0, 1]", "seeds: [0, 1]\nname: other"),
        "study.yaml:11: the key 'name' stands twice: here and on line 1.",
    ),
    "a name that is no folder's": (
        ("name: sst5", "name: ../sst5"),
        "study.yaml:1 name: found '../sst5': 1 to 80 letters, digits, points, dashes and "
        "underscores (A-Z a-z 0-9 . _ -); it becomes a folder's name.",
    ),
    "no name": (("name: sst5\n", ""), "study.yaml:1: needs 'name': text."),
    "no data": (
        ("data: {source: reviews.csv}\n", ""),
        "study.yaml:1: needs 'data': where the examples are, such as {source: reviews.csv}.",
    ),
    "a task without its label": (
        (", label: label", ""),
        "study.yaml:2 task: needs 'label': text.",
    ),
    "an unknown task": (
        ("kind: classification", "kind: clasification"),
        "study.yaml:2 task.kind: unknown task 'clasification'. Did you mean 'classification'? "
        "Known: ",
    ),
    "an unknown metric": (
        ("label: label", "label: label, metrics: [acuracy]"),
        "study.yaml:2 task.metrics[0]: unknown metric 'acuracy'. Did you mean 'accuracy'? Known: ",
    ),
    "a sweep over the data": (
        ("source: reviews.csv", "source: [a.csv, b.csv]"),
        "study.yaml:3 data.source: found ['a.csv', 'b.csv']: text; the data cannot vary within a "
        "study.",
    ),
    "too few values for a list of two": (
        ("- full", "- tfidf: {ngrams: [1]}"),
        "study.yaml:6 methods.tfidf.ngrams: found [1]: a list of 2 whole numbers.",
    ),
    "a fraction of the data in quotes": (
        ("source: reviews.csv", "source: a.csv, split: {validation: '0.1'}"),
        "study.yaml:3 data.split.validation: found '0.1': a whole number or a number or rest; "
        "take off the quotes.",
    ),
    "methods as a mapping": (
        ("  - full\n  - lora: {rank: 8}", "  lora: {rank: 8}"),
        "study.yaml:5 methods: found {lora: {rank: 8}}: a list of ways to adapt, such as "
        "[majority, full, lora], each behind a dash.",
    ),
    "a method's training beside it": (
        ("- lora: {rank: 8}", "- {lora: {rank: 8}, training: {epochs: 1}}"),
        "study.yaml:7 methods[1]: training belongs inside: lora: {training: ...}.",
    ),
    "training for what is not trained": (
        ("- full", "- guess: {training: {epochs: 1}}"),
        "study.yaml:6 methods.guess.training: 'guess' is fitted in one go: there is no training "
        "to set.",
    ),
    "no model for methods that need one": (
        ("models: [bert-base-uncased]\n", ""),
        "study.yaml:1: needs 'models', because 'full' adapts one: a list of hub ids or folders, "
        "such as [bert-base-uncased] or [embedded:encoder].",
    ),
    "a model without its revision": (
        ("[bert-base-uncased]", "[bert-base-uncased@]"),
        "study.yaml:4 models[0]: found 'bert-base-uncased@': a hub id (name@revision) or a folder.",
    ),
    "too many trials": (
        ("rank: 8", "rank: [" + ", ".join(map(str, range(1, 4000))) + "]"),
        "study.yaml:5 methods: 12,000 trials, where 10,000 is the limit: shorten the sweeps, the "
        "search or the seeds.",
    ),
    "a seed twice": (
        ("[0, 1]", "[0, 0]"),
        "study.yaml:10 seeds: found 0: stands twice, and would only repeat its trials.",
    ),
    "seeds as their number": (
        ("[0, 1]", "no"),
        "study.yaml:10 seeds[0]: found 'no': a whole number.",
    ),
    "a search for what does not exist": (
        ("learning_rate: [1e-4, 3e-4]", "lr: [1e-4]"),
        "study.yaml:9 search.lr: 'lr' is called 'learning_rate' here.",
    ),
    "a search that could mean two settings": (
        ("learning_rate: [1e-4, 3e-4]", "dropout: [0.1, 0.2]"),
        "study.yaml:9 search.dropout: 'dropout' is a setting of training and of lora: write "
        "training.dropout or lora.dropout.",
    ),
    "a search that gives one method more": (
        ("[1e-4, 3e-4]", "{full: [1e-5], lora: [1e-4, 3e-4]}"),
        "study.yaml:9 search.learning_rate: equally many values for each method, so that none is "
        "tuned more; found full 1, lora 2.",
    ),
    "a search that forgets a method": (
        ("[1e-4, 3e-4]", "{lora: [1e-4, 3e-4]}"),
        "study.yaml:9 search.learning_rate: says nothing for 'full': each method is tuned over "
        "equally many values.",
    ),
    "a search over one value": (
        ("[1e-4, 3e-4]", "1e-4"),
        "study.yaml:9 search.learning_rate: found 0.0001: a list of values to try, "
        "[first, second], or auto.",
    ),
    "a sweep that is also searched": (
        ("epochs: 3", "learning_rate: [1e-4, 1e-5]"),
        "study.yaml:9 search.learning_rate: searched here, and given a value at study.yaml:8 "
        "training.learning_rate: leave out one of the two.",
    ),
    "a rate beside a search": (
        ("epochs: 3", "learning_rate: 1e-3"),
        "study.yaml:9 search.learning_rate: searched here, and given a value at study.yaml:8 "
        "training.learning_rate: leave out one of the two.",
    ),
    "a rate of one method beside a search": (
        ("rank: 8", "training: {learning_rate: 1e-3}"),
        "study.yaml:9 search.learning_rate: searched here, and given a value at study.yaml:7 "
        "methods.lora.training.learning_rate: leave out one of the two.",
    ),
    "a method's setting beside a search": (
        ("learning_rate: [", "lora.rank: [4, 16], learning_rate: ["),
        "study.yaml:9 search.lora.rank: searched here, and given a value at study.yaml:7 "
        "methods.lora.rank: leave out one of the two.",
    ),
    "a setting searched under two names": (
        ("learning_rate: [", "training.learning_rate: [1e-5, 1e-4], learning_rate: ["),
        "study.yaml:9 search.learning_rate: learning_rate is searched twice: once is enough.",
    ),
    "a search by a name and by its method": (
        ("[1e-4, 3e-4]", "{full: [1e-5], lora: [1e-4], mine: [1e-4]}"),
        "study.yaml:9 search.learning_rate.mine: unknown method with learning_rate to search "
        "'mine'. Known: full, lora.",
    ),
    "a study's setting that every method overrides": (
        (
            "  - full\n  - lora: {rank: 8}\n",
            "  - full: {training: {epochs: 2}}\n  - lora: {training: {epochs: 1}}\n",
        ),
        "study.yaml:8 training.epochs: has no effect: every trained method has its own "
        "(study.yaml:6 methods.full, study.yaml:7 methods.lora). Leave out one.",
    ),
    "a rank beside the ranks of all targets": (
        ("rank: 8", "rank: 4, targets: [query, value], ranks: {query: 2, value: 3}"),
        "study.yaml:7 methods.lora.rank: has no effect: ranks has one for every target.",
    ),
    "shots of a prompt that shows none": (
        ("- full\n", "- prompt: {shots: 4}\n  - full\n"),
        "study.yaml:6 methods.prompt.shots: has no effect: examples are drawn for style few-shot "
        "alone, where none are given.",
    ),
    "a search over shots of a prompt that shows none": (
        (
            "  - full\n  - lora: {rank: 8}\ntraining: {epochs: 3}\n"
            "search: {learning_rate: [1e-4, 3e-4]}",
            "  - prompt\nsearch: {shots: [1, 2]}",
        ),
        "study.yaml:7 search.shots: has no effect: examples are drawn for style few-shot "
        "alone, where none are given.",
    ),
}


def complaint(folder: Path, text: str) -> str:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        expand(read_study(path))
    return str(caught.value)


@pytest.mark.parametrize("case", BROKEN)
def test_one_mistake_gets_one_message(case: str, tmp_path: Path) -> None:
    (old, new), words = BROKEN[case]
    assert old in SOUND
    found = complaint(tmp_path, SOUND.replace(old, new))
    assert found.startswith(words) if words.endswith("Known: ") else found == words
    assert "\n" not in found


def test_the_unbroken_study_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SOUND, encoding="utf-8")
    assert len(expand(read_study(path)).contenders) == 2


def test_all_mistakes_are_reported_together_from_top_to_bottom(tmp_path: Path) -> None:
    text = SOUND.replace("label: label", "lable: label").replace("epochs: 3", "epochs: 0")
    text = text.replace("rank: 8", "r: 8, dropout: 2").replace("[0, 1]", "[0, x]")
    assert [line.split(": ")[0] for line in complaint(tmp_path, text).splitlines()] == [
        "study.yaml:2 task.lable",
        "study.yaml:7 methods.lora.r",
        "study.yaml:7 methods.lora.dropout",
        "study.yaml:8 training.epochs",
        "study.yaml:10 seeds[1]",
    ]


def test_a_message_does_not_repeat_a_long_value_in_full(tmp_path: Path) -> None:
    for old, new in [
        ("text: text", f"text: [{', '.join(['text'] * 5000)}]"),
        ("lora: {rank: 8}", f"peft: {{peft_type: {'x' * 70_000}}}"),
        ("lora: {rank: 8}", "x" * 70_000),
        ("seeds:", f"{'x' * 70_000}: 1 #"),
    ]:
        message = complaint(tmp_path, SOUND.replace(old, new))
        assert len(message) < 3000


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "a word\n", "3\n"])
def test_a_file_that_holds_no_study_says_what_one_is(text: str, tmp_path: Path) -> None:
    assert "a study with name, task, data and methods" in complaint(tmp_path, text)
