"""8-bit products: nothing saturates on any CPU, and smoothing changes nothing; by hand and over random weights."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper

from qa.encode import quantise
from qa.encode.encoder import Floats


def _product(weights: Floats, bias: Floats | None = None) -> onnx.ModelProto:
    """``vector = ids @ weights (+ bias)``, where ``ids`` are floats."""
    inputs, outputs = weights.shape
    constants = [numpy_helper.from_array(weights, "w")]
    nodes = [helper.make_node("MatMul", ["ids", "w"], ["product"])]
    if bias is not None:
        constants.append(numpy_helper.from_array(bias, "b"))
        nodes.append(helper.make_node("Add", ["product", "b"], ["vector"]))
    else:
        nodes.append(helper.make_node("Identity", ["product"], ["vector"]))
    value = helper.make_tensor_value_info
    ends = [value("ids", TensorProto.FLOAT, ["n", inputs])], [value("vector", TensorProto.FLOAT, ["n", outputs])]
    graph = helper.make_graph(nodes, "g", *ends, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def _run(model: onnx.ModelProto, values: Floats) -> Floats:
    result: Floats = quantise._session(model).run(["vector"], {"ids": values})[0]
    return result


def test_steps_by_hand() -> None:
    weights = np.array([[1.27, 0.0], [0.0, 6.0], [0.5, 0.0], [0.5, 6.7]], np.float32)

    whole = quantise.int8(weights)

    # Output 0: the greatest weight 1.27 sets the step, 1.27 / 127 = 0.01 (its pairs are 1.27 and 1.0).
    # Output 1: the greatest pair is 0 + 6.7, so the step is 6.7 / 127.
    assert whole.steps.tolist() == pytest.approx([0.01, 6.7 / 127])
    assert whole.values[:, 0].tolist() == [127, 0, 50, 50]
    assert whole.values[:, 1].tolist() == [0, 114, 0, 127]


def test_two_large_neighbours_widen_the_step() -> None:
    whole = quantise.int8(np.array([[1.0], [-1.0], [0.25], [0.0]], np.float32))

    # The pair |1| + |-1| = 2 makes the step 2 / 127; 1 / step = 63.5 rounds to the even 64.
    assert whole.steps.tolist() == pytest.approx([2 / 127])
    assert whole.values[:, 0].tolist() == [64, -64, 16, 0]


@given(
    hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e3, 1e3, width=32)
    )
)
def test_no_pair_of_weights_can_saturate(weights: Floats) -> None:
    whole = quantise.int8(weights)

    sizes = np.abs(whole.values.astype(int))
    pairs = sizes[0::2] + np.pad(sizes[1::2], ((0, len(sizes) % 2), (0, 0)))
    assert (pairs <= quantise.PAIR_LIMIT).all()
    assert sizes.max() <= 127
    assert (np.abs(whole.values * whole.steps - weights) <= whole.steps * 0.501).all()


def test_the_product_is_exact_where_16_bits_would_overflow() -> None:
    # Inputs at the ends of their range and the largest weights next to each other: on CPUs without VNNI two such
    # products overflow 16 bits unless the weights are kept apart.
    generator = np.random.default_rng(5)
    weights = generator.choice([-1.0, 1.0], (256, 256)).astype(np.float32)
    values = generator.choice([0.0, 255.0], (33, 256)).astype(np.float32)

    out = _run(quantise.quantise(_product(weights), [values]), values)

    # A square product keeps no channel apart, smoothing divides channels that are all alike by 1, and the inputs are
    # whole steps of their range.
    whole = quantise.int8(weights)
    assert np.abs(whole.values).tolist() == np.full((256, 256), 64).tolist()
    assert out == pytest.approx((values @ whole.values) * whole.steps, rel=1e-5)


def test_outlier_channels_do_not_drown_the_others() -> None:
    generator = np.random.default_rng(7)
    weights = generator.normal(0, 0.05, (128, 96)).astype(np.float32)
    bias = generator.normal(0, 1, 96).astype(np.float32)
    values = generator.normal(0, 1, (40, 128)).astype(np.float32)
    values[:, 17] = generator.normal(0, 1, 40) * 200

    exact = values @ weights + bias
    model = quantise.quantise(_product(weights, bias), [values])
    error = np.linalg.norm(_run(model, values) - exact) / np.linalg.norm(exact)

    # Without smoothing the step of the inputs would be about 800 / 255 = 3, three times their usual size.
    assert error < 0.02
    operators = [node.op_type for node in model.graph.node]
    assert operators == ["Mul", "DynamicQuantizeMatMul", "Gather", "MatMul", "Add"]


@pytest.mark.parametrize(("outputs", "expected"), [(4, [0, 1, 2, 3, 4, 5, 7, 8]), (20, [0, 1, 2, 8]), (9, [])])
def test_the_widest_channels_are_kept_apart(outputs: int, expected: list[int]) -> None:
    ranges = np.array([9, 8, 7, 2, 3, 2.5, 0, 1, 6], np.float32)

    assert quantise.outliers(ranges, outputs).tolist() == expected


def test_smoothing_has_geometric_mean_one_and_follows_the_formula() -> None:
    weights = np.array([[0.5, -2.0], [1.0, 0.1]], np.float32)

    divisors = quantise.smoothing(np.array([8.0, 1.0], np.float32), weights)

    # (8 / 2)^(1/2) = 2 and (1 / 1)^(1/2) = 1, divided by their geometric mean 2^(1/2).
    assert divisors.tolist() == pytest.approx([2**0.5, 2**-0.5], rel=1e-5)


def test_small_matrices_stay_in_floats() -> None:
    model = quantise.quantise(_product(np.eye(8, dtype=np.float32)), [np.ones((1, 8), np.float32)])

    assert [node.op_type for node in model.graph.node] == ["MatMul", "Identity"]


def test_ranges_are_the_greatest_magnitudes_of_each_channel() -> None:
    model = _product(np.eye(3, dtype=np.float32))
    texts = [np.array([[1, -5, 0], [2, 1, 0]], np.float32), np.array([[-3, 2, 0.5]], np.float32)]

    ranges = quantise.input_ranges(model, ["product"], texts)  # type: ignore[arg-type]

    assert ranges["product"].tolist() == [3, 5, 0.5]
