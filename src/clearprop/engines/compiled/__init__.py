"""The compiled engine: whole epochs in machine code, without returning to Python.

The kernel is written in plain Python, in the files of this package, and translated to machine code, unit by unit, by a small
compiler of its own (`compiler`, on LLVM). From the outside to the inside:

==================== ===========================================================================================
compiled_engine      the engine, as `fit` sees it
verified             whether the classes of a net are those that the kernel was tested against
program, plan        a net as stages, and the layout of its memory; `memory` says what lies there
session              that memory with the data in it, and the calls of the kernel; `team`, its threads
library, units       the pieces of machine code: found, or compiled and kept; `shipping` puts them into a wheel
epochs               the driver: epoch after epoch, for one net or for many
whole_batch          steps of any net, stage by stage: `stages` (products, made of `tile`), `other_stages`
narrow, online       steps of narrow nets, a lane for each example; and of one example at a time
losses, moves        the loss, by rows or in blocks; the optimizer
activation_units     activations
lanes, lane_*        registers: what they are, how they are moved, and their mathematics
==================== ===========================================================================================

The kernel shares some of its formulas with `nn` and `optim`; others are its own:

*Compiled from the very functions* (`activation_units`, `losses`, `moves`), with `lane_math` in the place of NumPy: `f` and `df`
of every element-wise activation, a person's own included, and of MeanSquaredError, BinaryCrossEntropy and
BinaryCrossEntropyWithLogits; `update` of SGD, AdaGrad, RMSProp and Adam. Their formulas stand in one place only.

*Called as they are*: the learning rate and the constants of the optimizer's step (`rate`, `constants`, every schedule), NumPy's
generators, and the checks of shapes.

*Its own, and held to the layers, losses and optimizers only by tests*: the three products of Linear, its bias and the order of
the passes (`Linear`, `Net`); Dropout and BatchNorm; Softmax; CrossEntropy and NegativeLogLikelihood, value and derivative; mean
or sum, the bounds of probabilities, and the number of correct predictions of every loss; clipping, the gradient of the L2 term,
and the whole step of SGD without momentum, decay and clipping; exp, log and tanh themselves.

So nothing that a person changes there would change what the kernel does. `verified` therefore lets it run only while all these
functions are the ones that it was tested against, those that are compiled included; otherwise `fit` trains on the engine
`batch`, which calls the classes as they stand, and says so in one line.
"""
