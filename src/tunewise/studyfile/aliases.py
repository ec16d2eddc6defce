"""What people call our settings who come from PEFT, transformers or a notebook."""

from __future__ import annotations

# Their name, and ours with its path in the study file; `method` stands for the method's name.
NAMES = {
    # PEFT
    "r": "method.rank",
    "lora_r": "method.rank",
    "lora_rank": "method.rank",
    "lora_alpha": "method.alpha",
    "lora_dropout": "method.dropout",
    "target_modules": "method.targets",
    "num_virtual_tokens": "method.length",
    "method": "methods",
    "peft_config": "methods",
    # transformers' TrainingArguments, and what scripts call them
    "num_train_epochs": "training.epochs",
    "num_epochs": "training.epochs",
    "max_epochs": "training.epochs",
    "n_epochs": "training.epochs",
    "per_device_train_batch_size": "training.batch_size",
    "per_gpu_train_batch_size": "training.batch_size",
    "train_batch_size": "training.batch_size",
    "bs": "training.batch_size",
    "gradient_accumulation_steps": "training.accumulate",
    "accumulation_steps": "training.accumulate",
    "accumulate_grad_batches": "training.accumulate",
    "lr": "training.learning_rate",
    "optim": "training.optimizer",
    "wd": "training.weight_decay",
    "weight_decay_rate": "training.weight_decay",
    "lr_scheduler": "training.schedule",
    "lr_scheduler_type": "training.schedule",
    "scheduler": "training.schedule",
    "warmup_ratio": "training.warmup",
    "warmup_steps": "training.warmup",
    "max_grad_norm": "training.clip_norm",
    "gradient_clipping": "training.clip_norm",
    "gradient_clip_val": "training.clip_norm",
    "fp16": "training.precision",
    "bf16": "training.precision",
    "mixed_precision": "training.precision",
    "load_in_4bit": "training.quantize",
    "bnb_4bit_quant_type": "training.quantize",
    "quantization": "training.quantize",
    "activation_checkpointing": "training.gradient_checkpointing",
    "num_processes": "training.devices",
    "nproc_per_node": "training.devices",
    "num_gpus": "training.devices",
    "gpus": "training.devices",
    "fsdp": "training.shard",
    "fully_shard": "training.shard",
    "sample_packing": "training.packing",
    "padding_free": "training.packing",
    "max_seq_length": "training.max_length",
    "max_seq_len": "training.max_length",
    "model_max_length": "training.max_length",
    "hidden_dropout_prob": "training.dropout",
    "load_best_model_at_end": "training.choose",
    "early_stopping_patience": "training.patience",
    # data, task and model
    "model": "models",
    "model_name": "models",
    "model_id": "models",
    "model_name_or_path": "models",
    "base_model": "models",
    "base_model_name_or_path": "models",
    "pretrained_model_name_or_path": "models",
    "dataset": "data.source",
    "dataset_name": "data.source",
    "dataset_path": "data.source",
    "data_files": "data.files",
    "dataset_config_name": "data.config",
    "max_train_samples": "data.limit",
    "max_samples": "data.limit",
    "train_file": "data.files",
    "validation_file": "data.files",
    "test_file": "data.files",
    "text_column": "task.text",
    "text_field": "task.text",
    "dataset_text_field": "task.text",
    "label_column": "task.label",
    "label_names": "task.labels",
    "class_names": "task.labels",
    "task_type": "task.kind",
    "type": "task.kind",
    "metric": "task.metrics",
    "metric_for_best_model": "task.metrics",
    # the study
    "seed": "seeds",
    "random_state": "seeds",
    "random_seed": "seeds",
    "run_name": "name",
    "project": "name",
    "experiment_name": "name",
    "save_strategy": "keep",
    "grid": "search",
    "sweep": "search",
    "hyperparameters": "search",
}

# What has no name here, and why.
NOT_NEEDED = {
    "num_labels": "the options are counted from the data; task.labels names them in order",
    "num_classes": "the options are counted from the data; task.labels names them in order",
    "output_dir": "where results go is given on the command line: --out",
    "do_train": "the command says what is done: tunewise run",
    "do_eval": "every epoch is evaluated",
    "evaluation_strategy": "every epoch is evaluated",
    "eval_strategy": "every epoch is evaluated",
    "shuffle": "the order is drawn anew for each epoch from the seed",
    "per_device_eval_batch_size": "evaluation chooses its own batches; they change no result",
    "eval_batch_size": "evaluation chooses its own batches; they change no result",
}

# What a word of theirs means beside ours, where the value must change too.
REMARKS = {
    "gradient_accumulation_steps": "batch_size counts all examples of a step, over its parts",
    "accumulation_steps": "batch_size counts all examples of a step, over its parts",
    "accumulate_grad_batches": "batch_size counts all examples of a step, over its parts",
    "warmup_steps": "it is a fraction of all steps",
    "fp16": "it is float32, bfloat16 or float16",
    "bf16": "it is float32, bfloat16 or float16",
    "load_in_4bit": "it is nf4",
    "load_best_model_at_end": "it is best or last",
    "metric_for_best_model": "the first metric chooses",
}


def ours(name: str, section: str, known: list[str]) -> str:
    """The sentence for a name that people bring along, or nothing for one we never heard.

    `section` is where it stood, such as ``training``, or ``method`` for a method's own settings;
    `known` are the names that are right there.

    >>> ours("lora_alpha", "method", ["alpha", "rank"])
    "'lora_alpha' is called 'alpha' here."
    >>> ours("num_epochs", "", [])
    "'num_epochs' is called 'epochs' here and stands under 'training'."
    """
    name = name.lower()
    if name in NOT_NEEDED:
        return f"'{name}' is not needed: {NOT_NEEDED[name]}."
    if name not in NAMES:
        return ""
    *sections, word = NAMES[name].split(".")
    there = sections[0] if sections else ""
    if there == "method" and (section != "method" or word not in known):
        return "" if section == "method" else f"'{name}' is '{word}', a method's own setting."
    place = f"under '{there}'" if there else "at the top of the study"
    where = "" if there == section else f" and stands {place}"
    remark = f"; {REMARKS[name]}" if name in REMARKS else ""
    return f"'{name}' is called '{word}' here{where}{remark}."


def word_for(name: str) -> str:
    """Our word for a name people bring along, without its section; their own where we have none.

    >>> word_for("lr"), word_for("rank")
    ('learning_rate', 'rank')
    """
    return NAMES.get(name.lower(), name).rpartition(".")[2]
