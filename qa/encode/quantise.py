"""Matrix products of an ONNX graph in 8-bit integers that are exact on every CPU, with calibrated smoothing.

*Outliers* (LLM.int8, Dettmers et al. 2022, arXiv:2208.07339): transformers have a few input channels with values a
hundred times the usual ones, which would take up the whole 8-bit range. They are multiplied in float32, apart.

*Smoothing* (SmoothQuant, Xiao et al. 2023, arXiv:2211.10438): of the others, input channel j is divided by
``(max|x_j| / max|w_j|)^(1/2)`` and row j of the weights multiplied by it, which changes no product.

*Pairs*: x86 CPUs without VNNI add two neighbouring products, unsigned 8-bit input times signed 8-bit weight, in 16 bits
that saturate. The step of each output channel is chosen so that two neighbouring weights never have more than 128
between them: 255 * 128 < 2^15, so nothing saturates, at the cost of a fraction of a bit, and CPUs with and
without VNNI compute the same integers.

Inputs are quantised at run time over all of one text, hence one text a run: what else is encoded changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from qa.encode.encoder import Floats
from qa.encode.graph import MICROSOFT

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto
    from onnxruntime import InferenceSession

RECIPE: Final = "int8-3"
"""Changes whenever the arithmetic of the fast path does."""
OUTLIERS: Final = {"narrowing": 8, "widening": 4, "square": 0}
"""Channels kept apart: for more inputs than outputs, fewer, and as many. Measured: more of them win nothing."""
PAIR_LIMIT: Final = 128
MIN_SIDE: Final = 64
"""Matrices with a shorter side stay in float32: nothing to win."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Int8:
    """``values`` [inputs, outputs] int8, ``steps`` [outputs] float32: weight = value * step."""

    values: npt.NDArray[np.int8]
    steps: Floats


@dataclass(frozen=True, slots=True)
class _Product:
    """A product with constant weights: its node, the node that adds a constant bias, if any, and the constants."""

    node: NodeProto
    weights: Floats
    addition: NodeProto | None
    bias: str

    @property
    def output(self) -> str:
        return str((self.addition or self.node).output[0])


def quantise(model: ModelProto, texts: Sequence[Ids]) -> ModelProto:
    """``model`` with 8-bit products; ``texts``: [1, n] token ids each, over which the inputs' ranges are taken."""
    from onnx import ModelProto, helper

    products = list(_products(model))
    ranges = input_ranges(model, [str(product.node.input[0]) for product in products], texts)
    result = ModelProto()
    result.CopyFrom(model)
    _replace(result, products, ranges)
    if MICROSOFT not in {opset.domain for opset in result.opset_import}:
        result.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return result


def input_ranges(model: ModelProto, names: Sequence[str], texts: Sequence[Ids]) -> dict[str, Floats]:
    """For each named value of the graph the greatest magnitude, [channels], of each channel over all texts."""
    from onnx import TensorProto, helper

    exposed = type(model)()
    exposed.CopyFrom(model)
    distinct = sorted(set(names))
    known = {output.name for output in model.graph.output}
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in distinct if name not in known]
    exposed.graph.output.extend(wanted)
    if not distinct:
        return {}
    session = _session(exposed)
    peaks = [[_peaks(value) for value in session.run(distinct, {"ids": ids})] for ids in texts]
    return {name: np.max(column, axis=0) for name, column in zip(distinct, zip(*peaks, strict=True), strict=True)}


def outliers(ranges: Floats, outputs: int) -> npt.NDArray[np.int64]:
    """The channels, ascending, with the widest ``ranges`` [inputs] of a product."""
    inputs = len(ranges)
    count = OUTLIERS["narrowing" if inputs > outputs else "widening" if inputs < outputs else "square"]
    return np.sort(np.argsort(-ranges, kind="stable")[:count])


def smoothing(ranges: Floats, weights: Floats) -> Floats:
    """Divisors of the input channels, [inputs], geometric mean 1, for ``weights`` [inputs, outputs]."""
    ratio = np.sqrt(np.maximum(ranges, 1e-3) / np.maximum(np.abs(weights).max(axis=1), 1e-5))
    result: Floats = (ratio / np.exp(np.log(ratio).mean())).astype(np.float32)
    return result


def int8(weights: Floats) -> Int8:
    """[inputs, outputs] weights in 8 bits, no two of a pair (0, 1), (2, 3), ... of inputs above ``PAIR_LIMIT``."""
    sizes = np.abs(weights)
    even = np.pad(sizes, ((0, len(sizes) % 2), (0, 0)))
    # Rounding adds at most half a step to each of the two, so a step more than the limit leaves room for both.
    pairs = (even[0::2] + even[1::2]).max(axis=0) / (PAIR_LIMIT - 1)
    steps = np.maximum(np.maximum(sizes.max(axis=0) / 127, pairs), 1e-12).astype(np.float32)
    return Int8(np.rint(weights / steps).astype(np.int8), steps)


