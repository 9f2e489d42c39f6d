"""How good a model is on retrieval and classification, and what cleaning is worth: measured on your own documents, too.

Whoever evaluates several sets with the same models loads these once, with :func:`loaded`.
"""

from vinilm.evaluation.classification import evaluate_classification
from vinilm.evaluation.conditions import Conditions
from vinilm.evaluation.documents import Fields
from vinilm.evaluation.making import Made, Sizes, make_benchmark
from vinilm.evaluation.report import write_results
from vinilm.evaluation.results import Result
from vinilm.evaluation.retrieval import evaluate_retrieval
from vinilm.evaluation.systems import loaded

__all__ = [
    "Conditions",
    "Fields",
    "Made",
    "Result",
    "Sizes",
    "evaluate_classification",
    "evaluate_retrieval",
    "loaded",
    "make_benchmark",
    "write_results",
]
