"""Pure-Python scalars, no convention; so an adapter."""


def energy(w):
    return sum(x * x for x in w)


def slope(w):
    return [2 * x for x in w]


def clearprop_check():
    return energy, slope, [1.0, -2.0, 3.0]


def tripled():
    return energy, lambda w: [3 * x for x in w], [1.0, -2.0]
