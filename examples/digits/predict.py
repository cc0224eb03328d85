"""Answer with the model that is in production, and say which one that is.

python predict.py                    the first digits of the golden data set
python predict.py digits@1.1.0       the same, by another version
"""

from __future__ import annotations

import sys

import dataset
import mlver
from network import Network

SHOWN = 12


def main(reference: str = "digits@production") -> None:
    model = mlver.open(".").resolve(reference)
    network = Network.load(model.path)
    images, labels = dataset.read(dataset.GOLDEN)
    answers = network.probabilities(images[:SHOWN]).argmax(axis=1)
    print(f"{reference} is {model.name} {model.version} ({str(model.digest)[:19]}…)")
    print(f"  accuracy {model.metrics['accuracy']}, hidden layer of {model.params['hidden_width']}")
    print("  asked   ", *labels[:SHOWN])
    print("  answered", *answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
