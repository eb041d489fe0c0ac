"""Places that a program has its data from, none of which is there: the mistake in its backward pass is found all the same."""

import pytest

from clearprop.gradcheck.tracing import check_file

NET = """
def logistic(z): return 1 / (1 + np.exp(-z))
np.random.seed(0)
U, u = np.random.randn(X.shape[1], 6) * 0.1, np.zeros((1, 6))
V, v = np.random.randn(6, goal.shape[1]) * 0.1, np.zeros((1, goal.shape[1]))
for step in range(100):
    h = logistic(X @ U + u)
    p = logistic(h @ V + v)
    loss = 0.5 * np.sum((p - goal) ** 2) / len(X)
    dp = (p - goal) * p * (1 - p) / len(X)
    dh = dp @ V.T * h * (1 - h)
    V -= 0.5 * h.T @ dp; v -= 0.5 * dp.sum(0, keepdims=True)
    U -= 0.5 * X.T @ dh; u -= 0.5 * dh.sum(0, keepdims=True)
"""
PLACES = {
    "an archive of HDF5": """
import h5py
store = h5py.File("sets/train_birds.h5", "r")
X = np.array(store["train_set_x"][:]) / 255.0
X = X.reshape(X.shape[0], -1)
goal = np.array(store["train_set_y"][:]).reshape((1, -1)).T""",
    "a module of a course": """
from course_utils import load_dataset
train_x_orig, train_y, test_x_orig, test_y, names = load_dataset()
X = train_x_orig.reshape(train_x_orig.shape[0], -1) / 255.0
goal = train_y.T""",
    "a reader of digits": """
from mnist import MNIST
images, labels = MNIST("folder").load_training()
X, goal = np.array(images) / 255, np.eye(10)[np.array(labels)]""",
    "a package of digits": """
import mnist
X = mnist.train_images().reshape(-1, 784) / 255
goal = np.zeros((len(X), 10))
goal[np.arange(len(X)), mnist.train_labels()] = 1""",
    "files of digits": """
import idx2numpy
X = idx2numpy.convert_from_file("train-images-idx3-ubyte").reshape(-1, 784)[:300] / 255
classes = idx2numpy.convert_from_file("train-labels.idx1-ubyte")[:300]
goal = np.eye(10)[classes]""",
    "pictures of a folder, by OpenCV": """
import cv2, glob
X, goal = [], []
for name in glob.glob("pets/*.jpg"):
    X.append(cv2.resize(cv2.imread(name, 0), (12, 10)).flatten() / 255)
    goal.append([float("b" in name)])
X, goal = np.array(X), np.array(goal)""",
    "pictures of a folder": """
import os
from PIL import Image
X, goal = [], []
for name in os.listdir("portraits"):
    X.append(np.asarray(Image.open(os.path.join("portraits", name)).convert("L").resize((8, 8))).ravel() / 255)
    goal.append([1, 0] if name.startswith("a") else [0, 1])
X, goal = np.array(X), np.array(goal)""",
    "a table of a package": """
import seaborn
flowers = seaborn.load_dataset("iris")
X = flowers.drop("species", axis=1).values
goal = np.eye(3)[flowers["species"].astype("category").cat.codes]""",
    "a table with names of classes": """
import pandas
table = pandas.read_csv("https://example.org/flowers.data", names=["a", "b", "c", "d", "kind"])
X = table.iloc[:, :4].values
goal = np.eye(3)[table["kind"].map({"rose": 0, "lily": 1, "iris": 2}).astype(int)]""",
    "JSON": """
import json
with open("points.json") as file:
    points = json.load(file)
X, goal = np.array(points["inputs"]), np.array(points["targets"])""",
    "a batch of pickled pictures": """
import pickle
def unpacked(name):
    with open(name, "rb") as file:
        return pickle.load(file, encoding="bytes")
batch = unpacked("pictures/data_batch_1")
X, goal = batch[b"data"][:200] / 255, np.eye(10)[np.array(batch[b"labels"][:200])]""",
    "Keras": """
import tensorflow as tf
(X, classes), rest = tf.keras.datasets.fashion_mnist.load_data()
X = X.reshape(-1, 784)[:400] / 255
goal = tf.one_hot(classes[:400], 10).numpy()""",
    "a hub": """
from datasets import load_dataset
digits = load_dataset("mnist")["train"]
X = np.array([np.array(picture) for picture in digits["image"][:50]]).reshape(-1, 784) / 255
goal = np.eye(10)[digits["label"][:50]]""",
    "a file of MATLAB": """
from scipy.io import loadmat
store = loadmat("letters.mat")
X = store["X"]
goal = np.eye(10)[store["y"].ravel() - 1]""",
}


@pytest.fixture(params=PLACES.values(), ids=PLACES.keys())
def program(request):
    return f"import numpy as np\n{request.param}\n{NET}"


def checked(text, folder):
    """The outcome for a program."""
    file = folder / "placed.py"
    file.write_text(text)
    return check_file(file)


def test_a_right_program_is_right_wherever_its_data_are_from(program, tmp_path):
    found = checked(program, tmp_path)
    assert found.status == "right", found


def test_a_mistake_is_found_wherever_the_data_are_from(program, tmp_path):
    found = checked(program.replace("h * (1 - h)", "h * (1 + h)"), tmp_path)
    assert found.status == "wrong", found
    assert found.functions[0].findings[0].correction == "dh = dp @ V.T * h * (1 - h)"


def test_what_was_invented_is_said(tmp_path):
    found = checked(f"import numpy as np\n{PLACES['a package of digits']}\n{NET}", tmp_path)
    assert "mnist.train_images is not there; data of the shape (20, 28, 28) were invented." in str(found)
