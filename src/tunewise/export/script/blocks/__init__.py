"""What scripts are made of: plain code of the usual libraries, of which a script gets what it uses.

A block imports a name of another from one of those that define it; which of them a script gets
follows from the contender. `decided` holds what is settled when a script is written: an ``if``
on one of its names leaves the branch that is taken, and its names are in no script. `constants`
holds examples of the values that a script begins with.
"""
