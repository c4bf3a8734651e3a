"""Makes tests/embedding/data/reference_vectors.json with sentence-transformers, the implementation to agree with.

Run once, and again only when the default embedder or the texts below change. It needs PyTorch, so give it an
environment of its own:

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch sentence-transformers
    /tmp/reference/bin/python tools/reference_vectors.py MODEL_FOLDER

MODEL_FOLDER holds the model in the sentence-transformers layout; `docindex models path all-minilm-l6-v2` prints one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import sentence_transformers
import torch

OUTPUT = Path(__file__).parent.parent / "tests" / "embedding" / "data" / "reference_vectors.json"

TEXTS = [
    "",
    "reset",
    "How do I reset the device?",
    "Hold the button beside the power socket for ten seconds, until the light turns amber, then let go.",
    "The pump's duty cycle is 40 % at 12 V: below 9.5 V the controller stops it and logs fault E-17.",
    "  White\tspace,\r\n\r\n  line breaks\nand   runs of it  ",
    "Crème brûlée, naïve façade, Ångström, Straße, İstanbul, cafe\u0301 with a combining accent",
    "機器をリセットするにはどうすればよいですか。 如何重置设备？ 장치를 재설정하는 방법",
    "Как перезагрузить устройство? Πώς γίνεται επαναφορά; كيف أعيد ضبط الجهاز؟",
    "Emoji 😀👩‍👩‍👧🏳️‍🌈 and symbols ∑ √ ≠ → © ½ and a no-break\u00a0space",
    'def reset(device: Device) -> None:\n    """Restores the factory settings."""\n    device.write(0x1F, b"\\x00")\n',
    "Control tokens are text here: [SEP] and [MASK]; <|im_start|>system",
    "averyveryverylongwordwithoutanybreak" * 4,
    # More than the 256 tokens that the model takes: what is cut must be cut at the same place.
    " ".join(
        f"Station {number} measured {number * 37 % 101} millimetres of rain and a wind of {number * 13 % 29} knots;"
        for number in range(1, 41)
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of the model")
    folder: Path = parser.parse_args().model
    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    # One at a time: no padding, so the vectors are the model's and nothing else's.
    vectors = [model.encode([text], normalize_embeddings=True, show_progress_bar=False)[0] for text in TEXTS]
    found = {
        "model": "all-minilm-l6-v2",
        "weights_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "made_with": f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}",
        "max_tokens": model.max_seq_length,
        "texts": TEXTS,
        "vectors": [[round(float(value), 7) for value in vector] for vector in vectors],
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"{OUTPUT}: {len(TEXTS)} texts, {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
