"""A BERT encoder as an ONNX graph in float32, made for one text a run: no padding, so no mask.

Input ``ids`` [1, n] int64; outputs ``vector`` [1, dims], pooled and not yet normalised, and ``tokens`` [1, n, dims],
the last hidden states, or [1, n, 2 * dims], those and the states of a middle layer side by side.
Attention and GELU are ONNX Runtime's own operators (domain ``com.microsoft``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qa.encode.encoder import Floats
from qa.encode.wheel import BLOCK, Quantised

if TYPE_CHECKING:
    from onnx import ModelProto

MICROSOFT: Final = "com.microsoft"
OPSET: Final = 21
IR_VERSION: Final = 10
Pooling = Literal["mean", "cls"]


@dataclass(frozen=True, slots=True)
class Bert:
    """The weights of a BERT or RoBERTa encoder under the names that transformers gives them.

    ``words``: the embedding table [vocabulary, hidden], in floats or in 4-bit blocks that stay as they are.
    ``first_position``: row of the first token in the position table (RoBERTa: padding id + 1). ``middle``: number, from
    1, of the layer whose states join the token vectors; 0 for none.
    """

    weights: Mapping[str, Floats]
    words: Quantised | Floats
    layers: int
    heads: int
    epsilon: float
    pooling: Pooling
    first_position: int = 0
    middle: int = 0


def build(bert: Bert) -> ModelProto:
    """The float32 graph."""
    graph = _Graph()
    states = _embeddings(graph, bert)
    of_layer = []
    for layer in range(bert.layers):
        states = _layer(graph, bert, f"encoder.layer.{layer}", states)
        of_layer.append(states)
    parts = [states, of_layer[bert.middle - 1]] if bert.middle else [states]
    graph.add("Concat", parts, output="tokens", axis=-1)
    _pool(graph, states, bert.pooling)
    return graph.model(len(bert.weights["embeddings.LayerNorm.weight"]), len(parts))


class _Graph:
    """Nodes and constants in the making; every value is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Floats | np.generic | list[int]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def nibbles(self, table: Quantised) -> str:
        """A signed 4-bit constant: nibble - 8, two to a byte, the first in the low half."""
        from onnx import TensorProto, helper

        signed = (table.nibbles ^ 8).reshape(len(table.nibbles), -1)
        packed = signed[:, 0::2] | (signed[:, 1::2] << 4)
        name = f"c{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, TensorProto.INT4, signed.shape, packed.tobytes(), raw=True))
        return name

    def add(self, operator: str, inputs: list[str], *, domain: str = "", output: str = "", **attributes: Any) -> str:
        return self.several(operator, inputs, [output or f"v{len(self.nodes)}"], domain=domain, **attributes)[0]

    def several(
        self, operator: str, inputs: list[str], outputs: list[str], *, domain: str = "", **attributes: Any
    ) -> list[str]:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs

    def model(self, hidden: int, parts: int) -> ModelProto:
        from onnx import TensorProto, helper

        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, hidden])
        tokens = helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [1, "n", parts * hidden])
        graph = helper.make_graph(self.nodes, "encoder", [ids], [vector, tokens], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _embeddings(graph: _Graph, bert: Bert) -> str:
    places = bert.weights["embeddings.position_embeddings.weight"][bert.first_position :]
    first_type = bert.weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", ["ids"], start=1, end=2)
    zero = graph.constant([0])
    positions = graph.add("Slice", [graph.constant(places + first_type), zero, length, zero])
    summed = graph.add("Add", [_words(graph, bert.words), positions])
    return _normalised(graph, bert, "embeddings.LayerNorm", summed)


def _words(graph: _Graph, words: Quantised | Floats) -> str:
    from onnx import TensorProto

    if isinstance(words, Quantised):
        inputs = [graph.nibbles(words), "ids", graph.constant(words.scales.astype(np.float32))]
        return graph.add(
            "GatherBlockQuantized", inputs, domain=MICROSOFT, block_size=BLOCK, gather_axis=0, quantize_axis=1
        )
    rows = graph.add("Gather", [graph.constant(words.astype(np.float16)), "ids"])
    return graph.add("Cast", [rows], to=TensorProto.FLOAT)


def _layer(graph: _Graph, bert: Bert, name: str, states: str) -> str:
    attended = _linear(graph, bert, [f"{name}.attention.output.dense"], _attention(graph, bert, name, states))
    states = _normalised(graph, bert, f"{name}.attention.output.LayerNorm", graph.add("Add", [states, attended]))
    widened = graph.add("Gelu", [_linear(graph, bert, [f"{name}.intermediate.dense"], states)], domain=MICROSOFT)
    narrowed = _linear(graph, bert, [f"{name}.output.dense"], widened)
    return _normalised(graph, bert, f"{name}.output.LayerNorm", graph.add("Add", [states, narrowed]))


def _attention(graph: _Graph, bert: Bert, name: str, states: str) -> str:
    heads = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    joined = _linear(graph, bert, heads, states)
    parts = graph.several("Split", [joined], [f"{joined}.{i}" for i in range(3)], axis=-1, num_outputs=3)
    return graph.add("MultiHeadAttention", parts, domain=MICROSOFT, num_heads=bert.heads)


def _linear(graph: _Graph, bert: Bert, names: list[str], states: str) -> str:
    """One matrix product for all of ``names``, their outputs side by side."""
    weight = np.concatenate([bert.weights[f"{name}.weight"] for name in names])
    bias = np.concatenate([bert.weights[f"{name}.bias"] for name in names])
    product = graph.add("MatMul", [states, graph.constant(weight.T)])
    return graph.add("Add", [product, graph.constant(bias)])


def _normalised(graph: _Graph, bert: Bert, name: str, states: str) -> str:
    parameters = [graph.constant(bert.weights[f"{name}.{kind}"]) for kind in ("weight", "bias")]
    return graph.add("LayerNormalization", [states, *parameters], epsilon=bert.epsilon)


def _pool(graph: _Graph, states: str, pooling: Pooling) -> str:
    if pooling == "cls":
        first = graph.constant(np.int64(0))
        return graph.add("Gather", [states, first], output="vector", axis=1)
    return graph.add("ReduceMean", [states, graph.constant([1])], output="vector", keepdims=0)
