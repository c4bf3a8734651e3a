"""Probabilities from scores: logistic regression on one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

_STEPS = 100
_LONGEST_STEP = 1.0
"""Newton's own may leap past the optimum where the kinds share few scores."""
_PULL = 3e-4
"""The weight of the penalty on the slope, or scores that two kinds do not share would make it infinite."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """p = 1 / (1 + exp(-slope * (score - middle)))."""

    slope: float
    middle: float
    """The score of probability one half."""

    def probability(self, score: float) -> float:
        """From 0 to 1."""
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, self.slope * (score - self.middle)))))

    @classmethod
    def fit(cls, positive: Sequence[float], negative: Sequence[float]) -> Self:
        """By Newton's method on the penalised likelihood; both kinds count alike, however many there are of each."""
        scores = np.concatenate([positive, negative]).astype(np.float64)
        labels = np.repeat([1.0, 0.0], [len(positive), len(negative)])
        weights = np.where(labels == 1.0, 1 / len(positive), 1 / len(negative))
        mean, spread = float(scores.mean()), float(scores.std()) or 1.0
        design = np.column_stack([(scores - mean) / spread, np.ones_like(scores)])
        penalty = np.diag([_PULL, 1e-9])
        beta = np.zeros(2)
        for _ in range(_STEPS):
            chances = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
            gradient = design.T @ (weights * (labels - chances)) - penalty @ beta
            curvature = (design * (weights * chances * (1 - chances))[:, None]).T @ design + penalty
            step = np.linalg.solve(curvature, gradient)
            step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
            beta += step
            if float(np.abs(step).max()) < 1e-9:
                break
        if beta[0] <= 0:  # scores that tell nothing, or the wrong way round
            return cls(0.0, mean)
        return cls(float(beta[0]) / spread, mean - spread * float(beta[1] / beta[0]))
