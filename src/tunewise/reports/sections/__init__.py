"""What reports say, a section a file.

Each file has a function ``section(facts)`` that returns a `Section`, or None where the study has
nothing to say: under `titled` it yields blocks. A file in this folder is found by itself. Blocks
say for which outputs they are meant, so that a section appears in every output with one source for
each sentence and number.
"""
