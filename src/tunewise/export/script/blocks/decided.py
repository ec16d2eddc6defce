"""What is settled when a script is written, with an example of each value."""

from __future__ import annotations

METRICS: tuple[str, ...] = ("accuracy", "f1_macro")
OPTIMIZER: str = "adamw"
SCHEDULE: str = "linear"
PRECISION: str = "float32"
CHOOSE: str = "best"
OPEN_LENGTH: bool = False  # whether the trial went on for as long as it learned
HAS_PATIENCE: bool = False
ACCUMULATES: bool = False
RECOMPUTES: bool = False  # blocks in the backward pass
SETS_DROPOUT: bool = False
RESTS: bool = False  # whether a backbone holds nothing that is trained
KEEPS_AVERAGES: bool = False  # whether a batch norm has running averages
PAIRS: bool = False  # of texts
LEARNS_PROMPT: bool = False  # whether the loss is over the prompt's tokens too
HAS_STRATEGIES: bool = False  # of decoding, more than one
HAS_SPECIAL: bool = False  # whether the prompt has special tokens of its own
IN_CHAT: bool = False  # whether prompts are those of a chat template
TRANSPOSED: bool = False  # whether LoRA's targets are layers of the class Conv1D
HAS_RANKS: bool = False  # of their own, by layer
HAS_ALPHAS: bool = False
HAS_RATIO: bool = False  # between the learning rates of B and A
STARTS_AT_TOKENS: bool = True
IS_ADALORA: bool = False
TRAINS: bool = True  # in steps
CHOOSES_PENALTY: bool = False  # of words, on validation
SOLVED: bool = False  # whether the head is solved, not trained in steps
USES_MODEL: bool = True
SAVES_WHOLE: bool = True  # in a form of transformers or PEFT
DATA_TYPE: str = "text"
IMAGE_RESTS: bool = True
TEXT_RESTS: bool = True
INPUTS: str = "both"
HAS_HEAD_METHOD: bool = False  # whether the method brings a head of its own
IMAGE_KIND: str = "auto"
TEXT_KIND: str = "auto"
NORMALIZES: bool = False
IMAGE_OUTPUT: str = "pooler_output"
