"""What the doctor costs at its cheap level, beside training on MNIST.

    python -m benchmarks.doctor_cost [--epochs 5] [--engine batch]

The callback's own seconds are counted inside of it, so that the noise of two trainings does not matter.
"""

from __future__ import annotations

import argparse
import time

import clearprop as cp
from clearprop.doctor.callback import Doctor
from clearprop.training import Run


class Timed(Doctor):
    """A doctor with a stop-watch."""

    seconds = 0.0

    def on_fit_start(self, run: Run) -> None:
        began = time.perf_counter()
        super().on_fit_start(run)
        self.seconds = time.perf_counter() - began
        print(f"start {self.seconds:.2f} s")

    def on_epoch_end(self, run: Run) -> None:
        began = time.perf_counter()
        super().on_epoch_end(run)
        self.seconds += time.perf_counter() - began

    def on_fit_end(self, run: Run) -> None:
        began = time.perf_counter()
        super().on_fit_end(run)
        self.seconds += time.perf_counter() - began
        print(f"end {time.perf_counter() - began:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--engine", default=None)
    args = parser.parse_args()
    data, doctor = cp.data.load("mnist"), Timed()
    net = cp.mlp([784, 300, 10], seed=0)
    began = time.perf_counter()
    cp.fit(
        net, data, optimizer=cp.SGD(0.1), batch_size=64, epochs=args.epochs, engine=args.engine, callbacks=[doctor]
    )  # fmt: skip
    whole = time.perf_counter() - began
    share = doctor.seconds / (whole - doctor.seconds)
    print(f"training {whole - doctor.seconds:.1f} s, doctor {doctor.seconds:.2f} s: {share:.1%}; verdict: {doctor.diagnosis}")


if __name__ == "__main__":
    main()
