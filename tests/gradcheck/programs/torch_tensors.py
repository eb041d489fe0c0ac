# PyTorch tensors with the backward pass by hand: no autograd, mm, t(), clamp, and updates in place
import torch

torch.manual_seed(19)
N, D_in, H, D_out = 16, 5, 8, 3

x = torch.randn(N, D_in)
y = torch.tanh(x[:, :3]) + 0.1 * torch.randn(N, D_out)

w1 = torch.randn(D_in, H) * 0.4
b1 = torch.zeros(H)
w2 = torch.randn(H, D_out) * 0.4
b2 = torch.zeros(D_out)

learning_rate = 5e-3
for t in range(120):
    h = x.mm(w1) + b1
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2) + b2

    loss = (y_pred - y).pow(2).sum().item()
    if t % 40 == 0:
        print(t, loss)

    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_b2 = grad_y_pred.sum(0)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)
    grad_b1 = grad_h.sum(0)

    w1 -= learning_rate * grad_w1
    b1 -= learning_rate * grad_b1
    w2 -= learning_rate * grad_w2
    b2 -= learning_rate * grad_b2
