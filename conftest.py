"""Doctests are collected from every module of the packages, but these: they have none, and importing them takes half a minute."""

collect_ignore_glob = ["vinilm/backends/*", "vinilm/integrations/*", "vnlp_prep/integrations/*"]
# For doctests, that is; the second of a name would be an error.
collect_ignore_glob += ["tests/*conftest.py"]
