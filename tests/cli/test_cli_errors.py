"""Bad input: one clear sentence on stderr, exit status 2, no traceback, and no output folder."""

import numpy as np
import pytest

TRAIN = [
    (["circls"], "did you mean 'circles'"),
    (["nowhere.csv"], "'nowhere.csv' is neither a file nor a built-in data set"),
    ([], "There is nothing to train on; name a data set or a file"),
    (["circles", "--optimizer", "adm"], "no optimizer called 'adm'; did you mean 'adam'?"),
    (["circles", "--activation", "tahn"], "no activation called 'tahn'; did you mean 'tanh'?"),
    (["circles", "--loss", "cross-entrpy"], "did you mean 'cross_entropy'?"),
    (["circles", "--loss", "mse"], "circles has 2 classes"),
    (["digits", "--loss", "bce"], "needs two classes; digits has 10"),
    (["houses.csv", "--loss", "cross-entropy"], "is a loss for classes, but the target of houses.csv is a number"),
    (["circles", "--schedule", "onecycl"], "did you mean 'one_cycle'?"),
    (["circles", "--schedule-arg", "risee=0.1"], "did you mean 'rise'?"),
    (["circles", "--schedule-arg", "rise"], "takes a name and a number such as rise=0.1, not 'rise'"),
    (["circles", "--init", "hee"], "did you mean 'he'?"),
    (["circles", "--engine", "bach"], "did you mean 'batch'?"),
    (["circles", "--order", "shufle"], "did you mean 'shuffle'?"),
    (["circles", "--remainder", "dropp"], "did you mean 'drop'?"),
    (["circles", "--task", "regresion"], "did you mean 'regression'?"),
    (["circles", "--scale", "standart"], "did you mean 'standard'?"),
    (["circles", "--dtype", "float16"], "dtype must be float32 or float64, not 'float16'"),
    (["circles", "--epochs", "0"], "epochs must be a whole number, 1 or more, not 0"),
    (["circles", "--batch-size", "0"], "--batch-size takes a whole number, 1 or more, or all, not '0'"),
    (["circles", "--batch-size", "some"], "--batch-size takes a whole number, 1 or more, or all, not 'some'"),
    (["circles", "--hidden", "3,x"], "--hidden takes whole numbers such as 300,100, or none, not '3,x'"),
    (["circles", "--hidden", "3,-1"], "not -1"),
    (["circles", "--activation", "relu,tanh"], "one name, or one for each hidden layer (1), not 'relu,tanh'"),
    (["circles", "--val", "2.5"], "val must be a fraction below 1"),
    (["circles", "--val", "much"], "--val takes a fraction such as 0.15"),
    (["circles", "--val", "0.5", "--test", "0.5"], "would leave none for training"),
    (["circles", "--val", "0", "--patience", "3"], "needs validation examples"),
    (["circles", "--patience", "0"], "--patience takes a whole number, 1 or more, or none, not '0'"),
    (["circles", "--dropout", "1"], "dropout must be at least 0 and below 1"),
    (["circles", "--lr", "-1"], "lr must be a finite number"),
    (["circles", "--momentum", "0.9"], "The optimizer 'adam' has no momentum; sgd has."),
    (["circles", "--optimizer", "sgd", "--nesterov"], "needs a momentum above 0"),
    (["circles", "--clip-norm", "0"], "clip_norm must be positive"),
    (["circles", "--weight-decay", "-1"], "weight_decay must be"),
    (["circles", "--seed", "-1"], "seed must be"),
    (["circles", "--config", "pets.csv"], "'pets.csv' is not the config.json of a clearprop run"),
    (["circles", "--config", "nowhere.json"], "Cannot read the configuration 'nowhere.json'"),
    (["circles", "--resume", "nowhere"], "There is no checkpoint in 'nowhere'"),
    (["circles", "--checkpoint-every", "0"], "checkpoint-every must be a number of epochs"),
    (["pets.csv", "--target", "specie"], "did you mean 'species'?"),
    (["pets.csv", "--target", "9"], "has no column number 9"),
    (["pets.csv", "--task", "regression"], "species"),
    (["empty.csv"], "is empty"),
    (["ragged.csv"], "line 3 has 1 cell, but the first has 2"),
    (["holes.csv", "--missing", "refuse"], "missing values in 1 of 1 columns (x: 2)"),
    (["one.csv"], "class"),
    (["broken.npz"], "is no .npz file"),
    (["lengths.npz"], "3 rows of X in train but 2 of y"),
    (["folder"], "folder"),
    (["letter.txt"], "holds no rows"),
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch, pets, houses):
    """A folder with all that can be wrong."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "empty.csv": "",
        "ragged.csv": "x,y\n1,2\n3\n",
        "holes.csv": "x,y\n1,a\n,b\n,a\n4,b\n",
        "one.csv": "x,y\n" + "".join(f"{i},a\n" for i in range(9)),
        "broken.npz": "no zip file",
        "letter.txt": "Dear Sir,",
    }.items():
        (tmp_path / name).write_text(text)
    np.savez(tmp_path / "lengths.npz", X=np.zeros((3, 2)), y=np.zeros(2, int))
    (tmp_path / "folder").mkdir()
    return tmp_path


def said(result):
    """The sentence on stderr, which must be the only line."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith(".\n") or result.stderr.endswith("circles\n")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(("words", "sentence"), TRAIN, ids=[" ".join(words) or "nothing" for words, _ in TRAIN])
