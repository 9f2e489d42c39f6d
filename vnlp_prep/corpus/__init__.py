"""Corpora: reading records, cleaning their text fields, writing them back, and saying what could not be cleaned.

    inputs.py       what the user names -> the files that are meant
    plan.py         which input goes where, checked before anything is read or written
    readers.py      files, archives and pipes -> chunks, in bounded memory
    chunks.py       lines in a row: the unit of work, of packing and of resuming
    records.py      a line of a file, the record in it, and why a record is rejected
    formats.py      the texts of a line: JSON, plain text
    json_fields.py  strict checking of a JSON line, and replacing one string in it without touching the rest
    encodings.py    lines that are not UTF-8
    parquet.py, tables.py    rows in chunks, and their texts
    cleaning.py     a chunk -> what is written for it; all that a worker process does
    packing.py      bytes -> a piece of an archive
    run.py          the loop: read, clean, write, count
    files.py        the files that a run writes, and when each gets its name
    journal.py      what is done, for a run that is interrupted
    writers.py      bytes -> a file that appears under its name whole or not at all
    edit_log.py, restore.py    the edits of each record, and the way back
    documents.py    records that are only to be counted, also from Parquet
    counting.py     their words, in one or several processes: for a lexicon that is learnt

Readers yield lines and writers take bytes; neither knows of cleaning. Every line that is read is written exactly once,
to the output or to the rejects, in order.
"""
