"""The values that a script begins with; these are examples, and each script has its own."""

from __future__ import annotations

from typing import Any

MODEL = "bert-base-uncased"  # hub id or folder
REVISION: str | None = None  # commit on the hub
IMAGE_MODEL = "microsoft/resnet-50"  # hub id or folder of the image encoder
IMAGE_REVISION: str | None = None
LABELS: list[str] = ["negative", "positive"]  # the order of the logits
TEXT_COLUMNS: list[str] = ["text"]
LABEL_COLUMN = "label"
IMAGE_COLUMN = "image"
METRICS: tuple[str, ...] = ("accuracy", "f1_macro")  # the first one chooses the epoch
MAX_LENGTH = 512  # tokens of an example
POOLING: list[str] = ["mean"]  # of the token states, by name
IMAGE_OUTPUT = "pooler_output"  # which output of the image encoder is an image's vector
IMAGE_SIZE = 2048
TEXT_SIZE = 384
IMAGE_OPTIONS: dict[str, Any] = {}  # of loading the image encoder
ENCODER_OPTIONS: dict[str, Any] = {}  # of loading the text encoder
WIDTH = 256  # features of each vector before they meet
TEXT_PREFIX = ""  # before every text, as the encoder was trained
BACKBONE = "bert"  # path of the pretrained part in the model
RESTING: list[str] = ["bert"]  # pretrained parts that hold nothing to train, and so keep no dropout
DROPOUT = 0.0  # in every place of the backbone that has one

PROMPT = "Context: {context}\nQuestion: {question}\nAnswer:"
BEFORE_ANSWER = " "  # belongs to the answer, whose first token begins with it
OPENING: list[int] = []  # tokens before every prompt
CHAT_BEFORE = ""  # what the chat template has before a question
CHAT_AFTER = ""  # and between question and answer
ANSWER_END: list[int] = []  # tokens behind an answer
CHAT_TEMPLATE = ""  # that conversations are written by
ANSWER_OPENING = ""  # what the template has between its question and every answer
SYSTEM = ""  # the system's turn of conversations that have none of their own
SHOTS = 4  # conversations of train that are shown before each question
STOP: list[str] = ["\n"]  # texts that end an answer
JSON_SCHEMA: dict[str, Any] = {}  # that a well-formed answer fits
PATTERN = ""  # that a well-formed answer matches
MAX_NEW_TOKENS = 32  # of an answer
NUM_SAMPLES = 1  # answers that a strategy draws
DECODING: dict[str, dict[str, Any]] = {"greedy": {}}  # the first one counts

TRAINED: list[str] = ["classifier."]  # beginnings of the names of all trained parameters
TARGET_MODULES: list[str] = ["query", "value"]
MODULES_TO_SAVE: list[str] = ["classifier"]  # new modules, trained whole
TASK_TYPE: str | None = "SEQ_CLS"
RANK = 8
ALPHA = 16.0
LORA_DROPOUT = 0.0
USE_RSLORA = False
RANK_PATTERN: dict[str, int] = {}
ALPHA_PATTERN: dict[str, float] = {}
RATIO = 16.0  # learning rate of B over that of A (LoRA+)
PREFIX_LENGTH = 16
FIRST_POSITION = 0  # of a token; RoBERTa counts from behind its padding index
PEFT_TYPE = "IA3"
PEFT_SETTINGS: dict[str, Any] = {}

EPOCHS = 3
PATIENCE = 1  # epochs without a better score after which training stops
CONSTANT_EPOCHS = 3  # at the peak rate: after these the trial stopped improving
KEPT_EPOCHS = [1, 2]  # those that the trial found to be the best so far, when they ended
DECAY_EPOCHS = 1  # from the best weights on, while the rate falls to zero
WARMUP_STEPS = 10  # in which the rate rises
WARMUP = 0.06  # fraction of all steps in which the rate rises
BATCH_SIZE = 32
ACCUMULATE = 1  # parts in which a batch is computed; the gradient is the same
LEARNING_RATE = 3e-5
WEIGHT_DECAY = 0.01
CLIP_NORM = 1.0
SEED = 0
CLASSIFIER = "classifier"  # path of the linear layer that is solved
NEIGHBORS = 1
NGRAMS = (1, 2)
C = 1.0  # inverse strength of the L2 penalty
MIN_COUNT = 1
MAX_FEATURES: int | None = None
TRIAL_SCORES: dict[str, dict[str, float | None]] = {}  # what the trial got
