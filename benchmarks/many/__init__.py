"""Many nets of one shape, from different first parameters: all in one call where a library can, else one after another."""

MANY_PEERS: dict[str, tuple[str, tuple[object, ...]]] = {
    "clearprop, two threads": ("clearprop_many", (2,)),
    "clearprop, one thread": ("clearprop_many", (1,)),
    "JAX, vmap": ("jax_vmap", (False,)),
    "JAX, vmap, one order": ("jax_vmap", (True,)),
    "plain C, one after another": ("one_by_one", ("plain_c",)),
    "scikit-learn, one after another": ("one_by_one", ("scikit_learn",)),
}
"""The ways, the module here that holds the loop of each, a class `Trainer`, and further arguments of that class."""
