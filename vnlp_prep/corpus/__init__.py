"""Corpora: reading records, cleaning their text fields, writing them back, and saying what could not be cleaned.

    records.py      a line of a file, the record in it, and why a record is rejected
    json_fields.py  strict checking of a JSON line, and replacing one string in it without touching the rest
    encodings.py    lines that are not UTF-8
    readers.py      files, archives and pipes -> lines of bytes, in bounded memory
    writers.py      bytes -> a file that appears under its name whole or not at all
    run.py          the loop: read, clean, write, count
    tables.py       the same for Arrow: which texts a row has, and how they are put back
    documents.py    records that are only to be counted, also from Parquet
    counting.py     their words, in one or several processes: for a lexicon that is learnt

Readers yield lines and writers take bytes; neither knows of cleaning. Every line that is read is written exactly once,
to the output or to the rejects, in order.
"""
