"""A semantic router: one embedding of what is said decides, in milliseconds, what is to be done about it.

The routes' utterances are fitted by kernel ridge regression, which is a closed form: one column of targets a route, 1
for its own utterances and 0 for all others. The kernel adds up three likenesses: of the vectors, which know the
meaning; of the character 3- to 5-grams, which know the form of a question ("how do I" or "how many") better than a mean
of token vectors does; and of how familiar the words are to the documents, which tells a question about a part that no
utterance names from one that is off the topic. All routes count alike, and so do the patterns of a route, however many
texts they stand for.

On utterances that were kept for tuning, the nearest utterance, the mean of the nearest few, ridge regression on the
vectors alone and logistic regression all came out worse; see docs/routing.md.

Source: Saunders, Gammerman and Vovk 1998, "Ridge regression learning algorithm in dual variables", equation 6; the
left-out residuals as in Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", equation 5.12.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from docindex.errors import QueryError
from docindex.protocols import Embedder, Vectors
from docindex.retrieval.router_grams import GramWeights
from docindex.retrieval.router_vectors import cached_vectors, vectors_file
from docindex.retrieval.router_words import Familiarity
from docindex.retrieval.routes import Action, RouteSet, action_dict
from docindex.retrieval.routes_file import read_routes

_SHARPNESS = 1.0
"""Of the kernel exp(-s |a - b|²) of two vectors."""
_FORM = 0.4
"""What the likeness of form counts beside that of meaning."""
_TOPIC = 0.05
"""What the familiarity of the words counts."""
_RIDGE = 0.2
_TEMPERATURES = np.geomspace(0.03, 1.0, 40)
_FAR, _UNSURE = 0.01, 0.1
"""What goes to the fall-back route is as far from every utterance as this share of the file's own are from all others,
and scores as low at best as this share of them do when they are left out."""
_NOWHERE = 0.5
"""Below this part of that cosine, no score counts."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where an utterance goes."""

    route: str
    score: float
    """The probability of the route among all, from 0 to 1, calibrated on utterances that were left out."""
    margin: float
    """By how much it leads the next one's probability; of the fall-back route 0."""
    runner_up: str
    action: Action
    fell_back: bool = False
    """Nothing in the file is like the utterance, so that the fall-back route has it; the score is its own."""

    def as_dict(self) -> dict[str, Any]:
        """The decision as `--json` prints it."""
        return {
            "route": self.route,
            "score": round(self.score, 4),
            "margin": round(self.margin, 4),
            "runner_up": self.runner_up,
            "fell_back": self.fell_back,
            "action": action_dict(self.action),
        }


