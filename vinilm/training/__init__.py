"""The common core of training: a corpus as tokens on the disk, batches by step, and a loop that can be killed and gone on with.

    settings.py      how long, how fast, how often: checked before anything is read
    options.py       the same as options of a command
    progress.py      what people see
    corpus.py        records of files -> cleaned texts, those to train on and those held out
    tokens.py        their tokens in memory-mapped files, made once for a run
    chunks.py        documents -> sequences of at most so many tokens
    packing.py       several sequences -> a row of one length, none of which sees another
    batches.py       rows as arrays; which sequences are in the batch of a step
    permutation.py   the order of an epoch, without holding it
    schedule.py      the learning rate of a step
    processes.py     one process or several, processor or GPU, in what precision
    random_state.py  the states of all random generators as tensors
    tensors.py       tensors into a file
    checkpoints.py   all that a run needs to go on, whole or not there
    folder.py        the folder of a run: what is in it, who has it, what becomes of it
    metrics.py       a line for each step
    interrupts.py    signals that ask a run to end
    loop.py          the loop itself, and what it asks of a task
    saving.py        the model that comes out, as a folder that the ecosystem reads

A batch is a function of seed, step and process, and of nothing that happened before. So going on needs no state of a loader.
"""
