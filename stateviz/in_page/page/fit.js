// A fit of one LSTM and Dense(1) as Keras does it: forwards, back through the timesteps of one
// batch, Adam (Kingma and Ba 2015, as keras/src/optimizers/adam.py computes it).

import { addProduct, sigmoid } from "./net.js";

/** @import { Row } from "./net.js" */
/** @typedef {{ h: Row, c: Row, gates: Row }} Pass of all rows, one after the other */

const [RATE, ONE, TWO, EPSILON] = [1e-3, 0.9, 0.999, 1e-7];

/**
 * Adds the outer product of x and dz to a matrix.
 * @param {Float64Array} matrix
 * @param {ArrayLike<number>} x
 * @param {Float64Array} dz
 */
function addOuter(matrix, x, dz) {
  for (let k = 0; k < x.length; k++) {
    for (let j = 0; j < dz.length; j++) matrix[k * dz.length + j] += x[k] * dz[j];
  }
}

export class Fit {
  /**
   * @param {Row[]} weights kernel, recurrent kernel, bias, and kernel and bias of Dense(1)
   * @param {{ units: number, features: number, B: number, T: number, stateful: boolean }} shape
   */
  constructor(weights, { units, features, B, T, stateful }) {
    this.U = units;
    this.F = features;
    this.B = B;
    this.T = T;
    this.stateful = stateful;
    this.weights = weights.map((weight) => Float32Array.from(weight));
    this.adam = weights.map(({ length }) => [new Float64Array(length), new Float64Array(length)]);
    this.steps = 0;
    /** c after each timestep of the last batch, (rows, units). @type {Row[]} */
    this.held = [];
    /** @type {Row} */
    this.h = new Float32Array(B * units);
    /** @type {Row} */
    this.c = new Float32Array(B * units);
  }

  reset() {
    this.h = new Float32Array(this.B * this.U);
    this.c = new Float32Array(this.B * this.U);
  }

  /**
   * One batch; returns its mean squared error, from before the weights change.
   * @param {Row} x (rows, timesteps, features)
   * @param {Row} y (rows,)
   */
  trainOnBatch(x, y) {
    if (!this.stateful) this.reset();
    /** @type {Pass[]} */
    const passes = [{ h: this.h, c: this.c, gates: x }];
    for (let t = 0; t < this.T; t++) passes.push(this.forwards(x, t, passes[t]));
    const grads = this.weights.map(({ length }) => new Float64Array(length));
    const { loss, dh } = this.error(passes[this.T].h, y, grads);
    this.backwards(x, passes, dh, grads);
    this.held = passes.slice(1).map(({ c }) => c);
    ({ h: this.h, c: this.c } = passes[this.T]);
    this.update(grads);
    return loss;
  }

  /** @param {Row} x @param {number} row @param {number} t */
  features(x, row, t) {
    const at = (row * this.T + t) * this.F;
    return x.subarray(at, at + this.F);
  }

  /** @param {Row} x @param {number} t @param {Pass} before @returns {Pass} */
  forwards(x, t, before) {
    const { U, B } = this;
    const [K, R, bias] = this.weights;
    const [h, c, gates] = [B * U, B * U, 4 * B * U].map((size) => new Float32Array(size));
    for (let row = 0; row < B; row++) {
      const z = Float64Array.from(bias);
      addProduct(z, this.features(x, row, t), K);
      addProduct(z, before.h.subarray(row * U, (row + 1) * U), R);
      for (let u = 0; u < U; u++) {
        const at = row * U + u;
        const [i, f, o] = [sigmoid(z[u]), sigmoid(z[U + u]), sigmoid(z[3 * U + u])];
        const candidate = Math.tanh(z[2 * U + u]);
        c[at] = f * before.c[at] + i * candidate;
        h[at] = o * Math.tanh(c[at]);
        gates.set([i, f, candidate, o], 4 * at);
      }
    }
    return { h, c, gates };
  }

  /** @param {Row} h @param {Row} y @param {Float64Array[]} grads */
  error(h, y, [, , , dDense, dBias]) {
    const { U, B } = this;
    const [, , , dense, [bias]] = this.weights;
    const dh = new Float64Array(B * U);
    let loss = 0;
    for (let row = 0; row < B; row++) {
      const own = h.subarray(row * U, (row + 1) * U);
      const error = own.reduce((sum, value, u) => sum + value * dense[u], bias) - y[row];
      loss += error ** 2 / B;
      dBias[0] += (2 * error) / B;
      for (let u = 0; u < U; u++) {
        dDense[u] += ((2 * error) / B) * own[u];
        dh[row * U + u] = ((2 * error) / B) * dense[u];
      }
    }
    return { loss, dh };
  }

  /** @param {Row} x @param {Pass[]} passes @param {Float64Array} dh @param {Float64Array[]} grads */
  backwards(x, passes, dh, [dK, dR, dBias]) {
    const { U, B, T } = this;
    const dc = new Float64Array(B * U);
    const dz = new Float64Array(4 * U);
    for (let t = T - 1; t >= 0; t--) {
      const { c, gates } = passes[t + 1];
      const before = passes[t];
      for (let row = 0; row < B; row++) {
        for (let u = 0; u < U; u++) {
          const at = row * U + u;
          const [i, f, candidate, o] = gates.subarray(4 * at, 4 * at + 4);
          const squashed = Math.tanh(c[at]);
          dc[at] += dh[at] * o * (1 - squashed ** 2);
          dz[u] = dc[at] * candidate * i * (1 - i);
          dz[U + u] = dc[at] * before.c[at] * f * (1 - f);
          dz[2 * U + u] = dc[at] * i * (1 - candidate ** 2);
          dz[3 * U + u] = dh[at] * squashed * o * (1 - o);
          dc[at] *= f;
        }
        for (let j = 0; j < 4 * U; j++) dBias[j] += dz[j];
        addOuter(dK, this.features(x, row, t), dz);
        addOuter(dR, before.h.subarray(row * U, (row + 1) * U), dz);
        for (let k = 0; k < U; k++) {
          let sum = 0;
          for (let j = 0; j < 4 * U; j++) sum += this.weights[1][k * 4 * U + j] * dz[j];
          dh[row * U + k] = sum;
        }
      }
    }
  }

  /** @param {Float64Array[]} grads */
  update(grads) {
    const n = ++this.steps;
    const rate = (RATE * Math.sqrt(1 - TWO ** n)) / (1 - ONE ** n);
    grads.forEach((grad, at) => {
      const [m, v] = this.adam[at];
      grad.forEach((value, k) => {
        m[k] += (value - m[k]) * (1 - ONE);
        v[k] += (value ** 2 - v[k]) * (1 - TWO);
        this.weights[at][k] -= (m[k] * rate) / (Math.sqrt(v[k]) + EPSILON);
      });
    });
  }
}
