"""Distillation of a small encoder from a large one: MiniLMv2 relations, and sentences that mean the same to both.

relations.py     the loss of MiniLMv2, with the paper's formulas
projections.py   queries, keys and values, caught while an encoder computes them
student.py       what the student is at the beginning
encoders.py      BertModel from a model folder; vectors of texts from its output
teachers.py      what the student is to learn of a batch
texts.py         the texts of a step: sequences of the corpus, and crops of them as short as a query
settings.py      what is learnt, and what from
task.py          the above, as the training loop asks for it
"""
