"""A trial: the one loop, what it is given, and what it leaves on the disk.

In reading order: `trial` builds the model in `assembly` (settings, seeds, and of frozen backbones
the features and vectors), trains it in `loop` (batches, encoded_split, optimizer, loss_scale,
progress, checkpoint, trial_profiler, log; `checks` look for what goes wrong without an error),
answers with `predictor` and ends in an `outcome`. `together` trains several over one frozen model.
`sealed` tests it once, `finished` loads it again, `sanity` overfits ten examples.
"""