class Router:
    """Knows its routes by heart; `route` costs one embedding and a few tenths of a millisecond."""

    def __init__(self, routes: RouteSet, embedder: Embedder, vectors: Vectors, words: Collection[str] = ()) -> None:
        """Fits the routes, in a few tenths of a second.

        Args:
            routes: What to choose from.
            embedder: Of the utterances that will come.
            vectors: Of `routes.examples()`, in their order, as queries.
            words: Of the documents, from `router_words`; without them, what they are about is known from the
                utterances alone.
        """
        self.routes = routes
        self._embedder = embedder
        self._vectors = np.asarray(vectors, dtype=np.float32)
        examples = list(routes.examples())
        targets = np.eye(len(routes.routes))[[example.route for example in examples]]
        groups = np.array([example.group for example in examples])
        weights = _balanced(np.array([example.weight for example in examples]), targets)
        texts = [example.text for example in examples]
        grams = GramWeights.of(texts)
        forms = grams.matrix(texts)
        self._familiarity = Familiarity.of(words, texts)
        topics = self._familiarity.matrix(texts)
        cosines = (self._vectors @ self._vectors.T).astype(np.float64)
        kernel = _likeness(cosines) + _FORM * (forms @ forms.T) + _TOPIC * (topics @ topics.T)
        fit = _Ridge.fit(kernel, targets, weights, groups)
        self._start = fit.mean
        self._dual = fit.dual
        self._grams = grams.weighted(_FORM * (forms.T @ fit.dual.astype(np.float32)))
        self._topic = _TOPIC * (topics.T @ fit.dual)
        owners = np.array([example.route for example in examples])
        correct = fit.left_out.argmax(axis=1) == owners
        self.left_out_accuracy = float(np.average(correct, weights=weights))
        """How many of the file's utterances go where they belong when the router has not seen them or their pattern."""
        self._temperature = _temperature(fit.left_out, owners, weights)
        apart = np.where(groups[:, None] == groups[None, :], -1.0, cosines).max(axis=1)
        self._far = float(np.quantile(apart, _FAR))
        self._unsure = float(np.quantile(fit.left_out.max(axis=1), _UNSURE))

    @classmethod
    def open(cls, path: Path, embedder: Embedder, words: Collection[str] = ()) -> Self:
        """A router for a YAML file of routes, whose vectors are kept beside it.

        Raises:
            ConfigError: The file holds what is no route; with the line and what to do about it.
        """
        routes = read_routes(path)
        texts = [example.text for example in routes.examples()]
        return cls(routes, embedder, cached_vectors(texts, embedder, vectors_file(path)), words)

    @classmethod
    def fit(cls, routes: RouteSet, embedder: Embedder, words: Collection[str] = ()) -> Self:
        """A router for the routes; embeds all of their utterances, some hundred a second."""
        vectors = embedder.embed([example.text for example in routes.examples()], kind="query")
        return cls(routes, embedder, vectors, words)

    def route(self, text: str) -> RouteDecision:
        """Where the utterance goes.

        Raises:
            QueryError: It is empty.
        """
        if not text.strip():
            raise QueryError("There is nothing to route: say something.")
        cosines = self._vectors @ self._embedder.embed([text], kind="query")[0]
        meaning = _likeness(cosines.astype(np.float64)) @ self._dual
        topic = self._familiarity.matrix([text])[0] @ self._topic
        scores = self._start + meaning + self._grams.score(text) + topic
        chances = _softmax(scores[None, :] / self._temperature)[0]
        best, second = (int(place) for place in np.argsort(-chances, kind="stable")[:2])
        names = [route.name for route in self.routes.routes]
        nearest, top = float(cosines.max()), float(scores.max())
        if nearest < self._far and (top < self._unsure or nearest < _NOWHERE * self._far):
            fallback = names.index(self.routes.fallback)
            next_best = best if best != fallback else second
            return self._decision(fallback, next_best, chances, 0.0, fell_back=True)
        return self._decision(best, second, chances, float(chances[best] - chances[second]), fell_back=False)

    def _decision(
        self, place: int, runner_up: int, chances: _Matrix, margin: float, *, fell_back: bool
    ) -> RouteDecision:
        chosen = self.routes.routes[place]
        other = self.routes.routes[runner_up].name
        return RouteDecision(chosen.name, float(chances[place]), margin, other, chosen.action, fell_back)


@dataclass(frozen=True, slots=True)
class _Ridge:
    mean: _Matrix
    dual: _Matrix
    left_out: _Matrix
    """What each example scores when all of its group are left out."""

    @classmethod
    def fit(cls, kernel: _Matrix, targets: _Matrix, weights: _Matrix, groups: NDArray[np.int64]) -> Self:
        mean = np.average(targets, axis=0, weights=weights)
        inverse = np.linalg.inv(kernel + np.diag(_RIDGE / weights))
        dual = inverse @ (targets - mean)
        left_out = np.empty_like(dual)
        edges = np.flatnonzero(np.diff(groups)) + 1  # groups are runs
        for rows in np.split(np.arange(len(groups)), edges):
            left_out[rows] = targets[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], dual[rows])
        return cls(mean, dual, left_out)


def _likeness(cosines: _Matrix) -> _Matrix:
    return np.asarray(np.exp(2 * _SHARPNESS * (cosines - 1)))


def _balanced(weights: _Matrix, targets: _Matrix) -> _Matrix:
    """The weights, so that all routes count alike."""
    of_route: _Matrix = weights @ targets
    factors: _Matrix = of_route.mean() / of_route
    return np.asarray(weights * factors[targets.argmax(axis=1)])


def _temperature(scores: _Matrix, owners: NDArray[np.int64], weights: _Matrix) -> float:
    """What makes probabilities of scores that fit how often those of left-out examples are right."""

    def surprise(temperature: float) -> float:
        chances = _softmax(scores / temperature)[np.arange(len(owners)), owners]
        return float(-np.average(np.log(np.maximum(chances, 1e-12)), weights=weights))

    return min((float(temperature) for temperature in _TEMPERATURES), key=surprise)


def _softmax(scores: _Matrix) -> _Matrix:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
