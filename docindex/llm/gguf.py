"""A GGUF file in memory: its vocabulary, its metadata, its weights."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import llama_cpp

from docindex.errors import ModelError
from docindex.llm import logs
from docindex.llm.experts import experts_in_memory
from docindex.llm.template import Marker
from docindex.llm.thoughts import CLOSINGS, FRAMES, OPENINGS, opening_of

_ALL_LAYERS = 0x7FFFFFFF
_MAGIC = b"GGUF"
_FLOATS = frozenset(
    str(int(kind))
    for kind in (llama_cpp.LLAMA_FTYPE_ALL_F32, llama_cpp.LLAMA_FTYPE_MOSTLY_F16, llama_cpp.LLAMA_FTYPE_MOSTLY_BF16)
)


class GgufModel:
    """A model file, loaded. `vocabulary_only` reads no weights: enough to count tokens, in a tenth of a second."""

    def __init__(
        self, path: Path, *, gpu_layers: int = -1, vocabulary_only: bool = False, experts_on_cpu: bool = False
    ) -> None:
        """Loads the file.

        Args:
            path: Where it is.
            gpu_layers: How many layers to offload; -1 is all that the build and the device can take.
            vocabulary_only: Read no weights.
            experts_on_cpu: Of layers that are offloaded, keep the experts in the machine's memory.

        Raises:
            ModelError: It is missing, not a GGUF file, damaged, or of a kind that this llama.cpp doesn't know; or
                there is no memory for it.
        """
        _check_header(path)
        logs.route()
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = _ALL_LAYERS if gpu_layers == -1 else gpu_layers
        params.vocab_only = vocabulary_only
        self._overrides = experts_in_memory() if experts_on_cpu else None  # llama.cpp keeps the address
        if self._overrides is not None:
            params.tensor_buft_overrides = ctypes.addressof(self._overrides)
        with logs.captured() as log:
            handle = llama_cpp.llama_model_load_from_file(str(path).encode("utf-8", "surrogateescape"), params)
        if handle is None:
            reason = _reason(log)
            cure = (
                "free some memory, choose a smaller model, or give fewer `gpu_layers`"
                if "alloc" in reason
                else "the file is damaged or of an unknown kind, so fetch it again"
            )
            raise ModelError(f"{path} can't be loaded ({reason}): {cure}.")
        vocabulary = llama_cpp.llama_model_get_vocab(handle)
        if vocabulary is None:
            raise ModelError(f"{path} has no vocabulary: choose a model that generates text.")
        self.path = path
        self.log: Sequence[str] = tuple(log)
        self.handle = handle
        self.pins: list[object] = []
        """Contexts that could not be freed: while there is one, the weights stay."""
        self._vocabulary = vocabulary
        self._using = threading.Lock()
        """Keeps `close` from freeing what another thread reads."""
        self._finalizer = weakref.finalize(self, _free, handle, self.pins)

    def close(self) -> None:
        """Frees the weights. Contexts must be closed before."""
        with self._using:
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what the file says ------------------------------------------------------------------------------------------

    @property
    def chat_template(self) -> str | None:
        """The Jinja template that came with the model."""
        template = llama_cpp.llama_model_chat_template(self.handle, None)
        return template.decode("utf-8", "replace") if template else None

    def metadata(self, key: str) -> str | None:
        """One metadata value as text; None where the file has no such key."""
        size = llama_cpp.llama_model_meta_val_str(self.handle, key.encode(), None, 0)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        llama_cpp.llama_model_meta_val_str(self.handle, key.encode(), buffer, size + 1)
        return buffer.value.decode("utf-8", "replace")

    @property
    def generates_text(self) -> bool:
        """False for embedding models and encoders."""
        architecture = self.metadata("general.architecture") or ""
        causal = self.metadata(f"{architecture}.attention.causal") != "false"
        return causal and bool(llama_cpp.llama_model_has_decoder(self.handle))

    @property
    def recurrent(self) -> bool:
        """It holds a running state, if only in some layers: what it has read can't be taken back in part."""
        return bool(llama_cpp.llama_model_is_recurrent(self.handle) or llama_cpp.llama_model_is_hybrid(self.handle))

    def stretched(self, context_tokens: int) -> bool:
        """Whether so long a context makes the model count positions in another way: then no keys can be shared."""
        architecture = self.metadata("general.architecture") or ""
        original = self.metadata(f"{architecture}.rope.scaling.original_context_length")
        return original is not None and context_tokens > int(original)

    @property
    def training_context(self) -> int:
        """The longest context that the model was trained for, in tokens."""
        return int(llama_cpp.llama_model_n_ctx_train(self.handle))

    @property
    def layers(self) -> int:
        """How many layers there are, the output layer included."""
        return int(llama_cpp.llama_model_n_layer(self.handle)) + 1

    @property
    def weights_bytes(self) -> int:
        """The size of all tensors."""
        return int(llama_cpp.llama_model_size(self.handle))

    @property
    def quantised(self) -> bool:
        """False where the file says that its weights are floating-point numbers."""
        return self.metadata("general.file_type") not in _FLOATS

    @property
    def description(self) -> str:
        """Architecture, size and quantisation, such as "llama 256M Q4_1"."""
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    # --- vocabulary --------------------------------------------------------------------------------------------------

    @property
    def begin_token(self) -> int | None:
        """The token that a prompt begins with, where the model wants one."""
        if not llama_cpp.llama_vocab_get_add_bos(self._vocabulary):
            return None
        token = int(llama_cpp.llama_vocab_bos(self._vocabulary))
        return token if token >= 0 else None

    def special_text(self, kind: Literal["bos", "eos"]) -> str:
        """The text of the token that begins or ends a text; empty where there is none."""
        of_kind = llama_cpp.llama_vocab_bos if kind == "bos" else llama_cpp.llama_vocab_eos
        token = int(of_kind(self._vocabulary))
        return self._text(token) if token >= 0 else ""

    def markers(self) -> tuple[Marker, ...]:
        """Every token that stands for more than its text: control tokens and those that the makers added."""
        special = (
            llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
            | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
            | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        )
        found = []
        for token in range(llama_cpp.llama_vocab_n_tokens(self._vocabulary)):
            attributes = llama_cpp.llama_vocab_get_attr(self._vocabulary, token)
            if attributes & special and (text := self._text(token)):
                found.append(
                    Marker(
                        token,
                        text,
                        control=not attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED,
                        eats_before=bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_LSTRIP),
                        eats_after=bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_RSTRIP),
                    )
                )
        return tuple(found)

    def tokenize(self, text: str) -> list[int]:
        """The tokens of plain text: nothing in it is read as a control token, nothing is put before or after it."""
        data = text.encode("utf-8", "replace")
        with self._using:
            if not self._finalizer.alive:
                raise ModelError(f"{self.path.name} is closed: open the index again to ask more.")
            size = len(data) + 8
            tokens = (llama_cpp.llama_token * size)()
            count = llama_cpp.llama_tokenize(self._vocabulary, data, len(data), tokens, size, False, False)
            if count < 0:
                size = -count
                tokens = (llama_cpp.llama_token * size)()
                count = llama_cpp.llama_tokenize(self._vocabulary, data, len(data), tokens, size, False, False)
        return list(tokens[:count])

    def ends(self, token: int) -> bool:
        """Whether the model means to end its turn with the token."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary, token))

    def piece(self, token: int) -> bytes:
        """The bytes of a token, which may be part of a character; none for control tokens that mark no thought."""
        if token in self._thought_marks:
            return self._thought_marks[token]
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    @cached_property
    def _thought_marks(self) -> Mapping[int, bytes]:
        """The control tokens that tags of thoughts are made of, where the template of the model has such."""
        if opening_of(self.chat_template) is None:
            return {}
        tags = "".join((*OPENINGS, *CLOSINGS, *FRAMES))
        return {mark.token: mark.text.encode() for mark in self.markers() if mark.control and mark.text in tags}

    @property
    def vocabulary_size(self) -> int:
        """How many tokens the model knows."""
        return int(llama_cpp.llama_vocab_n_tokens(self._vocabulary))

    @property
    def vocabulary(self) -> object:
        """llama.cpp's handle, for its samplers."""
        return self._vocabulary

    def _text(self, token: int) -> str:
        text = llama_cpp.llama_vocab_get_text(self._vocabulary, token)
        return text.decode("utf-8", "replace") if text else ""


def _free(handle: int, pins: list[object]) -> None:
    if not pins:
        llama_cpp.llama_model_free(handle)


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise ModelError(f"There is no model at {path}: `docindex models pull` fetches one.") from error
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror}): give the path of a GGUF file.") from error
    if magic != _MAGIC:
        raise ModelError(f"{path} is not a GGUF file: give a model in llama.cpp's format.")


def _reason(log: Sequence[str]) -> str:
    errors = [line.strip() for line in log if "error" in line.lower() or "invalid" in line.lower()]
    if not errors:
        return "no reason given"
    return errors[0].split(": ", 1)[-1].rstrip(".")
