/* Back-propagation in plain C, for comparison: an epoch of stochastic gradient descent for a stack of Linear layers.

   Every hidden layer has the same activation; the loss is the cross-entropy of a softmax where labels are given, else the squared
   error. Arrays are float32 and row-major: x (B x n_in), W (n_in x n_out), z (B x n_out). theta holds W and b of each layer, in
   turn. The inner loops run along rows, so that the compiler turns them into vector instructions; `k` is outermost wherever W is
   touched, so that each row of W is fetched once a batch. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LAYERS 16

enum activation { LINEAR, TANH, SIGMOID, RELU };

struct layer {
    long n_in, n_out;
    float *W, *b;
    float *a;  /* (B x n_out): what the layer puts out */
    float *dz; /* (B x n_out): gradient of the loss with respect to x W + b */
};

/* z = x W + b */
static void linear(const float *restrict x, const struct layer *layer, float *restrict z, long B)
{
    const long n_in = layer->n_in, n_out = layer->n_out;

    for (long i = 0; i < B; i++)
        memcpy(z + i * n_out, layer->b, n_out * sizeof *z);
    for (long k = 0; k < n_in; k++) {
        const float *restrict w = layer->W + k * n_out;
        for (long i = 0; i < B; i++) {
            const float x_ik = x[i * n_in + k];
            float *restrict row = z + i * n_out;
            for (long j = 0; j < n_out; j++)
                row[j] += x_ik * w[j];
        }
    }
}

/* a = f(z), in place */
static void activate(enum activation f, float *restrict a, long n)
{
    if (f == TANH)
        for (long i = 0; i < n; i++)
            a[i] = tanhf(a[i]);
    else if (f == SIGMOID)
        for (long i = 0; i < n; i++)
            a[i] = 1.0f / (1.0f + expf(-a[i]));
    else if (f == RELU)
        for (long i = 0; i < n; i++)
            a[i] = a[i] > 0.0f ? a[i] : 0.0f;
}

/* dz = da f'(z), in place; all these derivatives can be written with a = f(z) */
static void differentiate(enum activation f, const float *restrict a, float *restrict da, long n)
{
    if (f == TANH)
        for (long i = 0; i < n; i++)
            da[i] *= 1.0f - a[i] * a[i];
    else if (f == SIGMOID)
        for (long i = 0; i < n; i++)
            da[i] *= a[i] * (1.0f - a[i]);
    else if (f == RELU)
        for (long i = 0; i < n; i++)
            da[i] = a[i] > 0.0f ? da[i] : 0.0f;
}

/* dx = dz W^T */
static void back(const float *restrict dz, const struct layer *layer, float *restrict dx, long B)
{
    const long n_in = layer->n_in, n_out = layer->n_out;

    for (long k = 0; k < n_in; k++) {
        const float *restrict w = layer->W + k * n_out;
        for (long i = 0; i < B; i++) {
            const float *restrict row = dz + i * n_out;
            float sum = 0.0f;
            for (long j = 0; j < n_out; j++)
                sum += row[j] * w[j];
            dx[i * n_in + k] = sum;
        }
    }
}

/* W -= lr x^T dz, b -= lr (sum of dz over the batch); `sum` has room for a row of the gradient */
static void update(const float *restrict x, struct layer *layer, float *restrict sum, float lr, long B)
{
    const long n_in = layer->n_in, n_out = layer->n_out;
    const float *restrict dz = layer->dz;

    for (long k = 0; k <= n_in; k++) {
        float *restrict w = k < n_in ? layer->W + k * n_out : layer->b; /* b is a row of weights whose input is always 1 */
        memset(sum, 0, n_out * sizeof *sum);
        for (long i = 0; i < B; i++) {
            const float x_ik = k < n_in ? x[i * n_in + k] : 1.0f;
            for (long j = 0; j < n_out; j++)
                sum[j] += x_ik * dz[i * n_out + j];
        }
        for (long j = 0; j < n_out; j++)
            w[j] -= lr * sum[j];
    }
}

/* The mean of -log softmax(z)[label] over the batch; dz = (softmax(z) - onehot(label)) / B */
static double cross_entropy(const float *restrict z, const int64_t *labels, const int64_t *rows, float *restrict dz, long B, long n)
{
    double loss = 0.0;

    for (long i = 0; i < B; i++, z += n, dz += n) {
        const int64_t label = labels[rows[i]];
        float most = z[0], sum = 0.0f;
        for (long j = 1; j < n; j++)
            most = z[j] > most ? z[j] : most;
        for (long j = 0; j < n; j++)
            sum += dz[j] = expf(z[j] - most);
        const float scale = 1.0f / (sum * B);
        for (long j = 0; j < n; j++)
            dz[j] *= scale;
        dz[label] -= 1.0f / B;
        loss += logf(sum) + most - z[label];
    }
    return loss / B;
}

