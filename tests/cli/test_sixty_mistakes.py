"""Some sixty wrong inputs over every command: each answer names what is wrong and what to do.

A case is a command line, what the answer has to hold (the place, the value, what is right or the
nearest name), and the command to run next. No case reads a model.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.commands import run_here
from tests.reports.fabricate import fabricate

from tunewise.cli.main import COMMANDS

STUDY = """name: small
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv, split: {validation: 0.2, test: 0.2}}
methods: [majority, tfidf]
"""
VALIDATE = "Correct it, then: tunewise validate study.yaml"
REPAIR = r"Correct it, then: tunewise init {}"
HERE = r"Studies here: runs/rooms\. For example: tunewise \w+ runs/rooms"
ROWS = "Its contenders: tunewise results runs/rooms"
HELP = r"How it is called: tunewise \w+ -h|Try 'tunewise \w+ -h' for help"
PERHAPS = r"Perhaps: tunewise \w+ study\.yaml"
NEAR_FULL = r"'ful'\. Did you mean 'full'"

CASES = (
    # demo, init
    ("demo --workers 0", r"'--workers': a number from 1 up is right", HELP),
    ("demo --out notes.txt", r"notes\.txt: is a file; a folder.*runs/small", HELP),
    ("init nowhere.csv", r"'nowhere\.csv' does not exist", r"Perhaps: tunewise init preds\.csv"),
    (
        "init reviews.cvs",
        r"'reviews\.cvs'.*Did you mean 'reviews\.csv'",
        r"Perhaps: tunewise init reviews\.csv",
    ),
    ("init notes.txt", r"notes\.txt: '\.txt' files.*plain text.*\.csv", REPAIR.format("notes")),
    ("init empty.csv", r"empty\.csv: the file is empty", REPAIR.format("empty")),
    ("init onecol.csv", r"onecol\.csv: no column holds texts", REPAIR.format("onecol")),
    ("init reviews.csv --label lable", r"--label: no column 'lable'\. Did you mean 'label'", HELP),
    ("init reviews.csv --text txt", r"--text: no column 'txt'\. Did you mean 'text'", HELP),
    ("init reviews.csv --group source", r"--group: no column 'source'\. Known: label, text", HELP),
    ("init reviews.csv --drop what", r"--drop: no column 'what'\. Known: label, text", HELP),
    ("init ''", r"data: is empty: name a file", HELP),
    ("init . --out fresh.yaml", r"no train\.jsonl.*There: empty\.csv.*data\.files", HELP),
    ("init embedded:revews", r"no 'revews' is embedded\. Did you mean 'reviews'", HELP),
    ("init reviews.csv --drop label --label label", r"--drop: 'label' is needed by another", HELP),
    ("init reviews.csv --group text --text text", r"--group: 'text' is read already", HELP),
    (
        "init reviews.csv --out study.yaml",
        r"study\.yaml: is there already; --force writes over it",
        "tunewise run study.yaml",
    ),
    ("init reviews.csv --out no/a.yaml", r"no: is no folder", HELP),
    ("init reviews.csv --sheet one", r"data\.sheet: belongs to a workbook", HELP),
    # study files
    ("validate", r"Missing argument 'study'", HELP),
    ("validate study.yml", r"study\.yml: no such file\. Did you mean 'study\.yaml'", PERHAPS),
    ("validate reviews.csv", r"data \(\.csv\), where a study file is needed", "tunewise init"),
    ("validate runs/rooms", r"folder of a study that was started", "tunewise status runs/rooms"),
    ("validate study.yaml --set methods=[lorra]", r"--set methods: .*mean 'lora'", VALIDATE),
    ("validate study.yaml seeds=[0,1]", r"stands alone.*given by: --set 'seeds=\[0,1\]'", HELP),
    ("validate study.yaml --set training.epoch=3", r"training\.epoch.*'epochs'", VALIDATE),
    ("validate study.yaml --set epochs", r"--set epochs: a setting and its value", VALIDATE),
    ("validate study.yaml --set data.source=revews.csv", r"Did you mean 'reviews\.csv'", VALIDATE),
    ("validate study.yaml --set task.label=lable", r"'lable'\. Did you mean 'label'", VALIDATE),
    ("validate study.yaml --set task.metrics=[acuracy]", r"Did you mean 'accuracy'", VALIDATE),
    ("validate study.yaml --set data.split.test=1.5", r"found 1\.5: .*between 0 and 1", VALIDATE),
    ("validate study.yaml --set seeds=[1,1]", r"seeds: found 1: stands twice", VALIDATE),
    ("sanity stduy.yaml", r"Did you mean 'study\.yaml'", PERHAPS),
    ("shortlist study.yaml", r"models: none is named: --models", VALIDATE),
    ("shortlist reviews.csv --models ./no", r"model \./no: no such folder in '\.'", HELP),
    ("shortlist study.yaml --models embedded:encodr", r"Did you mean 'encoder'", VALIDATE),
    ("shortlist study.yaml --models embeded:encoder", r"mean 'embedded:encoder'", VALIDATE),
    ("plan study.yaml --workers none", r"'--workers'.*integer", HELP),
    ("plan runs/rooms", r"folder of a study that was started", "tunewise status runs/rooms"),
    ("removed study.yaml", r"study\.yaml data: nothing is cleaned.*data\.clean", VALIDATE),
    ("removed runs/rooms", r"runs/rooms: its study cleans nothing.*data\.clean", HELP),
    ("removed runs/room", r"runs/room: no such file", "tunewise init DATA"),
    ("doctor stduy.yaml", r"stduy\.yaml: no study here", PERHAPS),
    ("doctor runs", r"runs: no study here", HERE),
    # running
    ("run stduy.yaml", r"Did you mean 'study\.yaml'", PERHAPS),
    ("run zzz.yml", r"zzz\.yml: no such file", "study file is made by: tunewise init DATA"),
    ("run study.yaml --budget soon", r"--budget: found 'soon': .*30 min", VALIDATE),
    ("run study.yaml --more seed=2", r"--more: found 'seed=2': .*seeds=2", VALIDATE),
    ("run study.yaml --more seeds=0", r"--more: found 'seeds=0': .*seeds=2", VALIDATE),
    ("run study.yaml --track mlfow", r"'mlfow'\. Did you mean 'mlflow'", VALIDATE),
    ("run study.yaml --out notes.txt", r"notes\.txt: is a file; a folder", VALIDATE),
    ("train --model embedded:encoder", r"Missing option '--data'", HELP),
    ("train --model m --data reviews.csv --method lorra", r"Did you mean 'lora'", HELP),
    ("train --model embedded:encoder --data revews.csv", r"Did you mean 'reviews\.csv'", HELP),
    # folders
    ("status runs/room", r"runs/room: no study here.*Did you mean 'rooms'", HERE),
    ("status study.yaml", r"study\.yaml: is a file; the folder", "tunewise run study.yaml"),
    ("results rooms.yaml", r"rooms\.yaml: is a file", "tunewise results runs/rooms"),
    ("results runs", r"runs: no study here", "tunewise run"),
    ("results runs/rooms --format xml", r"'xml' is not one of 'table', 'json', 'csv'", HELP),
    ("results runs/rooms --fromat csv", r"--fromat \(Possible options: --format", HELP),
    ("report runs/rooms --out notes.txt", r"notes\.txt: is a file; name a folder", HELP),
    ("report runs/rooms --format pfd", r"--format: .*'pfd'\. Did you mean 'pdf'", HELP),
    ("track runs/rooms --to mlfow", r"'mlfow'\. Did you mean 'mlflow'", HELP),
    ("board runs/nothing", r"runs/nothing: no study here", HERE),
    ("compare runs/rooms head ful", NEAR_FULL, ROWS),
    ("compare runs/rooms head head", r"'head' is compared with itself", ROWS),
    ("compare runs/rooms head", r"Missing argument 'second'", HELP),
    ("errors runs/rooms --contender ful", NEAR_FULL, ROWS),
    ("errors runs/room", r"no study here.*Did you mean 'rooms'", HERE),
    ("predict runs/rooms", r"give either --input FILE or --text TEXT", HELP),
    ("predict runs/rooms --text a --contender ful", NEAR_FULL, ROWS),
    ("predict runs/rooms --text a", r"weights of 'full' are not there", "tunewise run"),
    ("predict runs/rooms --text a --out a.xlsx", r"'\.xlsx' files are not written", HELP),
    ("export runs/rooms --contender ful --to out", NEAR_FULL, ROWS),
    ("export runs/rooms --to x --as scrip", r"--as': 'scrip' is.* Did you mean 'script'", HELP),
    ("export runs/rooms --to study.yaml", r"study\.yaml: is a file; name a folder", HELP),
    ("export runs/rooms", r"give --to FOLDER, --to-hub NAME or --measure FILE", HELP),
    ("generate --prompt hello", r"give either the folder of a study or --model", HERE),
    # the rest
    (
        "judge nowhere.csv",
        r"nowhere\.csv: no such file or folder\. Did you mean 'preds",
        r"Perhaps: tunewise judge preds\.csv",
    ),
    ("judge runs/rooms", r"runs/rooms: a study of Tunewise", "tunewise results runs/rooms"),
    ("judge preds.csv --metric acuracy", r"'acuracy'\. Did you mean 'accuracy'", HELP),
    ("judge preds.csv --columns idd=id", r"--columns: .*'idd'\. Did you mean 'id'", HELP),
    ("judge preds.csv --gate state.json", r"--gate remembers .* --against", HELP),
    ("modules embedded:encodr", r"'encodr'\. Did you mean 'encoder'", HELP),
    ("explain lorra", r"'lorra'\. Did you mean 'lora'", HELP),
    ("explain lora --plot a.pdf", r"--plot: topic 'lora' has none.*optimizers", HELP),
    ("schema extra", r"unexpected extra argument", HELP),
    ("env extra", r"unexpected extra argument", HELP),
    ("rnu study.yaml", r"no command 'rnu'\. Did you mean 'run'", "What there is: tunewise -h"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study file with its data, a study that ran, and files that are neither."""
    place = tmp_path_factory.mktemp("mistakes")
    fabricate(place / "runs" / "rooms")
    rows = [f"room {n} is fine,{'yes' if n % 2 else 'no'}" for n in range(60)]
    (place / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (place / "study.yaml").write_text(STUDY)
    (place / "rooms.yaml").write_text(STUDY.replace("small", "rooms"))
    (place / "notes.txt").write_text("hello")
    (place / "empty.csv").write_text("")
    (place / "onecol.csv").write_text("text\na\nb\n")
    (place / "preds.csv").write_text("id,label,prediction\n1,a,b\n2,b,b\n")
    return place


@pytest.mark.parametrize(("line", "says", "then"), CASES, ids=[line for line, _, _ in CASES])
def test_a_wrong_input_is_answered_with_what_to_do(
    folder: Path, line: str, says: str, then: str
) -> None:
    ended = run_here(*shlex.split(line), cwd=folder)
    answer = " ".join(ended.stderr.split())
    assert ended.returncode == 2, answer
    assert "Traceback" not in answer
    assert re.search(says, answer), answer
    assert re.search(then, answer), answer
    assert len(ended.stderr.strip().splitlines()) <= 10


def test_every_command_has_its_mistakes() -> None:
    asked = {line.split()[0] for line, _, _ in CASES}
    assert asked >= set(COMMANDS)
