"""The loss of conversations beside that of TRL's SFTTrainer, on the same batch.

TRL is told by marks in a template what the assistant's tokens are; we find them. The templates are
those of six families, shortened to what is said, with marks that only TRL is given.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from tests.chats import llama
from tests.tasks.conftest import byte_tokenizer

from tunewise.backbones.transformers_logging import quiet
from tunewise.data.examples import Example
from tunewise.tasks.chat import Conversations

trl = pytest.importorskip("trl", reason="TRL is not installed: pip install -e .[oracles]")

TURNS = (
    ("system", "Be brief."),
    ("user", "Where is Rome?"),
    ("assistant", "In Italy."),
    ("user", "And Oslo, the capital?"),
    ("assistant", "In Norway, I think."),
)
TALKS = (TURNS, TURNS[1:3], TURNS[1:], (TURNS[1], ("assistant", "Ask me another.")))

# ⟦ and ⟧ stand around what is the assistant's.
EACH = "{{% for m in messages %}}{}{{% endfor %}}{{% if add_generation_prompt %}}{}{{% endif %}}"
FAMILIES = {
    "chatml": EACH.format(
        "<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}⟦{{ m.content }}<|im_end|>⟧"
        "{% else %}{{ m.content }}<|im_end|>{% endif %}\n",
        "<|im_start|>assistant\n",
    ),
    "llama-3": "{{ bos_token }}"
    + EACH.format(
        "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{% if m.role == 'assistant' %}"
        "⟦{{ m.content | trim }}<|eot_id|>⟧{% else %}{{ m.content | trim }}<|eot_id|>{% endif %}",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "gemma": "{{ bos_token }}"
    + EACH.format(
        "<start_of_turn>{% if m.role == 'assistant' %}model\n⟦{{ m.content | trim }}<end_of_turn>⟧"
        "{% else %}user\n{{ m.content | trim }}<end_of_turn>{% endif %}\n",
        "<start_of_turn>model\n",
    ),
    "phi-3": EACH.format(
        "<|{{ m.role }}|>\n{% if m.role == 'assistant' %}⟦{{ m.content }}<|end|>⟧"
        "{% else %}{{ m.content }}<|end|>{% endif %}\n",
        "<|assistant|>\n",
    ),
    "mistral": "{{ bos_token }}"
    + EACH.format(
        "{% if m.role == 'assistant' %}⟦ {{ m.content }}{{ eos_token }}⟧"
        "{% else %}[INST] {{ m.content }} [/INST]{% endif %}",
        "",
    ),
    "cohere": "{{ bos_token }}"
    + EACH.format(
        "<|START_OF_TURN_TOKEN|>{% if m.role == 'assistant' %}<|CHATBOT_TOKEN|>"
        "⟦{{ m.content }}<|END_RESPONSE|><|END_OF_TURN_TOKEN|>⟧{% else %}"
        "<|{{ m.role | upper }}_TOKEN|>{{ m.content }}<|END_OF_TURN_TOKEN|>{% endif %}",
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    ),
}
SPECIAL = re.compile(r"<\|\w+\|>|<\w+_of_turn>")
NAMED = ("<|system|>", "<|user|>", "<|assistant|>", "<|USER_TOKEN|>", "<|SYSTEM_TOKEN|>")


def processor(family: str, *, marked: bool) -> Any:
    template = FAMILIES[family]
    found = byte_tokenizer()
    special = sorted({*SPECIAL.findall(template), *NAMED})
    found.add_special_tokens({"additional_special_tokens": special})
    found.pad_token = found.eos_token
    marks = ("{% generation %}", "{% endgeneration %}") if marked else ("", "")
    found.chat_template = template.replace("⟦", marks[0]).replace("⟧", marks[1])
    return found


def losses_of_trl(
    family: str, module: Any, folder: Path, *, answers_only: bool
) -> tuple[float, int]:
    rows = [
        {"messages": [{"role": role, "content": content} for role, content in turns]}
        for turns in TALKS
    ]
    with quiet():
        trainer = trl.SFTTrainer(
            model=module,
            args=trl.SFTConfig(
                output_dir=str(folder),
                assistant_only_loss=answers_only,
                max_length=None,
                report_to=[],
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=processor(family, marked=True),
        )
        batch = trainer.data_collator([trainer.train_dataset[at] for at in range(len(rows))])
    with torch.no_grad():
        loss = float(trainer.compute_loss(trainer.model.eval(), batch))
    return loss, int((batch["labels"][:, 1:] != -100).sum())


@pytest.mark.filterwarnings("ignore")  # of TRL and what it uses
@pytest.mark.parametrize("loss_on", ["answer", "all"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_that_of_trl(family: str, loss_on: Any, tmp_path: Path) -> None:
    ours = processor(family, marked=False)
    module = llama(len(ours))
    examples = [
        Example(str(at), ("",), references=(turns[-1][1],), turns=turns[:-1])
        for at, turns in enumerate(TALKS)
    ]
    task = Conversations(loss_on=loss_on)
    encoded = task.encode(examples, ours, max_length=500, learning=True)
    batch = task.collate(encoded, ours)
    with torch.no_grad():
        mean = float(task.loss(module, batch).total) / batch.targets
    theirs, targets = losses_of_trl(family, module, tmp_path, answers_only=loss_on == "answer")
    assert batch.targets == targets
    assert mean == pytest.approx(theirs, abs=1e-4)
