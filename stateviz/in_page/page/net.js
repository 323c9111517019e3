// Keras's recurrent layers in plain JavaScript: sums in 64 bits, states rounded to 32, as they are
// kept. The equations are those of keras/src/layers/rnn/{lstm,gru,simple_rnn}.py.

/** @typedef {Float32Array} Row */
/** @typedef {Record<string, Row>} State of one layer, for one sample: h, and c of an LSTM */
/**
 * @typedef {object} Layer As chain.py describes it.
 * @property {"LSTM" | "GRU" | "SimpleRNN" | "Dense" | "Embedding" | "Activation"} kind
 * @property {string} name
 * @property {number} units
 * @property {string} activation
 * @property {string} recurrent
 * @property {boolean} reset_after of a GRU
 * @property {string[]} weights float32, base64
 */

/** @param {string} text float32 in base64 */
export function decoded(text) {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

export const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));

/** @type {Record<string, (x: number) => number>} */
export const ACTIVATIONS = {
  linear: (x) => x,
  sigmoid,
  tanh: Math.tanh,
  relu: (x) => Math.max(x, 0),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0),
  softsign: (x) => x / (1 + Math.abs(x)),
  silu: (x) => x * sigmoid(x),
};

/** The largest of any number of values: Math.max takes no more than a stack holds. */
export function largest(/** @type {Iterable<number>} */ values) {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** @param {ArrayLike<number>} values */
export function softmax(values) {
  const all = Array.from(values);
  const top = largest(all);
  const powers = all.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/**
 * Adds x · matrix to sums.
 * @param {Float64Array} sums
 * @param {ArrayLike<number>} x
 * @param {Row} matrix one row for each x, of as many columns as there are sums
 */
export function addProduct(sums, x, matrix) {
  const wide = sums.length;
  for (let k = 0; k < x.length; k++) {
    const value = x[k];
    if (value === 0) continue; // one-hot inputs are mostly zeros
    for (let j = 0; j < wide; j++) sums[j] += value * matrix[k * wide + j];
  }
}

/**
 * One timestep of one recurrent layer.
 * @param {any} layer decoded
 * @param {State} before
 * @param {Row} x
 * @returns {State}
 */
function stepped(layer, { h, c }, x) {
  const { units: U, act, gate, kernel, recurrent, bias } = layer;
  const [next, memory] = [new Float32Array(U), new Float32Array(U)];
  const z = new Float64Array(kernel.length / x.length);
  if (bias) z.set(bias.subarray(0, z.length));
  addProduct(z, x, kernel);
  if (layer.kind === "GRU") return { h: gruOutput(layer, z, h) };
  addProduct(z, h, recurrent);
  for (let u = 0; u < U; u++) {
    if (layer.kind === "SimpleRNN") {
      next[u] = act(z[u]);
      continue;
    }
    const kept = gate(z[U + u]) * c[u];
    memory[u] = kept + gate(z[u]) * act(z[2 * U + u]);
    next[u] = gate(z[3 * U + u]) * act(memory[u]);
  }
  return layer.kind === "LSTM" ? { h: next, c: memory } : { h: next };
}

/**
 * @param {any} layer
 * @param {Float64Array} z what the input adds to the update gate, reset gate and candidate
 * @param {Row} h
 */
function gruOutput({ units: U, act, gate, recurrent, bias, reset_after }, z, h) {
  const inner = new Float64Array(3 * U);
  if (bias && reset_after) inner.set(bias.subarray(3 * U));
  addProduct(inner, h, recurrent);
  const reset = Float64Array.from(h, (_, u) => gate(z[U + u] + inner[U + u]));
  if (!reset_after) {
    const through = new Float64Array(3 * U);
    addProduct(
      through,
      reset.map((part, k) => part * h[k]),
      recurrent,
    );
    for (let u = 2 * U; u < 3 * U; u++) inner[u] = through[u];
  }
  return Float32Array.from(h, (was, u) => {
    const update = gate(z[u] + inner[u]);
    const candidate = inner[2 * U + u] * (reset_after ? reset[u] : 1);
    return update * was + (1 - update) * act(z[2 * U + u] + candidate);
  });
}

export class Net {
  /** @param {Layer[]} layers */
  constructor(layers) {
    this.layers = layers.map(({ weights, ...rest }) => {
      const [kernel, ...others] = weights.map(decoded);
      const [recurrent, bias] = rest.kind === "Dense" ? [null, others[0]] : others;
      const [act, gate] = [ACTIVATIONS[rest.activation], ACTIVATIONS[rest.recurrent]];
      return { ...rest, kernel, recurrent, bias, act, gate };
    });
    /** Those that keep a state, in the order of the states. */
    this.recurrent = this.layers.filter(({ recurrent }) => recurrent);
  }

  /** @returns {State[]} */
  zeros() {
    return this.recurrent.map(({ kind, units }) => {
      const names = kind === "LSTM" ? ["h", "c"] : ["h"];
      return Object.fromEntries(names.map((name) => [name, new Float32Array(units)]));
    });
  }

  /**
   * One timestep of one sample; the states before stay as they are.
   * @param {State[]} before
   * @param {Row} input the features, or one token's number
   */
  step(before, input) {
    let x = input;
    /** @type {State[]} */
    const states = [];
    for (const layer of this.layers) {
      const { kind, units, kernel, bias } = layer;
      if (layer.recurrent) {
        states.push(stepped(layer, before[states.length], x));
        x = states[states.length - 1].h;
      } else if (kind === "Embedding") {
        x = kernel.subarray(x[0] * units, (x[0] + 1) * units);
      } else {
        const z = kind === "Dense" ? new Float64Array(units) : Float64Array.from(x);
        if (bias) z.set(bias);
        if (kind === "Dense") addProduct(z, x, kernel);
        x = layer.activation === "softmax" ? softmax(z) : Float32Array.from(z, layer.act);
      }
    }
    return { states, output: x };
  }
}