def _session(model: ModelProto) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _peaks(values: Floats) -> Floats:
    result: Floats = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
    return result


def _products(model: ModelProto) -> Iterator[_Product]:
    """Every product of a value with a constant matrix worth quantising."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    users = _users(model)
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[0] not in constants and node.input[1] in constants:
            weights = _matrix(constants[node.input[1]])
            if weights is not None:
                yield _Product(node, weights, *_addition(node, users[node.output[0]], constants, weights.shape[1]))


def _users(model: ModelProto) -> Mapping[str, list[NodeProto]]:
    users: defaultdict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            users[name].append(node)
    return users


def _matrix(constant: TensorProto) -> Floats | None:
    from onnx import TensorProto, numpy_helper

    if constant.data_type != TensorProto.FLOAT or len(constant.dims) != 2 or min(constant.dims) < MIN_SIDE:
        return None
    return numpy_helper.to_array(constant).astype(np.float32, copy=False)


def _addition(
    node: NodeProto, users: Sequence[NodeProto], constants: Mapping[str, TensorProto], width: int
) -> tuple[NodeProto | None, str]:
    """The only user of a product, where it adds a constant row to it, and that constant's name."""
    if len(users) == 1 and users[0].op_type == "Add":
        other = next((name for name in users[0].input if name != node.output[0]), "")
        if other in constants and list(constants[other].dims) == [width]:
            return users[0], other
    return None, ""


def _replace(model: ModelProto, products: Sequence[_Product], ranges: Mapping[str, Floats]) -> None:
    by_node = {product.node.output[0]: product for product in products}
    absorbed = {product.addition.output[0] for product in products if product.addition}
    nodes = [copy for node in model.graph.node for copy in _rewritten(model, node, by_node, absorbed, ranges)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused(model)


def _rewritten(
    model: ModelProto,
    node: NodeProto,
    products: Mapping[str, _Product],
    absorbed: set[str],
    ranges: Mapping[str, Floats],
) -> list[NodeProto]:
    if node.output and node.output[0] in absorbed:
        return []
    product = products.get(node.output[0]) if node.output else None
    return [node] if product is None else _smooth_product(model, product, ranges[product.node.input[0]])


def _smooth_product(model: ModelProto, product: _Product, ranges: Floats) -> list[NodeProto]:
    """The nodes that take a product's place: most channels smoothed and in integers, the outliers in floats."""
    apart = outliers(ranges, product.weights.shape[1])
    together = np.ones(len(ranges), np.bool_)
    together[apart] = False
    factors, weights = np.zeros(len(ranges), np.float32), np.zeros_like(product.weights)
    divisors = smoothing(ranges[together], product.weights[together])
    factors[together], weights[together] = 1 / divisors, product.weights[together] * divisors[:, None]
    if not len(apart):
        return _integer_nodes(model, product, factors, weights, product.output)
    whole = f"{product.node.output[0]}.whole"
    return [
        *_integer_nodes(model, product, factors, weights, whole),
        *_float_nodes(model, product, apart, whole),
    ]


def _integer_nodes(
    model: ModelProto, product: _Product, factors: Floats, weights: Floats, output: str
) -> list[NodeProto]:
    """``output = (x * factors) @ weights + bias`` in integers; a channel with factor 0 takes no part."""
    from onnx import helper

    name = product.node.output[0]
    whole = int8(weights)
    values = _constant(model, f"{name}.values", whole.values)
    steps = _constant(model, f"{name}.steps", whole.steps)
    zeros = _constant(model, f"{name}.zeros", np.zeros(len(whole.steps), np.int8))
    scaling = [product.node.input[0], _constant(model, f"{name}.factors", factors)]
    inputs = [f"{name}.smooth", values, steps, zeros, product.bias]
    return [
        helper.make_node("Mul", scaling, [f"{name}.smooth"]),
        helper.make_node("DynamicQuantizeMatMul", inputs, [output], domain=MICROSOFT),
    ]


def _float_nodes(model: ModelProto, product: _Product, channels: npt.NDArray[np.int64], whole: str) -> list[NodeProto]:
    """``product.output = whole + x[channels] @ weights[channels]``."""
    from onnx import helper

    name = product.node.output[0]
    chosen = [product.node.input[0], _constant(model, f"{name}.channels", channels)]
    rows = _constant(model, f"{name}.rows", product.weights[channels])
    return [
        helper.make_node("Gather", chosen, [f"{name}.outliers"], axis=-1),
        helper.make_node("MatMul", [f"{name}.outliers", rows], [f"{name}.floats"]),
        helper.make_node("Add", [whole, f"{name}.floats"], [product.output]),
    ]


def _constant(model: ModelProto, name: str, array: npt.NDArray[np.generic]) -> str:
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


def _drop_unused(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [constant for constant in model.graph.initializer if constant.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
