"""What a person looks at: the changes of a corpus in groups, as a page to read and as one to decide on.

groups.py      edits and suggestions -> groups of equal changes, with examples, in bounded memory
collect.py     a corpus or an edit log -> groups; nothing is written
"""
