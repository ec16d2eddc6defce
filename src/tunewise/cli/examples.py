"""An example of each command, with which its help begins."""

from __future__ import annotations

EXAMPLES = {
    "demo": "tunewise demo",
    "init": "tunewise init reviews.csv",
    "validate": "tunewise validate reviews.yaml",
    "doctor": "tunewise doctor reviews.yaml",
    "removed": "tunewise removed reviews.yaml --format csv",
    "shortlist": "tunewise shortlist reviews.yaml --models embedded:encoder ./my-model",
    "plan": "tunewise plan reviews.yaml",
    "run": "tunewise run reviews.yaml --set seeds=[0,1,2]",
    "train": "tunewise train --model embedded:encoder --data reviews.csv --method lora",
    "status": "tunewise status runs/reviews",
    "results": "tunewise results runs/reviews --format csv",
    "compare": "tunewise compare runs/reviews head lora",
    "errors": "tunewise errors runs/reviews --format csv",
    "judge": "tunewise judge old.csv new.csv",
    "report": "tunewise report runs/reviews --format pdf",
    "track": "tunewise track runs/reviews --to tensorboard",
    "board": "tunewise board runs/reviews runs/tickets",
    "predict": 'tunewise predict runs/reviews --text "A quiet room."',
    "generate": 'tunewise generate --model embedded:decoder --prompt "The room"',
    "export": "tunewise export runs/reviews --to best",
    "sanity": "tunewise sanity reviews.yaml",
    "modules": "tunewise modules embedded:encoder",
    "explain": "tunewise explain lora",
    "schema": "tunewise schema",
    "env": "tunewise env",
}
