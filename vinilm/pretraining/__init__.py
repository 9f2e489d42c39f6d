"""Continued pretraining of a BERT encoder on the texts of a domain: masked-language modelling (Devlin et al. 2018).

masking.py   which tokens are hidden, by what
model.py     the encoder with its language-model head: loaded, checked, saved
data.py      a corpus as rows of tokens, for each phase and to evaluate on
task.py      loss and accuracy of the hidden tokens, for the loop of vinilm.training
progress.py  what people see
"""
