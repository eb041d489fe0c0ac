# PyTorch without autograd, functions forward, backward and step over a dict of tensors, tanh and softmax
import torch

torch.manual_seed(23)


def forward(w, x):
    h = torch.tanh(x @ w["a"] + w["p"])
    return h, torch.softmax(h @ w["b"] + w["q"], dim=1)


def backward(w, x, y, h, prob):
    d_out = prob.clone()
    d_out[torch.arange(len(y)), y] -= 1
    d_out /= len(y)
    d_h = d_out @ w["b"].T * h * (1 - h)
    return {"a": x.T @ d_h, "p": d_h.sum(dim=0), "b": h.T @ d_out, "q": d_out.sum(dim=0)}


x = torch.randn(20, 4)
y = x[:, :3].argmax(dim=1)
w = {"a": torch.randn(4, 6) * 0.6, "p": torch.zeros(6), "b": torch.randn(6, 3) * 0.6, "q": torch.zeros(3)}
for epoch in range(60):
    h, prob = forward(w, x)
    loss = -torch.log(prob[torch.arange(len(y)), y]).mean()
    grads = backward(w, x, y, h, prob)
    for name in w:
        w[name] -= 0.5 * grads[name]
    if epoch % 20 == 0:
        print("loss", loss.item())
