"""Reasons: the mathematics behind each finding, in a paragraph for its page in the documentation."""

from __future__ import annotations

REASONS = {
    "broadcast-outputs": (
        "With predictions (B, n) and targets (B, 1), NumPy and PyTorch repeat the column n times. The loss is then the mean "
        "of n losses, L = (1/n) sum_j L_j, and unit j gets the gradient of its own L_j alone. In the output layer no weight "
        "is shared, so n separate classifiers of the same thing are trained, each n times more slowly where the loss is a "
        "mean. The accuracy looks right, because all of them are right about the same examples."
    ),
    "constant-initialisation": (
        "Let all columns of W be equal. Then z_j = x W_j + b_j is the same for every unit j, so is a_j, and, as long as the "
        "weights behind are equal too, so is dz_j; hence dW_j = x^T dz_j is the same for every j. Equal weights that get "
        "equal steps stay equal: by induction the layer is one unit, repeated. With all zeros it is worse: behind a ReLU the "
        "activation is 0, and nothing moves at all. Zero biases do no harm, because the weights already tell the units apart."
    ),
    "constant-predictor": (
        "Among all constants, cross-entropy is smallest for p = the class shares, where it equals their entropy (ln C for C "
        "equal classes: 0.693, 1.099, 2.303 for 2, 3, 10), and squared error for the mean, where it equals the variance. A "
        "loss that stays at this number belongs to a net that ignores its input: some layer maps all examples to one point, "
        "and nothing behind it can tell them apart. The doctor looks for the layer behind which the spread over the examples "
        "is gone."
    ),
    "dead-relus": (
        "a = max(z, 0) has da/dz = 0 for z < 0. If z = x W_j + b_j < 0 for every training example, dW_j = sum_b x_b da_bj "
        "[z_bj > 0] = 0 and db_j = 0: the unit has no gradient, and nothing in training can bring it back. One step that is "
        "too long is enough to put it there: b_j moves by lr sum_b dz_bj, which for a large lr is further than all z reach."
    ),
    "diverging": (
        "Near a minimum the loss is a parabola, L = h/2 (theta - theta*)^2 along each direction. A step multiplies the "
        "distance by 1 - lr h, whose size is below 1 only for lr < 2 / h, h being the largest curvature. Above that the "
        "distance grows with every step, until a number overflows, or until the weights are thrown to where all units are "
        "dead or saturated and no gradient is left to bring them back."
    ),
    "double-softmax": (
        "CrossEntropy applies a softmax to its input. If that is a probability vector p already, all its entries lie in [0, "
        "1], and the second softmax can give the true class no more than e / (e + C - 1): 0.73 for two classes, 0.23 for ten. "
        "The loss cannot fall below ln(1 + (C - 1) / e), and the gradient passes two Jacobians diag(y) - y y^T instead of "
        "none."
    ),
    "dropout-at-evaluation": (
        "Dropout multiplies each activation by m, which is 0 with probability p and 1 / (1 - p) otherwise: E[m a] = a, but "
        "var(m a) = a^2 p / (1 - p). In training that noise regularises; left on afterwards it is added to every answer, and "
        "the net gives two answers to one question."
    ),
    "exploding-gradients": (
        "Backwards through y = x W, dx = dy W^T: with independent weights, E|dx|^2 = n_out var(W) E|dy|^2 per input. With a "
        "gain g per layer the gradient of the first layer is g^depth times that of the last. One learning rate cannot suit "
        "both."
    ),
    "features-shuffled": (
        "If X is permuted and y is not, then y is independent of x: p(y | x) = p(y), and the best that can be learned is the "
        "constant. A net that is large enough still learns the training examples by heart. The doctor compares each target "
        "with those of the nearest neighbours of its x: where the validation rows show a link and the training rows show "
        "none, the training rows have lost it."
    ),
    "frozen-parameter": (
        "For y = x W + b, dW = x^T dy and db = sum_b dy_b. If dy and x are not 0, neither is dW (but for a coincidence). A "
        "parameter with a gradient of exactly 0 for a whole run is therefore one whose derivative was forgotten in "
        "`backward`, detached, or not handed to the optimizer."
    ),
    "imbalance": (
        'accuracy = sum over classes of share_c x recall_c. With shares 0.95 and 0.05, a net that always says "no" has '
        "accuracy 0.95 and finds nobody. The loss, a mean over examples, agrees: 95 % of its gradient comes from the large "
        "class."
    ),
    "initial-loss": (
        "A net that knows nothing should say p_c = 1/C, which costs -ln(1/C) = ln C; for a number it should say the mean, "
        "which costs the variance. A cross-entropy far above that means scores far apart before anything was learned: "
        "last-layer weights with n_in var(W) >> 1, or large biases. The first epochs then go into making the net less sure."
    ),
    "initial-scale": (
        "With independent weights of mean 0, var(y_j) = n_in var(W) E[x^2]: each layer multiplies the scale by g = sqrt(n_in "
        "var W) (by g / sqrt 2 behind a ReLU, which loses half of it). After L layers that is g^L, and the same happens to "
        "the gradient on its way back. He's rule var W = 2 / n_in keeps g at 1 before a ReLU; Xavier's 2 / (n_in + n_out) is "
        "the compromise for both directions. With a *product* n_in n_out in place of the sum, as one published run had it, a "
        "64-64 layer has g = 0.125, three such layers 0.002, and the loss stays flat for eight epochs."
    ),
    "inputs-constant": (
        "A constant column c contributes c W_ij to z_j for every example: it acts as one more bias, and as it is the same for "
        "all examples it can tell none apart. If most columns are so, something went wrong where they were read."
    ),
    "inputs-nan": (
        "NaN + x = NaN and NaN x 0 = NaN. One missing entry makes all units of the first layer NaN for that example, the mean "
        "loss of its batch NaN, every gradient NaN, and with one step every parameter."
    ),
    "inputs-unscaled": (
        "z = x W + b, so the size of z is |x| |W|; dW = x^T dz, so the size of the gradient grows with |x| as well; and the "
        "curvature in the direction of W_i is E[x_i^2] times that of the loss. A rate is stable only below 2 / curvature, so "
        "inputs 100 times as large need a rate 10,000 times as small, and columns of different size need different rates, "
        "which plain gradient descent does not have."
    ),
    "label-encoding": (
        "-(y log p + (1 - y) log(1 - p)) is a cross-entropy only for y in [0, 1]. For y = -1 it is -2 log(1 - p) + log p, "
        "which falls without bound as p goes to 0; for y = 2 likewise as p goes to 1. A class index picks one of C scores, "
        "which are counted from 0. For numbers, the gradient 2 (y_hat - y) has the size of y: targets in thousands make steps "
        "in thousands."
    ),
    "no-nonlinearity": (
        "(x W + b) V + c = x (W V) + (b V + c). The product of two matrices is a matrix, so two linear layers represent "
        "exactly what one does (less, if the middle one is narrow): straight boundaries only."
    ),
    "nonfinite-loss": (
        "In floating point a sigmoid reaches 1 exactly: in float64 for z > 36.7, in float32 for z > 16.6. Then 1 - p = 0, "
        "log(1 - p) = -inf; for y = 1 it is multiplied by 1 - y = 0, and 0 x inf is NaN. The derivative (p - y) / (p - p^2) "
        "is 0 / 0 there. A net that is *right* and sure is enough. Computed from the score z, max(z, 0) - y z + log(1 + "
        "exp(-|z|)), the same loss has none of this."
    ),
    "one-unit-softmax": (
        "softmax over one unit is exp(z) / exp(z) = 1, whatever z is. Its derivative y (1 - y) is 1 x 0 = 0: the net answers "
        '"yes" to everything, and never learns.'
    ),
    "oscillating": (
        "Along a direction of curvature h a step multiplies the distance to the minimum by 1 - lr h. For lr between 1/h and "
        "2/h that is negative: the parameter jumps to the other side each time. With mini-batches there is noise besides: "
        "near the minimum the loss settles at a level in proportion to lr, and no number of epochs brings it lower."
    ),
    "output-mismatch": (
        "A loss on scores needs outputs that can go to plus and minus infinity: with a sigmoid before it, p lies between 0.27 "
        "and 0.73 (or 0.5 and 0.73), and the loss has a floor. A loss on probabilities takes log p, and needs 0 < p < 1. A "
        "squared error needs outputs that reach the targets: a ReLU never answers -1."
    ),
    "overfitting": (
        "After t epochs the net has learned what is common to all examples, and part of what is peculiar to those it saw. The "
        "first lowers both losses, the second only the training loss; once the first is exhausted, the validation loss rises. "
        "Its minimum is where to stop."
    ),
    "rate-too-low": (
        "theta_T - theta_0 = -lr sum_t g_t. If lr |g| is 1e-5 of |theta|, a thousand steps change the weights by one per cent "
        "at most: the net is what it was."
    ),
    "saturated-units": (
        "sigma'(z) = sigma (1 - sigma) and tanh'(z) = 1 - tanh^2 fall like exp(-|z|). The size of z is sqrt(n_in) x |W| x "
        "|x|: with 784 pixels up to 255 and weights from N(0, 1) it is in the thousands, and every unit is at 0 or 1, "
        "whatever the input. dz = da sigma'(z) = 0: nothing in front of such a unit learns."
    ),
    "scaler-leak": (
        "x' = (x - m) / s. If m and s are those of all rows, they contain the test rows, and every training input depends on "
        "them. For large sets that is little; for small ones, and for scalers that use minima and maxima or choose columns, "
        "the test figure is too good."
    ),
    "sorted-rows": (
        "The mean gradient of a batch is an unbiased estimate of that of the whole only if the batch is a random draw. In "
        'batches of one class every step says "always answer this class"; with the classes one after the other the net '
        "forgets the first while it learns the second, and the loss measured during the epoch looks better than it is."
    ),
    "split-overlap": (
        "Let a share s of the test rows be training rows. The measured loss is s x (training loss) + (1 - s) x (true loss): "
        "for a net that knows its examples by heart the figure is too good in proportion to s."
    ),
    "strong-regularisation": (
        "With weight decay w the minimum of L + w/2 |theta|^2 is where dL/dtheta = -w theta. Where w is larger than the "
        "curvature of L, theta is pushed to where the penalty, not the data, decides: near 0, where the net answers the same "
        "to everything."
    ),
    "summed-gradient": (
        "sum_b g_b = B x mean_b g_b. A rate that was found for single examples, or for means, is B times as large for a sum: "
        "0.03 and B = 40 make 1.2. Whoever doubles the batch doubles the step. With the mean, the rate means the same for "
        "every batch size."
    ),
    "too-few-epochs": (
        "Gradient descent closes the distance to the minimum by a factor 1 - lr h a step, along each direction of curvature "
        "h. What counts is the number of steps, epochs x N / B: three epochs of 20 steps are 60 steps."
    ),
    "underfitting": (
        "A net without a hidden layer can only cut the space along a straight line (hyperplane). n hidden units bend it at "
        "most n times. If the training loss, and not only the validation loss, settles high, and a wider net gets lower, the "
        "net is too small."
    ),
    "vanishing-gradients": (
        "dz_l = (dz_{l+1} W^T) f'(z_l). A sigmoid's slope is at most 1/4, so that even with weights that keep the scale each "
        "layer takes at least three quarters of the gradient away: after six layers 1/4096 of it is left. The last layers "
        "learn on features that never change."
    ),
    "wrong-metric": (
        "A real number is hit exactly with probability 0, so the accuracy of a regression is 0 however good it is, or, if "
        "targets happen to repeat, counts something else. Between classes there is no distance: (3 - 1)^2 says that class 3 "
        "is worse than class 2, by the accident of their numbers."
    ),
}
