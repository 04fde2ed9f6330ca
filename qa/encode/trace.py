"""A sentence-transformers model as an ONNX graph: built by hand where it is a plain BERT, traced by torch otherwise."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qa.encode import graph
from qa.encode.encoder import Floats
from qa.errors import EncoderError

if TYPE_CHECKING:
    from onnx import ModelProto
    from sentence_transformers import SentenceTransformer
    from torch.nn import Module

BERTS: Final = ("bert", "roberta", "xlm-roberta")
TRACED_TOKENS: Final = 23
OPSET: Final = 18
_WORDS: Final = "embeddings.word_embeddings.weight"


def to_onnx(model: SentenceTransformer, name: str) -> ModelProto:
    """``model`` as a graph with the inputs and outputs of :mod:`qa.encode.graph`. Raises EncoderError."""
    return graph.build(_bert(model)) if _is_bert(model) else _traced(model, name)


def _is_bert(model: SentenceTransformer) -> bool:
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    config, pooling = _transformer(model).config, model[1]
    absolute = getattr(config, "position_embedding_type", None) in (None, "absolute")
    plain = config.model_type in BERTS and config.hidden_act == "gelu" and absolute and not config.is_decoder
    return plain and pooling.pooling_mode in ("mean", "cls") and bool(pooling.include_prompt)


def _transformer(model: SentenceTransformer) -> Any:
    return model[0].auto_model


def _bert(model: SentenceTransformer) -> graph.Bert:
    transformer = _transformer(model)
    config = transformer.config
    weights: dict[str, Floats] = {
        name: weight.detach().float().numpy() for name, weight in transformer.state_dict().items() if weight.ndim
    }
    return graph.Bert(
        words=weights.pop(_WORDS),
        weights=weights,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        epsilon=config.layer_norm_eps,
        pooling="cls" if model[1].pooling_mode == "cls" else "mean",
        first_position=0 if config.model_type == "bert" else config.pad_token_id + 1,
    )


def _traced(model: SentenceTransformer, name: str) -> ModelProto:
    import torch

    class Traced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = torch.nn.ModuleList(model)
            self.eval()

        def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features: dict[str, torch.Tensor] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            for step in self.steps:
                features = step(features)
            return features["sentence_embedding"], features["token_embeddings"]

    try:
        return _export(Traced())
    except Exception as error:  # the exporter's errors have no common base but this one
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EncoderError(f"{name} cannot be exported: {reason}", "Use it with QA_ENGINE=torch.") from error


def _export(module: Module) -> ModelProto:
    import onnx
    import torch

    file = io.BytesIO()
    example = torch.from_numpy(np.arange(4, 4 + TRACED_TOKENS)[None])
    # The exporter warns of its own age, and of every Python condition that a trace fixes; the result is compared with
    # the model before it is used.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            file,  # type: ignore[arg-type]  # its annotation leaves out the files that it takes
            input_names=["ids"],
            output_names=["vector", "tokens"],
            dynamic_axes={"ids": {1: "n"}, "tokens": {1: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx.load_from_string(file.getvalue())
