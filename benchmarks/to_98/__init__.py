"""Whole programs: read MNIST's files, train 784-300-10 (ReLU) with Adam, and evaluate the test images after every epoch.

Each as its library's users write it, initialisation and shuffling included; the same batch size and learning rate.
"""

PROGRAMS = {
    "clearprop": "clearprop_fit",
    "torch.nn": "torch_nn",
    "torch by hand": "torch_by_hand",
    "torch.compile": "torch_compile",
    "JAX": "jax_scan",
    "scikit-learn": "scikit_learn",
    "NumPy": "numpy_by_hand",
}
"""The libraries, and the module of each: `accuracies(folder, seed, goal, cap)` yields the test accuracy after each epoch."""

SIZES, BATCH, LR = (784, 300, 10), 128, 1e-3
