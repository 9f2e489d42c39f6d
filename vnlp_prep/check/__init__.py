"""Findings in files that people keep: where a text is not clean, what it would become, and the fix where that is sure.

``rules`` names what can be found, ``passages`` finds the texts of a file and their places, ``checker`` says what is wrong with
one, ``files`` checks and fixes whole files, ``run`` all of them, ``cache`` and ``baseline`` remember; ``report`` and ``sarif``
write it down. It stands on the readers and writers of ``vnlp_prep.corpus``; the command is ``vnlp_prep.check_command``.
"""
