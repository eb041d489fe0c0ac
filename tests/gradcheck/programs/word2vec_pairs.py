# Skip-gram with negative sampling: rows of two embedding matrices, one function for each pair of words, batches of pairs
import random

import numpy as np

text = """the king rules the land the queen rules the land
the dog chases the cat the cat chases the mouse the mouse fears the cat""".split()
vocab = sorted(set(text))
word2ind = {w: i for i, w in enumerate(vocab)}
random.seed(35)
np.random.seed(35)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def get_negative_samples(outside, K):
    chosen = []
    while len(chosen) < K:
        candidate = random.randrange(len(vocab))
        if candidate != outside:
            chosen.append(candidate)
    return chosen


def neg_sampling_loss_and_gradient(centerWordVec, outsideWordIdx, outsideVectors, K=3):
    negatives = get_negative_samples(outsideWordIdx, K)
    gradOutsideVecs = np.zeros(outsideVectors.shape)
    u_o = outsideVectors[outsideWordIdx]
    p_o = sigmoid(np.dot(u_o, centerWordVec))
    loss = -np.log(p_o)
    gradCenterVec = (p_o - 1) * u_o
    gradOutsideVecs[outsideWordIdx] += (p_o - 1) * centerWordVec
    for k in negatives:
        u_k = outsideVectors[k]
        p_k = sigmoid(-np.dot(u_k, centerWordVec))
        loss -= np.log(p_k)
        gradCenterVec = gradCenterVec + (1 - p_k) * u_k
        gradOutsideVecs[k] += (1 - p_k) * centerWordVec
    return loss, gradCenterVec, gradOutsideVecs


def batch_loss_and_gradient(centerVectors, outsideVectors, pairs):
    batch_loss = 0.0
    gradCenter = np.zeros(centerVectors.shape)
    gradOutside = np.zeros(outsideVectors.shape)
    for center, outside in pairs:
        loss, gc, go = neg_sampling_loss_and_gradient(centerVectors[center], outside, outsideVectors)
        batch_loss += loss / len(pairs)
        gradCenter[center] += gc / len(pairs)
        gradOutside += go / len(pairs)
    return batch_loss, gradCenter, gradOutside


windows = [(word2ind[text[i]], word2ind[text[j]]) for i in range(len(text)) for j in (i - 1, i + 1) if 0 <= j < len(text)]
centerVectors = (np.random.rand(len(vocab), 6) - 0.5) / 2
outsideVectors = (np.random.rand(len(vocab), 6) - 0.5) / 2
for iteration in range(40):
    pairs = random.sample(windows, 16)
    cost, gradCenter, gradOutside = batch_loss_and_gradient(centerVectors, outsideVectors, pairs)
    centerVectors -= 0.8 * gradCenter
    outsideVectors -= 0.8 * gradOutside
    if iteration % 10 == 0:
        print("iter %d: %f" % (iteration, cost))
