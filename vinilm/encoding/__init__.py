"""Corpora to vectors: files of records in, one file of vectors out, in bounded memory; a run that was killed goes on.

    chunks.py    records of the inputs, so many at a time
    cleaning.py  cleaning in several processes
    engine.py    chunks -> vectors, on this machine
    ray_engine.py  the same on a Ray cluster
    plan.py      which engine is asked for
    journal.py   what is done: the partial output of a run, checked when a later run goes on with it
    outputs.py   vectors and ids -> Parquet, NumPy or safetensors, under its name whole or not at all
    run.py       the loop: read, encode, write, count
    settings.py  what the vectors depend on, and what has changed since an interrupted run
    progress.py  what people see

A chunk is a number of records and nothing else, so it is computed to the same bits whoever comes to it first.
"""