/* The mean of (z - y)^2 over all B x n numbers; dz = 2 (z - y) / (B n) */
static double squared_error(const float *restrict z, const float *Y, const int64_t *rows, float *restrict dz, long B, long n)
{
    double loss = 0.0;

    for (long i = 0; i < B; i++, z += n, dz += n) {
        const float *restrict y = Y + rows[i] * n;
        float sum = 0.0f;
        for (long j = 0; j < n; j++) {
            const float off = z[j] - y[j];
            sum += off * off;
            dz[j] = 2.0f / (B * n) * off;
        }
        loss += sum;
    }
    return loss / (B * n);
}

/* Floats that an array of n takes, so that the next one begins on a cache line of its own */
static long padded(long n)
{
    return (n + 15) / 16 * 16;
}

/* Give every layer its part of theta, and of one block for all that a batch needs; returns that block, or NULL. It begins with
   the inputs of the batch; `sum` is set to its end, room for the widest row. */
static float *lay_out(struct layer *layers, int n_layers, const int64_t *sizes, float *theta, long batch, float **sum)
{
    long room = padded(batch * sizes[0]), widest = 0;
    for (int l = 1; l <= n_layers; l++) {
        room += 2 * padded(batch * sizes[l]);
        widest = sizes[l] > widest ? sizes[l] : widest;
    }
    float *block = aligned_alloc(64, (room + padded(widest)) * sizeof *block);
    if (block == NULL)
        return NULL;
    *sum = block + room;
    float *part = block + padded(batch * sizes[0]);
    for (int l = 0; l < n_layers; l++) {
        struct layer *layer = &layers[l];
        layer->n_in = sizes[l], layer->n_out = sizes[l + 1];
        layer->W = theta, layer->b = theta + layer->n_in * layer->n_out;
        theta = layer->b + layer->n_out;
        layer->a = part, layer->dz = part + padded(batch * layer->n_out);
        part = layer->dz + padded(batch * layer->n_out);
    }
    return block;
}

/* Train on the examples `order` (n of them), `batch` at a time; the last batch may be short.

   sizes    n_layers + 1 numbers of units, from the inputs to the outputs
   labels   (N), for cross-entropy; or NULL
   Y        (N x n_y), for the squared error; unused if there are labels
   losses   out: the loss of each step

   Returns 0, or 1 if there are too many layers or there is no memory. */
int train_epoch(int n_layers, const int64_t *sizes, int activation, float *theta, const float *X, const int64_t *labels,
                const float *Y, const int64_t *order, int64_t n, int64_t batch, float lr, double *losses)
{
    struct layer layers[MOST_LAYERS], *last = &layers[n_layers - 1];
    float *sum, *x = n_layers <= MOST_LAYERS ? lay_out(layers, n_layers, sizes, theta, batch, &sum) : NULL;
    if (x == NULL)
        return 1;

    for (int64_t first = 0; first < n; first += batch) {
        const long B = n - first < batch ? n - first : batch, n_x = sizes[0];
        const int64_t *rows = order + first;
        for (long i = 0; i < B; i++)
            memcpy(x + i * n_x, X + rows[i] * n_x, n_x * sizeof *x);

        for (int l = 0; l < n_layers; l++) {
            linear(l ? layers[l - 1].a : x, &layers[l], layers[l].a, B);
            if (l < n_layers - 1)
                activate(activation, layers[l].a, B * layers[l].n_out);
        }
        *losses++ = labels ? cross_entropy(last->a, labels, rows, last->dz, B, last->n_out)
                           : squared_error(last->a, Y, rows, last->dz, B, last->n_out);
        for (int l = n_layers - 1; l >= 0; l--) {
            if (l) { /* with W as it was in the forward pass */
                back(layers[l].dz, &layers[l], layers[l - 1].dz, B);
                differentiate(activation, layers[l - 1].a, layers[l - 1].dz, B * layers[l - 1].n_out);
            }
            update(l ? layers[l - 1].a : x, &layers[l], sum, lr, B);
        }
    }
    free(x);
    return 0;
}
