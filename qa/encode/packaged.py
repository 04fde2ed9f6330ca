"""The packaged encoder: multilingual-e5-small from the wheel, as a sentence-transformers model directory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qa.encode import wheel
from qa.encode.adapter import apply_adapter
from qa.encode.encoder import Floats
from qa.encode.graph import Bert, build

if TYPE_CHECKING:
    from onnx import ModelProto

QUERY_PROMPT: Final = "query: "
PASSAGE_PROMPT: Final = "passage: "
MIDDLE_LAYER: Final = 8
"""Joins the last layer in the token vectors: it matches words where the last matches meaning (evals/README.md)."""
BOS, PAD, EOS, UNK = 0, 1, 2, 3

_PARTS: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def state(model: wheel.WheelModel, adapter: Path | None = None) -> dict[str, Floats]:
    """The weights as float32 arrays under the names that ``transformers.BertModel`` gives them.

    An adapter is merged where its file exists. Raises EncoderError where it does not fit.
    """
    weights = {_bert_name(name): _floats(tensor) for name, tensor in model.tensors.items()}
    return apply_adapter(weights, adapter) if adapter is not None and adapter.is_file() else weights


def graph(model: wheel.WheelModel, adapter: Path | None = None) -> ModelProto:
    """The encoder as an ONNX graph, float32 but for the embedding table, which keeps its 4 bits."""
    words = model.tensors["emb.word"]
    rest = {name: tensor for name, tensor in model.tensors.items() if name != "emb.word"}
    bert = Bert(
        weights=state(replace(model, tensors=rest), adapter),
        words=words,
        layers=model.architecture.layers,
        heads=model.architecture.heads,
        epsilon=model.architecture.epsilon,
        pooling="mean",
        middle=MIDDLE_LAYER,
    )
    return build(bert)


def write_model(model: wheel.WheelModel, weights: dict[str, Floats], directory: Path) -> None:
    """Write a complete sentence-transformers model (mean pooling, normalised, with prompts) into ``directory``."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, directory / "model.safetensors")
    (directory / "tokenizer.json").write_text(tokenizer_json(model.pieces), encoding="utf-8")
    for name, content in _configs(model.architecture).items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    (directory / "2_Normalize").mkdir(exist_ok=True)


def tokenizer_json(pieces: list[tuple[str, float]]) -> str:
    """XLM-RoBERTa's unigram tokenizer, serialised for the ``tokenizers`` library."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNK, byte_fallback=False))
    blanks = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), blanks])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always", split=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", BOS), ("</s>", EOS)]
    )
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in _special_tokens().values()])
    return str(tokenizer.to_str())


def _floats(tensor: wheel.Quantised | Floats) -> Floats:
    return tensor.floats() if isinstance(tensor, wheel.Quantised) else tensor


def _bert_name(name: str) -> str:
    """``l3.q.w`` -> ``encoder.layer.3.attention.self.query.weight``."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"


def _special_tokens() -> dict[str, str]:
    return {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "mask_token": "<mask>",
    }


def _configs(architecture: wheel.Architecture) -> dict[str, object]:
    return {
        "config.json": bert_config(architecture),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": architecture.positions,
            "clean_up_tokenization_spaces": False,
            **_special_tokens(),
        },
        "special_tokens_map.json": _special_tokens(),
        "sentence_bert_config.json": {"max_seq_length": architecture.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": QUERY_PROMPT, "document": PASSAGE_PROMPT, "passage": PASSAGE_PROMPT},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": architecture.hidden,
            "pooling_mode_mean_tokens": True,
            "include_prompt": True,
        },
    }


def bert_config(architecture: wheel.Architecture) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": architecture.hidden,
        "num_hidden_layers": architecture.layers,
        "num_attention_heads": architecture.heads,
        "intermediate_size": architecture.intermediate,
        "vocab_size": architecture.vocabulary,
        "max_position_embeddings": architecture.positions,
        "type_vocab_size": architecture.types,
        "layer_norm_eps": architecture.epsilon,
        "hidden_act": "gelu",
        "pad_token_id": PAD,
        "dtype": "float32",
    }
