"""Which way a metric is probably better, by its name: for a proposal, never for a judgement."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["higher", "lower"]

_LOWER = frozenset(
    "brier cer cost err error errors fid latency loss mae mape mse nll perplexity ppl rmse rmsle"
    " seconds ter time wer".split()
)
_HIGHER = frozenset(
    "acc accuracy ap auc auroc bleu dice f1 iou kappa map mcc meteor mrr ndcg pearson precision"
    " psnr r2 recall rouge score spearman specificity ssim".split()
)
_WORD = re.compile(r"[a-z0-9]+")


def guess_direction(metric: str) -> Direction | None:
    """Guess it from the words of the name; None where they say nothing.

    The last word that says something counts: the `error` of `accuracy_error` is better if lower.
    """
    for word in reversed(_WORD.findall(metric.lower())):
        if word in _LOWER:
            return "lower"
        if word in _HIGHER:
            return "higher"
    return None
