"""The baseline of the DRAW experiment in PyTorch: see `serve`.

Run by the Python that is given with --torch-python. The model is that of
bricks/draw.py [DRAW, section 2], of the same sizes; what PyTorch has beyond it is a
second bias vector in each LSTM (4 * units numbers).
"""

import argparse
import itertools

import torch
from torch import nn
from torch_lstm import serve_updates

SIDE = 28  # pixels of an image, along each axis


class Window(nn.Module):
    """A grid of size x size Gaussian filters on each image [DRAW, eq. 19-26]."""

    def __init__(self, units, size):
        super().__init__()
        self.readout = nn.Linear(units, 5)
        self.size = size
        self.register_buffer("offsets", torch.arange(size) - (size - 1) / 2)
        self.register_buffer("pixels", torch.arange(SIDE, dtype=torch.float32))

    def forward(self, states):
        """The filters F_y and F_x, (batch, size, SIDE) each, and gamma, (batch, 1)."""
        y, x, log_delta, log_variance, log_gamma = self.readout(states).unbind(1)
        delta = (SIDE - 1) / (self.size - 1) * log_delta.exp()
        scale = 0.5**0.5 / (0.5 * log_variance).exp()
        filters = []
        for centre in (y, x):
            means = (centre[:, None] + 1) * SIDE / 2 + delta[:, None] * self.offsets
            distances = scale[:, None, None] * (self.pixels - means[:, :, None])
            bank = torch.exp(-(distances**2))
            filters.append(bank / (bank.sum(2, keepdim=True) + 1e-4))
        return (*filters, log_gamma.exp()[:, None])


class Draw(nn.Module):
    def __init__(self, units, latent_dim, read_size, write_size):
        super().__init__()
        self.units = units
        self.reader = Window(units, read_size)
        self.encoder = nn.LSTMCell(2 * read_size**2 + units, units)
        self.mean = nn.Linear(units, latent_dim)
        self.log_sigma = nn.Linear(units, latent_dim)
        self.decoder = nn.LSTMCell(latent_dim, units)
        self.writer = Window(units, write_size)
        self.patch = nn.Linear(units, write_size**2)

    def forward(self, x, u):
        """The bound in nats [DRAW, eq. 12]; x is (batch, SIDE, SIDE), u the noise."""
        batch = len(x)
        canvas = torch.zeros_like(x)
        encoder = decoder = 2 * (x.new_zeros(batch, self.units),)
        divergence = 0
        for noise in u:
            filter_y, filter_x, gamma = self.reader(decoder[0])
            images = torch.stack([x, x - torch.sigmoid(canvas)], 1)
            windows = filter_y[:, None] @ images @ filter_x[:, None].mT
            read = gamma * windows.flatten(1)
            encoder = self.encoder(torch.cat([read, decoder[0]], 1), encoder)
            mean, log_sigma = self.mean(encoder[0]), self.log_sigma(encoder[0])
            z = mean + log_sigma.exp() * noise
            terms = mean**2 + torch.exp(2 * log_sigma) - 2 * log_sigma - 1
            divergence = divergence + 0.5 * terms.sum(1)
            decoder = self.decoder(z, decoder)
            filter_y, filter_x, gamma = self.writer(decoder[0])
            patch = (self.patch(decoder[0]) / gamma).unflatten(
                1, (self.writer.size, -1)
            )
            canvas = canvas + filter_y.mT @ patch @ filter_x
        loss = nn.functional.binary_cross_entropy_with_logits
        reconstruction = loss(canvas, x, reduction="none").sum((1, 2))
        return (reconstruction + divergence).mean()


def main():
    parser = argparse.ArgumentParser()
    for name, value in [("units", 256), ("glimpses", 64), ("latent-dim", 100)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    for name, value in [("read-size", 2), ("write-size", 5), ("batch-size", 128)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    sizes = options.units, options.latent_dim, options.read_size, options.write_size

    def batches():
        x = torch.rand(4, options.batch_size, SIDE, SIDE).round()
        shape = 4, options.glimpses, options.batch_size, options.latent_dim
        return itertools.cycle(zip(x, torch.randn(shape)))

    serve_updates(Draw(*sizes), batches, learning_rate=1e-3, clipping=10.0)


if __name__ == "__main__":
    main()
