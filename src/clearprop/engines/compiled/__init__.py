"""The compiled engine: whole epochs in one kernel of machine code.

The kernel shares some of its formulas with `nn` and `optim`; others are its own:

*Compiled from the very functions* (`stages`, `loss_functions`, `updates`), with `lane_math` in the place of NumPy: `f` and
`df` of Sigmoid, Tanh and ReLU, and of MeanSquaredError, BinaryCrossEntropy and BinaryCrossEntropyWithLogits; `update` of SGD,
AdaGrad, RMSProp and Adam. Their formulas stand in one place only.

*Called as they are*: the learning rate and the constants of the optimizer's step (`rate`, `constants`, every schedule), and the
checks of shapes.

*Its own, and held to the layers, losses and optimizers only by tests*: the three products of Linear, its bias and the order of
the passes (`Linear`, `Net`); Softmax; CrossEntropy and NegativeLogLikelihood, value and derivative; mean or sum, the bounds of
probabilities, and the number of correct predictions of every loss; clipping, the gradient of the L2 term, and the whole step
of SGD without momentum, decay and clipping; exp, log and tanh themselves.

So nothing that a person changes there would change what the kernel does. `verified` therefore lets it run only while all these
functions are the ones that it was tested against, those that are compiled included; otherwise `fit` trains on the engine
`batch`, which calls the classes as they stand, and says so in one line.
"""
