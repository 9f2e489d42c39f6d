"""Classification: what can be told of texts by their vectors, by each model, under each condition."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vinilm.evaluation.bootstrap import macro_f1, mean_of
from vinilm.evaluation.classification_set import ClassificationSet, Example, read_classification
from vinilm.evaluation.classifiers import Labels, most_frequent, nearest, probe
from vinilm.evaluation.conditions import Condition, Conditions
from vinilm.evaluation.encoder import Effort, Encoder
from vinilm.evaluation.results import Key, Result
from vinilm.evaluation.systems import Models, loaded
from vinilm.evaluation.watching import Silent, Watch

if TYPE_CHECKING:
    from vinilm.pooling import Floats

#: What the baseline is called among the systems.
MAJORITY = "majority"
CLASSIFIERS = ("probe", "kNN")
MEASURES = tuple(f"{classifier} {measure}" for classifier in CLASSIFIERS for measure in ("accuracy", "macro-F1"))


def evaluate_classification(
    models: Models,
    path: ClassificationSet | str | os.PathLike[str],
    *,
    conditions: Conditions | None = None,
    test_share: float = 0.3,
    neighbours: int = 10,
    options: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> Result:
    """Evaluate models on a classification set, under each condition on both sides: what is trained with, and tested with.

    ``path``: a folder with ``train.jsonl`` and ``test.jsonl``, or one file, or what
    :func:`~vinilm.evaluation.classification_set.read_classification` returned for it (``test_share``: there). ``models``,
    ``conditions``, ``options``: as in :func:`evaluate_retrieval`.

    The vectors are not changed: a linear probe (logistic regression, its regularization chosen by cross-validation on what is
    trained with) and the ``neighbours`` nearest neighbours by cosine say the labels. The model's prompt ``classification`` is
    used if it has one, else its default. Raises InputError for the set, ModelError, BackendError, SettingsError.
    """
    data = path if isinstance(path, ClassificationSet) else read_classification(path, test_share=test_share)
    chosen = conditions or Conditions()
    systems = loaded(models, options)
    watch = watch or Silent()
    train, truth = (np.array([example.label for example in side]) for side in (data.train, data.test))
    groups = np.array([example.group for example in data.train])
    result = Result(
        "classification",
        data.name,
        {"train": len(train), "test": len(truth), "labels": len(set(train.tolist()))},
        [*systems, MAJORITY],
        list(systems),
        [condition.name for condition in chosen.each()],
        list(MEASURES),
        [example.id for example in data.test],
        truth.tolist(),
        notes=list(data.notes),
    )
    for system, extractor in systems.items():
        encoder = Encoder(extractor)
        for condition in chosen.each():
            watch.begin(f"{data.name}: {system}, {condition.name}", len(train) + len(truth))
            effort = Effort()
            x, y = (_vectors(side, condition, encoder, effort, watch) for side in (data.train, data.test))
            said, strength = probe(x, train, groups, y)
            for classifier, predicted in (("probe", said), ("kNN", nearest(x, train, y, neighbours))):
                _add(result, system, condition.name, classifier, truth, predicted)
            result.choices[Key(system, condition.name, "probe")] = {"C": strength}
            result.efforts[system, condition.name] = effort.to_dict()
            watch.end(effort)
    # It reads no text: under every condition it says the same.
    for condition in chosen.each():
        for classifier in CLASSIFIERS:
            _add(result, MAJORITY, condition.name, classifier, truth, most_frequent(train, len(truth)))
    return result


def _vectors(side: Sequence[Example], condition: Condition, encoder: Encoder, effort: Effort, watch: Watch) -> Floats:
    extractor = encoder.extractor
    assert extractor.preprocessor is not None
    names = [f"example {example.id}" for example in side]
    texts = condition.texts([example.text for example in side], names, extractor.preprocessor, effort)
    prompt = extractor.prompt_text("classification" if "classification" in extractor.prompts else None, None)
    return encoder.vectors(texts, prompt, effort, watch.advance)


def _add(result: Result, system: str, condition: str, classifier: str, truth: Labels, predicted: Labels) -> None:
    result.figures[Key(system, condition, f"{classifier} accuracy")] = mean_of(truth == predicted)
    result.figures[Key(system, condition, f"{classifier} macro-F1")] = macro_f1(truth, predicted)
    if system != MAJORITY:
        result.details[Key(system, condition, classifier)] = predicted.tolist()
