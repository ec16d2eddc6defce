"""A contender as one Python file of torch, transformers and PEFT alone, with the data it needs."""
