"""One training loop for each library, written as its own documentation writes it."""

PEERS = {
    "clearprop kernel": "clearprop_kernel",
    "clearprop fit": "clearprop_fit",
    "torch.nn": "torch_nn",
    "torch by hand": "torch_by_hand",
    "torch.compile": "torch_compile",
    "JAX": "jax_scan",
    "scikit-learn": "scikit_learn",
    "NumPy": "numpy_by_hand",
    "plain C": "plain_c",
    "FANN": "fann",
}
"""The libraries, and the module here that holds the loop of each, a class `Trainer`."""

NATIVE = ("plain C", "FANN")
"""What a C programmer would use. The older goals, against the best library, are about the libraries for Python."""

SQUARED = ("FANN",)
"""Libraries without a softmax, which train on half the squared error instead."""
