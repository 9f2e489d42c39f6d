"""Recipes: steps from a corpus to a small model, in one file; each step is a command of the project, run as one.

    reading.py       the TOML file -> a Recipe, every key and reference checked before anything runs
    references.py    ``{vocab}`` in a value: the output of an earlier step
    tools.py         the commands that a step can be, and a table of options -> their arguments
    identity.py      what a file, a folder or a model is known by, so that a change is noticed
    stamps.py        what is kept of a step that has run, and whether it has to run again
    running.py       a step as a process: its output into the log, signals on to it
    collect.py       a command of its own for the beginning: folders of text -> documents as JSON lines

A step is a process of its own: its memory goes back when it ends, its exit status is the real one, and the command line in the
log is what was run, so that everybody can run it again by hand.
"""
