"""The relation loss, against a reference that is written straight from the paper."""

from __future__ import annotations

import numpy as np
import pytest
import relation_reference
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.errors import SettingsError

torch = pytest.importorskip("torch")

from vinilm.distillation.relations import QKV, check_relation_heads, relation_loss  # noqa: E402


def projections(lengths, hidden, seed, scale=1.0):
    """Random queries, keys and values of texts; what stands in the padding is large, so that it would show."""
    rng = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths), hidden)
    arrays = [rng.standard_normal(shape) * scale for _ in range(3)]
    for array in arrays:
        for row, length in enumerate(lengths):
            array[row, length:] = 1e3 * rng.standard_normal((shape[1] - length, hidden))
    return arrays


def mask_of(lengths):
    mask = np.zeros((len(lengths), max(lengths)), dtype=np.int64)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
    return torch.from_numpy(mask)


def loss_of(teacher, student, lengths, heads):
    as_qkv = [QKV(*(torch.from_numpy(a) for a in arrays)) for arrays in (teacher, student)]
    return relation_loss(*as_qkv, mask_of(lengths), heads)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    heads=st.sampled_from([1, 2, 4]),
    sizes=st.tuples(st.sampled_from([8, 16]), st.sampled_from([4, 8, 12])),
    scale=st.sampled_from([0.1, 1.0, 4.0]),
    seed=st.integers(0, 1000),
)
def test_the_loss_is_that_of_the_paper(lengths, heads, sizes, scale, seed):
    teacher = projections(lengths, sizes[0], seed, scale)
    student = projections(lengths, sizes[1], seed + 1, scale)
    found = loss_of(teacher, student, lengths, heads)
    for relation, ours, theirs in zip(found, teacher, student, strict=True):
        for row, length in enumerate(lengths):
            wanted = relation_reference.divergence(ours[row, :length], theirs[row, :length], heads)
            assert float(relation[row]) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert torch.allclose(found.total, found.queries + found.keys + found.values)


def test_in_float32_the_loss_is_that_of_the_paper_to_1e_6():
    lengths = [128, 3, 77]
    teacher = [a.astype(np.float32) for a in projections(lengths, 64, 1)]
    student = [a.astype(np.float32) for a in projections(lengths, 32, 2)]
    found = loss_of(teacher, student, lengths, 8)
    for row, length in enumerate(lengths):
        wanted = sum(
            relation_reference.divergence(t[row, :length].astype(float), s[row, :length].astype(float), 8)
            for t, s in zip(teacher, student, strict=True)
        )
        assert float(found.total[row]) == pytest.approx(wanted, rel=1e-6)


def test_a_text_alone_in_company_and_padded_further_has_the_same_loss_and_gradient():
    lengths = [5, 9, 2]
    teacher, student = projections(lengths, 16, 3), projections(lengths, 8, 4)
    values = torch.from_numpy(student[2]).requires_grad_()
    together = relation_loss(
        QKV(*map(torch.from_numpy, teacher)), QKV(*map(torch.from_numpy, student[:2]), values), mask_of(lengths), 4
    )
    together.total.sum().backward()
    for row, length in enumerate(lengths):
        alone = torch.from_numpy(student[2][row : row + 1, :length]).requires_grad_()
        cut = [torch.from_numpy(a[row : row + 1, :length]) for a in (*teacher, *student[:2])]
        one = relation_loss(QKV(*cut[:3]), QKV(*cut[3:], alone), mask_of([length]), 4)
        one.total.sum().backward()
        assert together.total[row].item() == pytest.approx(one.total[0].item(), rel=1e-12)
        torch.testing.assert_close(values.grad[row, :length], alone.grad[0])
        assert not values.grad[row, length:].any()


def test_the_gradient_is_that_of_differences():
    lengths = [4, 3]
    teacher, student = projections(lengths, 8, 5), projections(lengths, 4, 6)
    for array in (*teacher, *student):
        array[1, 3:] = 0.5
    inputs = [torch.from_numpy(a).requires_grad_() for a in student]
    qkv = QKV(*map(torch.from_numpy, teacher))
    assert torch.autograd.gradcheck(lambda *s: relation_loss(qkv, QKV(*s), mask_of(lengths), 2).total, inputs)


def test_nothing_flows_back_into_the_teacher_and_equal_ones_have_no_loss():
    arrays = [torch.from_numpy(a).requires_grad_() for a in projections([6, 4], 8, 7)]
    same = [a.detach().clone().requires_grad_() for a in arrays]
    loss = relation_loss(QKV(*arrays), QKV(*same), mask_of([6, 4]), 2).total
    assert loss.abs().max() < 1e-12
    loss.sum().backward()
    assert all(a.grad is None for a in arrays)


def test_half_precision_is_computed_in_single():
    lengths = [16, 7]
    teacher, student = projections(lengths, 16, 8), projections(lengths, 8, 9)
    half = [QKV(*(torch.from_numpy(a).bfloat16() for a in arrays)) for arrays in (teacher, student)]
    with torch.autocast("cpu", torch.bfloat16):
        found = relation_loss(*half, mask_of(lengths), 4).total
    assert found.dtype == torch.float32
    exact = [QKV(*(a.double() for a in arrays)) for arrays in half]
    torch.testing.assert_close(found.double(), relation_loss(*exact, mask_of(lengths), 4).total, rtol=1e-5, atol=1e-6)


def test_heads_that_divide_a_hidden_size_and_heads_that_do_not():
    check_relation_heads(64, teacher=1024, student=768)
    with pytest.raises(SettingsError, match=r"relation-heads 64 must divide the hidden size 96 of the student.* 16, 32$"):
        check_relation_heads(64, teacher=1024, student=96)
