"""Cleaning on more than one machine: the work is cut into parts, an existing engine deals them out, each part is one shard.

    storage.py  files here, on a shared disk or in an object store, behind one interface
    parts.py    inputs -> parts: ranges of lines or of row groups, each cleaned by itself
    shards.py   a part -> its shard, its rejects, and a record that it is done
    runs.py     the folder of a run: what it is made of, what is done, how it is finished
    cluster.py  the connection to a Ray cluster
    ray.py      Ray Data deals out the parts; and a Ray dataset of one's own is cleaned

Only the last two know of Ray. What cleans a part is what cleans a chunk on one machine (``corpus/cleaning.py``), so the records
and the texts that come out are the same.
"""