def test_train(clearprop, here, words, sentence):
    before = set(here.iterdir())
    result = clearprop("train", *words, *([] if "--resume" in words else ["--out", "run"]))
    assert sentence in said(result)
    assert set(here.iterdir()) == before


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("pets.csv", "is a file; --out names a folder"), ("pets.csv/run", "Cannot write in"), (".", "is not empty")],
)
def test_out_that_cannot_be(clearprop, here, folder, sentence):
    before = set(here.iterdir())
    result = clearprop("train", "circles", "--out", folder)
    assert sentence in said(result)
    assert result.stdout == ""  # before any work is done
    assert set(here.iterdir()) == before


def test_checkpoints_need_a_folder(clearprop):
    assert "add --out" in said(clearprop("train", "circles", "--checkpoint-every", 3))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["predict", "nowhere", "pets.csv"], "There is no model file 'nowhere'"),
        (["predict", "pets.csv", "pets.csv"], "is damaged, or no safetensors file"),
        (["predict", "run/model.safetensors", "houses.csv"], "houses.csv lacks 2 columns (weight, colour)"),
        (["predict", "run", "circles"], "table"),
        (["predict", "run", "nowhere.csv"], "neither a file nor a built-in"),
        (["predict", "run", "pets.csv", "--out", "letter.txt/x.csv"], "choose another place for --out"),
        (["predict", "cut.safetensors", "pets.csv"], "is damaged"),
        (["info", "nowhere"], "There is no model file 'nowhere'"),
        (["info", "cut.safetensors"], "is damaged"),
        (["info", "folder"], "There is no model file 'folder/model.safetensors'"),
        (["data", "circls"], "did you mean 'circles'"),
        (["data", "ragged.csv"], "is ragged"),
        (["data", "circles", "--val", "x"], "--val takes a fraction"),
        (["data", "circles", "--seed", "-1"], "seed must be"),
    ],
)
def test_other_commands(clearprop, here, words, sentence):
    clearprop("train", "pets.csv", "--epochs", 1, "--out", "run")
    whole = (here / "run" / "model.safetensors").read_bytes()
    (here / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    result = clearprop(*words)
    assert sentence in said(result)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["trian"], "train"),
        (["train", "circles", "--epoch", "3"], "--epochs"),
        (["train", "circles", "--epochs", "x"], "--epochs"),
    ],
)
def test_usage(clearprop, words, hint):
    result = clearprop(*words)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert result.stdout == ""
