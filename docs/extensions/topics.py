"""The public interface by topic: which names stand on which page of the reference.

A test holds it against the package: every public name stands on one page, and on one only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import clearprop


@dataclass(frozen=True)
class Topic:
    """One page: its file, its title, a sentence, and the names on it, each as one writes it after `cp.`."""

    slug: str
    title: str
    text: str
    names: tuple[str, ...]

    def found(self, name: str) -> Any:
        """The object that a name stands for: `plots.boundary` is `clearprop.plots.boundary`."""
        return reduce(getattr, name.split("."), clearprop)


def topic(slug: str, title: str, text: str, names: str) -> Topic:
    """A topic with its names in one string."""
    return Topic(slug, title, text, tuple(names.split()))


TOPICS = (
    topic(
        "networks",
        "Networks and layers",
        "A network is a list of layers; a layer is `forward` and `backward`.",
        "Net mlp Layer Linear Dropout BatchNorm LayerNorm Residual Embedding Conv2d MaxPool2d Flatten Unflatten"
        " nn.Initialiser Zeros Normal Uniform Xavier He LeCun",
    ),
    topic(
        "activations",
        "Activations",
        "Element-wise functions, each `f` and `df` side by side, and softmax.",
        "Activation Identity Sigmoid Tanh ReLU LeakyReLU ELU SELU Softplus SiLU GELU GELUTanh Softmax nn.softmax",
    ),
    topic(
        "losses",
        "Losses",
        'A loss is the mean over the batch unless it was made with `reduction="sum"`; its gradient matches its value.',
        "Loss nn.ElementwiseLoss CrossEntropy NegativeLogLikelihood BinaryCrossEntropy BinaryCrossEntropyWithLogits Focal"
        " MeanSquaredError MeanAbsoluteError Huber Quantile",
    ),
    topic(
        "optimizers",
        "Optimizers and schedules",
        "An optimizer is one update of a flat vector; a schedule gives the learning rate of every step.",
        "optim.Optimizer SGD AdaGrad RMSProp Adam AdamW Nadam Lion Accumulated optim.Schedule Constant StepDecay"
        " ExponentialDecay InverseTimeDecay Cosine OneCycle WarmUp CoolDown",
    ),
    topic(
        "training",
        "Training",
        "One run: what is measured, what is watched, and what is kept.",
        "fit fit_many evaluate lr_find History Callback EarlyStopping Checkpoint WeightAverage LivePlot CSVLogger"
        " JSONLinesLogger TensorBoardLogger MLflowLogger Doctor Engine training.FitSettings training.Run",
    ),
    topic("estimators", "scikit-learn", "Estimators with scikit-learn's contract.", "NetClassifier NetRegressor"),
    topic(
        "data",
        "Data",
        "Built-in sets, tables of one's own, and splits without leaks.",
        "data.load data.make_circles data.Dataset data.Split data.TableOptions data.Encoder data.NewRows data.read_examples"
        " data.read_rows data.profile data.draw_order",
    ),
    topic(
        "checking",
        "Checking derivatives",
        "Is this derivative right, and if not, what was the mistake?",
        "check check_program check_function check_layer check_gradient check_step assert_gradients GradientReport"
        " gradcheck.Step gradcheck.Suspect gradcheck.TensorResult",
    ),
    topic(
        "diagnosing",
        "Diagnosing a run",
        "The doctor: what is wrong with a training run, and what helps.",
        "diagnose diagnose_curves diagnose_torch doctor.Case doctor.Diagnosis doctor.Finding doctor.Remedy doctor.Treatment"
        " doctor.examine doctor.explanation doctor.read_curves",
    ),
    topic(
        "explaining",
        "Looking inside",
        "One training step in full, the ladder of engines, and the lab.",
        "explain ladder.climb lab",
    ),
    topic(
        "plots",
        "Plots",
        "One pure function per figure, (rows or a callable, ax) to ax.",
        " ".join(f"plots.{name}" for name in clearprop.plots.__all__),
    ),
    topic(
        "studies",
        "Sweeps, studies and experiments",
        "Many runs, and what they mean.",
        "sweeps.run_sweep sweeps.summarise sweeps.best_of sweeps.pivot sweeps.expand_grid sweeps.swept_columns sweeps.Between"
        " sweeps.Trial sweeps.train_trial sweeps.Store sweeps.read_rows sweeps.write_rows recipes.Recipe recipes.Result"
        " recipes.Comparison recipes.Conditions recipes.Explanation recipes.Exhibits recipes.Picture recipes.Table",
    ),
    topic(
        "descent",
        "Descent in two variables",
        "Gradient descent on functions that can be drawn.",
        "descent.descend descent.Path descent.Surface descent.QuadraticBowl descent.Rosenbrock descent.Saddle "
        "descent.Himmelblau descent.Beale descent.Published descent.endings descent.settle descent.sweep_steps "
        "descent.map_basins descent.BasinMap descent.answer_questions",
    ),
    topic("export", "Models and export", "A trained network with its preprocessing.", "Model export.Exported"),
)
