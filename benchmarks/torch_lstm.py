"""The baseline of the Penn Treebank experiment in PyTorch: see `serve`.

Run by the Python that is given with --torch-python, which has PyTorch and nothing of
the archive. The model is that of the experiment: 50 fixed vectors, one
LSTM, a softmax of 50, cross-entropy, the norm of the gradient clipped at 1, Adam. What
PyTorch has beyond it is a second bias vector of the LSTM (4 * units numbers).
"""

import argparse
import itertools

import torch
from serve import serve
from torch import nn

VOCABULARY = 50


class CharacterModel(nn.Module):
    def __init__(self, units):
        super().__init__()
        vectors = nn.init.orthogonal_(torch.empty(VOCABULARY, VOCABULARY))
        self.encoding = nn.Embedding.from_pretrained(vectors * VOCABULARY**0.5)
        self.lstm = nn.LSTM(VOCABULARY, units)
        self.readout = nn.Linear(units, VOCABULARY)
        self.h_0 = nn.Parameter(torch.zeros(units))
        self.c_0 = nn.Parameter(torch.zeros(units))

    def forward(self, symbols):
        """Mean cost of the predictions, in nats; symbols are (time, batch)."""
        batch = symbols.shape[1]
        initial = [v.expand(1, batch, -1).contiguous() for v in (self.h_0, self.c_0)]
        states, _ = self.lstm(self.encoding(symbols[:-1]), tuple(initial))
        logits = self.readout(states).flatten(0, 1)
        return nn.functional.cross_entropy(logits, symbols[1:].flatten())


def serve_updates(model, make_batches, learning_rate, clipping):
    """Serve updates of a model: gradient, clipped, and Adam.

    `make_batches`, given a request's sizes, returns an iterator over what the model
    takes; the model returns its cost.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.Adam(trained, lr=learning_rate)

    def prepare(**sizes):
        batches = make_batches(**sizes)

        def update():
            adam.zero_grad()
            cost = model(*next(batches))
            cost.backward()
            nn.utils.clip_grad_norm_(trained, clipping)
            adam.step()
            return cost.item()

        return update

    serve(prepare, torch=torch.__version__, threads=torch.get_num_threads())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)

    def batches(length=options.length, batch_size=options.batch_size):
        symbols = torch.randint(0, VOCABULARY, (4, length, batch_size))
        return itertools.cycle((batch,) for batch in symbols)

    serve_updates(CharacterModel(options.units), batches, 2e-3, clipping=1.0)


if __name__ == "__main__":
    main()
