"""How fast is the analysis, against the straightforward way with the same library, in one run on one core?

    python bench/analyse.py [--posts 400] [--articles 100]

The straightforward way is one call a text of a spaCy pipeline: `blank("id")`, its ensemble text classifier for each axis
(labels as ours; untrained, which costs the same) and an EntityRuler with the names our analyser knows. It does less: no
rules of competence, no evidence, no masking. Prints texts a second of both and their ratio; then what loading costs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import spacy  # noqa: E402

from nlp import Text, load  # noqa: E402
from nlp.agencies import _names  # noqa: E402
from nlp.jurisdiction import load_jurisdiction  # noqa: E402
from nlp.places import _entries  # noqa: E402

LOADING = """
import nlp, resource
nlp.load()
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=400)
    parser.add_argument("--articles", type=int, default=100)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    analyser = load()
    labels = analyser.classifier.meta["labels"]
    naive = {way: straightforward(labels, any_case=way == "any case") for way in ("as written", "any case")}
    for name, texts in (("posts", chosen("post", args.posts)), ("articles", chosen("news", args.articles))):
        ours = rate(lambda texts: list(analyser.pipe(Text(str(n), text) for n, text in enumerate(texts))), texts)
        print(f"{name:9} of {sum(map(len, texts)) / len(texts):.0f} characters: ours {ours:.0f}/s")
        for way, nlp in naive.items():
            theirs = rate(lambda texts, nlp=nlp: [nlp(text) for text in texts], texts)
            print(f"          straightforward, names {way:10} {theirs:6.0f}/s, ours is {ours / theirs:.1f}x")
    cpu, memory = subprocess.run(
        [sys.executable, "-c", LOADING], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    print(f"loading   {float(cpu):.2f} s of CPU, {float(memory):.0f} MiB resident")
    print(f"this run  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB with both pipelines")


def straightforward(labels: dict[str, list[str]], *, any_case: bool) -> spacy.language.Language:
    """A pipeline as the manual of the library shows it; names in any case need patterns of tokens, which are slower."""
    nlp = spacy.blank("id")
    for axis, codes in labels.items():
        classifier = nlp.add_pipe("textcat", name=axis, config={"model": ENSEMBLE})
        for code in codes:
            classifier.add_label(code)
    nlp.initialize()
    tables = load_jurisdiction()
    names = {name for name, _ in (*_names(tables), *_entries(tables))}
    ruler = nlp.add_pipe("entity_ruler")
    patterns = [[{"LOWER": word} for word in name.split()] if any_case else name for name in sorted(names)]
    ruler.add_patterns([{"label": "NAME", "pattern": pattern} for pattern in patterns])
    return nlp


ENSEMBLE = {
    "@architectures": "spacy.TextCatEnsemble.v2",
    "linear_model": {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": True,
        "ngram_size": 1,
        "no_output_layer": False,
        "length": 262144,
    },
    "tok2vec": {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 64,
            "rows": [2000, 2000, 500, 1000, 500],
            "attrs": ["NORM", "LOWER", "PREFIX", "SUFFIX", "SHAPE"],
            "include_static_vectors": False,
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 64,
            "window_size": 1,
            "maxout_pieces": 3,
            "depth": 2,
        },
    },
}  # the defaults of `textcat`


def chosen(kind: str, number: int) -> list[str]:
    rows = (json.loads(line) for path in sorted((ROOT / "nlp/corpus").glob("*.jsonl")) for line in path.open())
    wanted = {"news"} if kind == "news" else {"post", "comment", "review", "report", "tweet"}
    texts = [row["text"] for row in rows if row["kind"] in wanted]
    return texts[:: max(1, len(texts) // number)][:number]


def rate(work: Callable[[Sequence[str]], Iterable[object]], texts: Sequence[str]) -> float:
    """Texts a second, the best of three rounds after a warm-up."""
    work(texts[: len(texts) // 4])
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        work(texts)
        best = max(best, len(texts) / (time.perf_counter() - start))
    return best


if __name__ == "__main__":
    main()
