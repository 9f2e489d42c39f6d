"""How good a model is on retrieval and classification, and what cleaning is worth: measured on your own documents, too.

from vinilm.evaluation import evaluate_classification, evaluate_retrieval, make_benchmark
"""

from vinilm.evaluation.making import make_benchmark

__all__ = ["make_benchmark"]
