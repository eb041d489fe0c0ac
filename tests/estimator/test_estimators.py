"""The estimators in the hands of scikit-learn: pipelines, searches, tables, weights, labels, ensembles, callbacks."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import clearprop as cp
from clearprop.data.encoder import Encoder
from clearprop.errors import ClearpropError
from clearprop.estimator import NetClassifier, NetRegressor

IRIS = load_iris(return_X_y=True)
QUICK = {"epochs": 20, "random_state": 0}


def table(n: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Numbers, words, dates and holes; the answer depends on a word and a number."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "town": rng.choice(["Delft", "Gouda", "Hoorn"], n),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D"),
            "kind": pd.Categorical(rng.choice(["a", "b"], n)),
            "noise": rng.normal(size=n),
        }
    )
    y = pd.Series(np.where((frame["age"] > 50) ^ (frame["town"] == "Delft"), "yes", "no"))
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    frame.loc[rng.random(n) < 0.1, "town"] = None
    return frame, y


def test_the_names_stand_at_the_top():
    assert cp.NetClassifier is NetClassifier
    assert cp.NetRegressor is NetRegressor


def test_a_mixed_table_goes_in_directly():
    X, y = table()
    classifier = NetClassifier(random_state=0).fit(X, y)
    later, wanted = table(seed=1)
    assert classifier.score(later, wanted) > 0.8  # a tenth of the ages and of the towns is unknown
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.feature_names_in_.tolist() == list(X.columns)
    later["town"] = later["town"].replace("Gouda", "a town of which nobody has heard")
    assert classifier.predict(later[:5]).shape == (5,)
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(later.drop(columns="age"))


def test_it_is_the_encoder_of_the_command_line():
    X, y = table()
    ours = NetClassifier(**QUICK).fit(X, y).encoder_
    theirs = cp.data.load(X.assign(target=y), target="target", val=0, test=0, drop="").encoder
    assert isinstance(theirs, Encoder)
    assert {column.name: column for column in ours.columns} == {column.name: column for column in theirs.columns}


def test_a_frame_of_polars_is_as_good():
    polars = pytest.importorskip("polars")
    X, y = table()
    ours, theirs = X.drop(columns="kind"), polars.from_pandas(X.drop(columns="kind"))
    one, other = (NetClassifier(early_stopping=True, **QUICK).fit(frame, y) for frame in (ours, theirs))
    assert np.array_equal(one.predict_proba(ours), other.predict_proba(theirs))
    assert other.feature_names_in_.tolist() == list(ours.columns)


def test_arrays_in_place_of_a_table_of_numbers():
    X, y = IRIS
    frame = pd.DataFrame(X, columns=list("abcd"))
    classifier = NetClassifier(**QUICK).fit(frame, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        p = classifier.predict_proba(X)
    assert np.array_equal(p, classifier.predict_proba(frame))


def test_an_array_in_place_of_a_table_of_words_is_refused():
    X, y = table()
    classifier = NetClassifier(**QUICK).fit(X, y)
    with pytest.warns(UserWarning, match="feature names"), pytest.raises(ClearpropError, match="'town' holds no numbers"):
        classifier.predict(np.zeros((3, X.shape[1])))


def test_clone_pickle_and_joblib(tmp_path):
    X, y = IRIS
    classifier = NetClassifier(hidden=(8,), **QUICK)
    assert clone(classifier).get_params() == classifier.get_params()
    classifier.fit(X, y)
    again = pickle.loads(pickle.dumps(classifier))
    joblib.dump(classifier, tmp_path / "classifier")
    for other in (again, joblib.load(tmp_path / "classifier")):
        assert np.array_equal(other.predict_proba(X), classifier.predict_proba(X))
        other.net_.theta[:] += 1.0  # the layers are still views of theta
        assert other.net_[0].W[0, 0] == other.net_.theta[0]


def test_pipeline_column_transformer_and_set_output():
    X, y = table()
    X = X[["age", "town"]].fillna({"age": 40.0, "town": "Gouda"})
    columns = ColumnTransformer([("n", StandardScaler(), ["age"]), ("w", OneHotEncoder(sparse_output=False), ["town"])])
    pipe = make_pipeline(columns, NetClassifier(random_state=0)).set_output(transform="pandas").fit(X, y)
    assert pipe[-1].feature_names_in_.tolist() == ["n__age", "w__town_Delft", "w__town_Gouda", "w__town_Hoorn"]
    assert pipe.score(X, y) > 0.8
    assert "NetClassifier" in pipe._repr_html_()


def test_grid_search_and_cross_validation():
    X, y = load_digits(return_X_y=True)
    pipe = make_pipeline(MinMaxScaler(), NetClassifier(epochs=20, random_state=0))
    grid = GridSearchCV(pipe, {"netclassifier__hidden": [(4,), (32,)], "netclassifier__lr": [0.01]}, cv=3).fit(X, y)
    assert grid.best_params_["netclassifier__hidden"] == (32,)
    assert grid.best_score_ > 0.9
    assert cross_val_score(NetClassifier(epochs=20, random_state=0), X, y, n_jobs=2).mean() > 0.9


def test_class_weights_are_sample_weights():
    X, y = IRIS
    rows = np.r_[0:50, 50:60, 100:150]
    X, y = X[rows], y[rows]
    of_class = {0: 1.0, 1: 5.0, 2: 1.0}
    by_class = NetClassifier(class_weight=of_class, scale="none", **QUICK).fit(X, y)
    by_sample = NetClassifier(scale="none", **QUICK).fit(X, y, sample_weight=np.array([of_class[c] for c in y]))
    assert np.array_equal(by_class.net_.theta, by_sample.net_.theta)
    balanced = NetClassifier(class_weight="balanced", scale="none", **QUICK).fit(X, y)
    assert np.allclose(
        balanced.net_.theta, by_class.net_.theta, rtol=1e-3, atol=1e-4
    )  # 110 / (3 n_c) is in the ratio 1 : 5 : 1


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_a_whole_weight_is_a_repeated_row(kind):
    """With one batch of all rows, in float64: scaling, loss and gradient all weigh alike."""
    X, y = IRIS
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), weights)
    settings = {"batch_size": None, "dtype": "float64", "epochs": 50, "lr": 0.02, "random_state": 0}
    weighted = kind(**settings).fit(X, y, sample_weight=weights)
    repeated = kind(**settings).fit(X[rows], y[rows])
    assert np.abs(weighted.net_.theta - repeated.net_.theta).max() < 1e-10
    assert np.abs(weighted.net_.theta - kind(**settings).fit(X, y).net_.theta).max() > 1e-3


def test_several_labels_at_once():
    X, y = make_multilabel_classification(300, 10, n_classes=4, random_state=0)
    classifier = NetClassifier(random_state=0).fit(X[:200], y[:200])
    p = classifier.predict_proba(X[200:])
    assert p.shape == (100, 4)
    assert (p >= 0).all()
    assert (p <= 1).all()
    assert np.array_equal(classifier.predict(X[200:]), (p > 0.5).astype(int))
    assert (classifier.predict(X[200:]) == y[200:]).mean() > 0.68  # 0.58 for the more frequent answer to each
    assert abs(p.sum(axis=1) - 1).max() > 0.1  # labels do not exclude each other


def test_several_columns_of_classes_through_scikit_learn():
    X, y = IRIS
    both = np.c_[y, y > 0]
    with pytest.raises(ClearpropError, match="MultiOutputClassifier"):
        NetClassifier(**QUICK).fit(X, both)
    assert MultiOutputClassifier(NetClassifier(**QUICK)).fit(X, both).predict(X).shape == (150, 2)


def test_several_numbers_at_once():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.c_[X[:, 0] * 1000, X[:, 1] - X[:, 2]]
    regressor = NetRegressor(random_state=0).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert regressor.score(X, y) > 0.99
    assert regressor.model_.targets == ("target1", "target2")


def test_two_classes_under_binary_cross_entropy():
    X, y = IRIS[0][:100], np.array(["a", "b"])[IRIS[1][:100]]
    for loss in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        classifier = NetClassifier(loss=loss, random_state=0).fit(X, y)
        assert classifier.net_.n_out == 1
        assert classifier.predict_proba(X).shape == (100, 2)
        assert classifier.score(X, y) == 1.0


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (NetClassifier(loss="mse"), "a loss for numbers"),
        (NetClassifier(loss="bce"), "needs two classes"),
        (NetRegressor(loss="cross_entropy"), "a loss for classes"),
        (NetClassifier(hidden=(0,)), "hidden"),
        (NetClassifier(activation="tahn"), "tanh"),
        (NetClassifier(engine="sample"), "compiled"),
        (NetClassifier(early_stopping=True, validation_fraction=1.5), "validation_fraction"),
        (NetClassifier(ensemble=0), "ensemble"),
        (NetClassifier(random_state=-1), "random_state"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_parameters_are_refused(estimator, words):
    weights = {"sample_weight": np.ones(150)} if estimator.engine else {}
    with pytest.raises(ClearpropError, match=words):
        estimator.fit(*IRIS, **weights)


def test_partial_fit_keeps_the_optimizer_and_its_state():
    X, y = IRIS
    classifier = NetClassifier(batch_size=None, lr=0.01, random_state=0, dtype="float64")
    for _ in range(3):
        classifier.partial_fit(X, y, classes=[0, 1, 2])
    assert classifier.n_iter_ == 3
    assert [row["epoch"] for row in classifier.history_] == [1, 2, 3]
    net = cp.mlp([4, 64, 3], seed=0, dtype="float64")
    scaled = classifier.encoder_.encode(X, "float64")
    cp.fit(net, (scaled, y), optimizer=cp.Adam(0.01), batch_size=None, epochs=3)
    assert np.abs(net.theta - classifier.net_.theta).max() < 1e-12
    with pytest.raises(ClearpropError, match="not among the known ones"):
        classifier.partial_fit(X, y + 1)
    with pytest.raises(ClearpropError, match="class_weight='balanced'"):
        NetClassifier(class_weight="balanced").partial_fit(X, y)


def test_warm_start_goes_on():
    X, y = IRIS
    once = NetClassifier(warm_start=True, schedule="constant", lr=0.001, epochs=5, random_state=0).fit(X, y)
    first = once.net_.theta.copy()
    loss = once.loss_curve_[-1]
    once.fit(X, y)
    assert once.loss_curve_[0] < loss + 0.02
    assert not np.array_equal(first, once.net_.theta)
    cold = NetClassifier(schedule="constant", lr=0.001, epochs=5, random_state=0).fit(X, y).fit(X, y)
    assert np.array_equal(first, cold.net_.theta)


def test_early_stopping_on_a_share_and_on_given_examples():
    X, y = load_digits(return_X_y=True)
    share = NetClassifier(early_stopping=True, patience=3, epochs=100, random_state=0).fit(X, y)
    assert share.n_iter_ < 100
    assert share.history_.best_epoch == share.n_iter_ - 3
    given = NetClassifier(patience=3, epochs=100, random_state=0).fit(X[:1200], y[:1200], X_val=X[1200:], y_val=y[1200:])
    assert given.n_iter_ < 100
    best = min(given.history_["val_loss"])
    measured = cp.evaluate(given.net_, (given.encoder_.encode(X[1200:]), y[1200:]))["loss"]
    assert measured == pytest.approx(best, rel=1e-5)


def test_an_ensemble_is_the_average_of_its_members():
    X, y = IRIS
    together = NetRegressor(ensemble=3, **QUICK).fit(X, y)
    alone = [NetRegressor(epochs=20, random_state=seed).fit(X, y) for seed in range(3)]
    assert [np.array_equal(net.theta, one.net_.theta) for net, one in zip(together.nets_, alone, strict=True)] == [True] * 3
    assert np.allclose(together.predict(X), np.mean([one.predict(X) for one in alone], axis=0), rtol=1e-5, atol=1e-5)


def test_the_model_is_saved_and_predicts_the_same(tmp_path):
    X, y = table()
    classifier = NetClassifier(**QUICK).fit(X, y)
    classifier.model_.save(tmp_path / "model.safetensors")
    model = cp.Model.load(tmp_path / "model.safetensors")
    from clearprop.data.loading import read_examples

    p = model.probabilities(read_examples(X, model.encoder)[0])
    assert np.abs(p - classifier.predict_proba(X)).max() < 1e-5
    assert list(model.classes) == ["no", "yes"]


def test_permutation_importance_and_partial_dependence():
    X, y = table()
    classifier = NetClassifier(random_state=0).fit(X, y)
    found = permutation_importance(classifier, X, y, n_repeats=3, random_state=0)
    assert set(np.argsort(-found.importances_mean)[:2]) == {0, 1}  # age and town
    curve = partial_dependence(classifier, X[["age"]].assign(**{c: X[c] for c in X.columns[1:]}).fillna({"age": 40.0}), ["age"])
    assert curve["average"].shape[1] > 5


class Counting:
    """A callback of scikit-learn's protocol that counts, and asks for a stop after some epochs."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop, self.begun, self.ended, self.scores, self.torn = stop, 0, 0, [], 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.torn += 1

    def on_fit_task_begin(self, estimator, context):
        self.begun += context.task_name == "epoch"

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        if context.task_name != "epoch":
            return False
        self.ended += 1
        self.scores.append(fitted_estimator.score(X, y))
        return self.stop is not None and self.ended >= self.stop


def test_callbacks_of_scikit_learn():
    pytest.importorskip("sklearn.callback")
    counting = Counting()
    classifier = NetClassifier(**QUICK).set_callbacks(counting).fit(*IRIS)
    assert (counting.begun, counting.ended, counting.torn) == (20, 20, 1)
    assert counting.scores[-1] == classifier.score(*IRIS)
    assert counting.scores[0] < counting.scores[-1]
    plain = NetClassifier(**QUICK).fit(*IRIS)
    assert np.array_equal(plain.net_.theta, classifier.net_.theta)
    stopping = Counting(stop=4)
    stopped = NetRegressor(**QUICK).set_callbacks(stopping).fit(*IRIS)
    assert stopped.n_iter_ == 4
    assert "scikit-learn" in stopped.history_.stopped


def test_callbacks_of_clearprop(tmp_path):
    path = tmp_path / "history.csv"
    NetClassifier(callbacks=cp.CSVLogger(path), **QUICK).fit(*IRIS)
    assert len(path.read_text().splitlines()) == 21
